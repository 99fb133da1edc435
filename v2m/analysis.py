"""What the music will follow: a timeline looked at, as an event curve and hits.

    timeline -> pictures -> features -> event curve
                                     -> novelty -> hits

Where no picture can be read the cuts alone serve, and the notes say so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from v2m.curves import DEFAULT_KERNEL_S, EventCurve, Features, event_curve, novelty
from v2m.encoders.pixel import PixelEncoder
from v2m.encoders.protocol import PictureEncoder
from v2m.errors import MediaError, UsageError
from v2m.frames import FrameBatch, Sheet, SheetGatherer, probe, read_frames
from v2m.hits import Hit, find_hits
from v2m.shots import timeline_of_video
from v2m.stages import Cancel, never_cancel
from v2m.timeline import Cut, Timeline

CURVE_RATE_HZ: Final = 25.0
"""Grid of the curve: above twice the highest rate of sixteenths (12 Hz at 180 BPM)."""

_USUAL_ASPECT: Final = 16 / 9

ENCODERS: Final[dict[str, Callable[[], PictureEncoder]]] = {"pixel": PixelEncoder}
"""What can look at the picture, by name."""


@dataclass(frozen=True)
class Analysis:
    """A timeline and what was seen in it."""

    timeline: Timeline
    curve: EventCurve
    hits: tuple[Hit, ...]
    notes: tuple[str, ...]
    """What a person should know of the reading, the timeline's own notes first."""

    sheet: Sheet | None = None
    """Some of the pictures; None where none could be read."""

    @property
    def encoder(self) -> str:
        """What looked at the picture; `cuts` where nothing could be seen."""
        return self.curve.encoder


def analyze(
    timeline: Timeline,
    *,
    picture: Path | None = None,
    encoder: str = "pixel",
    kernel_s: float = DEFAULT_KERNEL_S,
    on_progress: Callable[[float], None] = lambda fraction: None,
    cancel: Cancel = never_cancel,
) -> Analysis:
    """Look at a programme once and say what changes when, and which moments matter.

    Args:
        timeline: the programme.
        picture: a render of it, looked at in place of its media.
        encoder: a name in `ENCODERS`.
        kernel_s: length of the Hann window that smooths the curve.
        on_progress: told the fraction of the programme that was looked at.
        cancel: raises CancelledError to stop.

    Raises:
        UsageError: there is no such encoder.
        MediaError: `picture` cannot be read.
    """
    notes = list(timeline.notes)
    batches = read_frames(timeline, picture=picture, note=notes.append, cancel=cancel)
    gatherer = SheetGatherer(float(timeline.duration_s))
    seen = _counted(_gathered(batches, gatherer), timeline, on_progress)
    features = look(new_encoder(encoder), seen)
    if features is None:
        notes.append("No picture could be read, so the music follows the cuts alone.")
    sheet = None if features is None else gatherer.sheet(_aspect(timeline, picture))
    return _conclude(timeline, features, kernel_s, tuple(dict.fromkeys(notes)), sheet)


def analyze_video(
    path: Path,
    *,
    encoder: str = "pixel",
    kernel_s: float = DEFAULT_KERNEL_S,
    on_progress: Callable[[float], None] = lambda fraction: None,
    cancel: Cancel = never_cancel,
) -> Analysis:
    """Find the cuts of a plain video and look at it, decoding it once; the arguments are those of `analyze`.

    Raises:
        UsageError: there is no such encoder.
        MediaError: the file cannot be read.
    """
    looking = new_encoder(encoder)
    media = probe(path)
    length_s = float(media.duration_s)
    gatherer = SheetGatherer(length_s)

    def watch(batch: FrameBatch) -> None:
        looking.push(batch.times_s, batch.pictures)
        gatherer.push(batch.times_s, batch.pictures)
        if length_s > 0 and len(batch.times_s):
            on_progress(min(1.0, float(batch.times_s[-1]) / length_s))

    timeline = timeline_of_video(path, watch=watch, cancel=cancel)
    sheet = gatherer.sheet(media.width_px / media.height_px)
    return _conclude(timeline, looking.features(), kernel_s, timeline.notes, sheet)


def new_encoder(name: str) -> PictureEncoder:
    """An encoder that has seen nothing yet.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in ENCODERS:
        raise UsageError(f"There is no encoder {name!r}, expected one of {', '.join(ENCODERS)}.")
    return ENCODERS[name]()


def look(encoder: PictureEncoder, batches: Iterator[FrameBatch]) -> Features | None:
    """The features of all pictures, None if there were none."""
    seen = 0
    for batch in batches:
        encoder.push(batch.times_s, batch.pictures)
        seen += len(batch.times_s)
    return encoder.features() if seen else None


def _counted(
    batches: Iterator[FrameBatch], timeline: Timeline, on_progress: Callable[[float], None]
) -> Iterator[FrameBatch]:
    seen = 0
    for batch in batches:
        yield batch
        seen += len(batch.times_s)
        on_progress(min(1.0, seen / timeline.frame_count))


def _gathered(batches: Iterator[FrameBatch], gatherer: SheetGatherer) -> Iterator[FrameBatch]:
    for batch in batches:
        gatherer.push(batch.times_s, batch.pictures)
        yield batch


def _aspect(timeline: Timeline, picture: Path | None) -> float:
    """The shape of the pictures: that of the first file that can be read."""
    used = [shot.media.path for shot in timeline.shots if shot.media and shot.media.path]
    for path in dict.fromkeys([picture] if picture else used):
        with contextlib.suppress(MediaError):
            media = probe(path)
            return media.width_px / media.height_px
    return _USUAL_ASPECT


def _conclude(
    timeline: Timeline,
    features: Features | None,
    kernel_s: float,
    notes: tuple[str, ...],
    sheet: Sheet | None,
) -> Analysis:
    hits = find_hits(timeline, novelty(features) if features is not None else None)
    # a moment that the editor marked is an event as a cut is, whatever the picture does there
    marked = [Cut(hit.time_s) for hit in hits if hit.kind == "marker"]
    cut_times = {cut.time_s for cut in timeline.cuts}
    curve = event_curve(
        features,
        float(timeline.duration_s),
        rate_hz=CURVE_RATE_HZ,
        kernel_s=kernel_s,
        cuts=[*timeline.cuts, *(cut for cut in marked if cut.time_s not in cut_times)],
    )
    return Analysis(timeline, curve, hits, notes, sheet)
