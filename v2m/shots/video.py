"""A plain video file as a timeline: its cuts are found in the picture, in the same pass that reads it.

Conventions: the programme is the file from its first picture on, so file time and programme time are one;
cuts lie on frames of the file's snapped rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

from v2m.errors import MediaError
from v2m.frames import SMALL, FrameBatch, MediaInfo, probe, read_frames
from v2m.frames.source import no_cancel
from v2m.shots.gradual import Gradual, GradualDetector
from v2m.shots.hard import HardCutDetector
from v2m.timebase import float_to_fraction, frame_to_seconds, on_frame, seconds_to_frame
from v2m.timeline import Cut, Media, Shot, Timeline

MAX_LAST_PICTURE_S: Final = Fraction(1)
"""A file that lacks more than this of its length is cut short rather than uneven."""


class CutDetector:
    """Takes the pictures of one uninterrupted video in order of time and gives its cuts."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._hard = HardCutDetector(rate)
        self._gradual = GradualDetector(rate)
        self._frames: list[int] = []

    def push(self, batch: FrameBatch) -> None:
        """Take the next pictures."""
        self._frames += [seconds_to_frame(float_to_fraction(t), self._rate) for t in batch.times_s.tolist()]
        self._hard.push(batch.pictures)
        self._gradual.push(batch.pictures)

    @property
    def frame_count(self) -> int:
        """Length of what came so far, in frames."""
        return self._frames[-1] + 1 if self._frames else 0

    def cuts(self) -> tuple[Cut, ...]:
        """All cuts, on frames, in order of time."""
        hard = self._hard.cuts()
        found = [Cut(self._time_s(number)) for number in hard]
        found += [self._gradual_cut(gradual) for gradual in self._gradual.gradual(hard)]
        return tuple(sorted(found, key=lambda cut: cut.time_s))

    def _gradual_cut(self, gradual: Gradual) -> Cut:
        start_s, seam_s, end_s = (self._time_s(n) for n in (gradual.start, gradual.seam, gradual.end))
        return Cut(
            seam_s,
            kind="fade" if gradual.is_fade else "dissolve",
            width_s=end_s - start_s,
            center_offset_s=(start_s + end_s) / 2 - seam_s,
        )

    def _time_s(self, number: int) -> Fraction:
        return frame_to_seconds(self._frames[min(number, len(self._frames) - 1)], self._rate)


def timeline_of_video(
    path: Path,
    *,
    size: tuple[int, int] = SMALL,
    watch: Callable[[FrameBatch], None] | None = None,
    cancel: Callable[[], None] = no_cancel,
) -> Timeline:
    """A video file as a timeline whose shots all show that file.

    Args:
        path: the video.
        size: width and height of the pictures that are looked at.
        watch: is given every batch of pictures in order of time, so that nothing need be decoded twice.
        cancel: raises CancelledError to stop; called at least every 16 pictures.

    Raises:
        MediaError: it cannot be read, or is a still.
        CancelledError: `cancel` said so.
    """
    info = probe(path)
    if info.is_still:
        raise MediaError(f"{path.name} is a still, expected a timeline or a video.")
    notes: list[str] = []
    detector = CutDetector(info.rate)
    for batch in read_frames(_uncut(info), picture=path, size=size, note=notes.append, cancel=cancel):
        detector.push(batch)
        if watch is not None:
            watch(batch)
    duration_s = _seen_s(info, detector.frame_count)
    cuts = tuple(cut for cut in detector.cuts() if 0 < cut.time_s < duration_s)
    return replace(
        _uncut(info),
        duration_s=duration_s,
        shots=_shots(info, duration_s, cuts),
        cuts=cuts,
        notes=tuple(notes),
    )


def _seen_s(info: MediaInfo, frame_count: int) -> Fraction:
    """Length of what was decoded; the last picture of an uneven file may stand until the header's end."""
    seen_s = frame_to_seconds(frame_count, info.rate)
    declared_s = on_frame(info.duration_s, info.rate)
    return declared_s if info.is_vfr and seen_s < declared_s < seen_s + MAX_LAST_PICTURE_S else seen_s


def _uncut(info: MediaInfo) -> Timeline:
    """The whole file as one shot, as long as its header says."""
    duration_s = max(1 / info.rate, on_frame(info.duration_s, info.rate))
    return Timeline(
        rate=info.rate,
        duration_s=duration_s,
        shots=_shots(info, duration_s, ()),
        cuts=(),
        name=info.path.stem,
        start_frame=info.start_frame,
        drop_frame=info.drop_frame,
    )


def _shots(info: MediaInfo, duration_s: Fraction, cuts: tuple[Cut, ...]) -> tuple[Shot, ...]:
    media = Media(str(info.path), info.path)
    seams_s = sorted({Fraction(0), duration_s, *(cut.time_s for cut in cuts)})
    return tuple(
        Shot(start_s, end_s - start_s, media, source_start_s=start_s, name=info.path.stem)
        for start_s, end_s in pairwise(seams_s)
    )
