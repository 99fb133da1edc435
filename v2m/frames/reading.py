"""The pictures of a programme, small, with exact times: from a render of it or from the media it names.

Each file is opened once; the ranges that the shots use are decoded once, in order of file time, and every
picture is handed to all shots that show it. So batches come in any order of programme time. Memory does not
grow with length: a batch at a time is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.errors import MediaError
from v2m.frames.opening import media_errors
from v2m.frames.placing import TOLERANCE_S, Stretch, Use, programme_times, stretches
from v2m.frames.probing import declared_duration_s
from v2m.frames.shrinking import SMALL, Shrinker
from v2m.frames.source import PictureSource, Shown, no_cancel
from v2m.timeline import Media, Timeline

BATCH_SIZE: Final = 64
"""Pictures: 1 MB at 96 x 54, enough to spread the cost of a call."""

Note = Callable[[str], None]
"""Takes one sentence that a person should know of the reading."""


def no_note(sentence: str) -> None:
    """Drop a remark."""


@dataclass(frozen=True)
class FrameBatch:
    """Some pictures of a programme."""

    times_s: NDArray[np.float64]  # (n,)
    """Programme time at which each picture begins to be seen."""

    pictures: NDArray[np.uint8]  # (n, h, w, 3)
    """RGB, the whole frame, upright."""

    shot_index: NDArray[np.intp]  # (n,)
    """Which of the timeline's shots shows it."""


def read_frames(
    timeline: Timeline,
    *,
    picture: Path | None = None,
    size: tuple[int, int] = SMALL,
    max_rate_hz: float | None = None,
    note: Note = no_note,
    cancel: Callable[[], None] = no_cancel,
) -> Iterator[FrameBatch]:
    """The pictures that a viewer of the programme sees, in batches of up to 64, in any order of time.

    Nothing comes for shots whose media cannot be read; `note` then hears why.

    Args:
        timeline: the programme.
        picture: a render of it, which is then read in place of its media.
        size: width and height of the pictures in pixels.
        max_rate_hz: leave pictures out so that no more come in a second of programme.
        note: hears of files that cannot be read, end early or are broken in places.
        cancel: raises CancelledError to stop; called at least every 16 decoded pictures.

    Raises:
        MediaError: `picture` cannot be read.
        CancelledError: `cancel` said so.
    """
    gatherer = _Gatherer(size)
    for path, uses in _uses_by_file(timeline, picture).items():
        try:
            with PictureSource(path, cancel) as source:
                reader = _FileReader(source, uses, 1 / timeline.rate, max_rate_hz, size)
                for at_s, index, small in reader.pictures():
                    if gatherer.add(at_s, index, small):
                        yield gatherer.take()
                remarks = reader.remarks()
        except MediaError as error:
            if picture is not None:
                raise
            remarks = [error.message]
        for remark in remarks:
            note(remark)
    if gatherer.count:
        yield gatherer.take()


def _uses_by_file(timeline: Timeline, picture: Path | None) -> dict[Path, list[Use]]:
    by_file: dict[Path, list[Use]] = {}
    for index, shot in enumerate(timeline.shots):
        if picture is not None:
            # a render is a file of which each shot shows its own span at its own time
            shot = replace(
                shot, media=Media(str(picture), picture), source_start_s=shot.start_s, speed=Fraction(1)
            )
        if shot.media is not None and shot.media.path is not None:
            by_file.setdefault(shot.media.path, []).append(Use(index, shot))
    return by_file


class _FileReader:
    """Reads what the shots use of one open file."""

    def __init__(
        self,
        source: PictureSource,
        uses: list[Use],
        frame_s: Fraction,
        max_rate_hz: float | None,
        size: tuple[int, int],
    ) -> None:
        self._source = source
        self._uses = uses
        self._frame_s = frame_s
        self._shrink = Shrinker(size, source.orientation)
        self._end_s = Fraction(0)
        self._max_rate = None if max_rate_hz is None else Fraction(max_rate_hz)
        self._slots: dict[int, int] = {}

    def pictures(self) -> Iterator[tuple[Fraction, int, NDArray[np.uint8]]]:
        """Programme time, number of the shot, picture."""
        for stretch in self._stretches():
            waiting = list(reversed(stretch.uses))
            active: list[Use] = []
            for shown in self._source.span(stretch.start_s + TOLERANCE_S, stretch.end_s):
                self._end_s = shown.next_s or shown.time_s + self._source.frame_s
                while waiting and (shown.next_s is None or waiting[-1].start_s < self._end_s):
                    active.append(waiting.pop())
                yield from self._place(shown, active)
                active = [use for use in active if use.end_s >= shown.time_s]

    def _stretches(self) -> Iterator[Stretch]:
        if self._source.is_still:
            yield Stretch(Fraction(0), Fraction(0), tuple(self._uses))
        else:
            yield from stretches(self._uses)

    def _place(self, shown: Shown, uses: list[Use]) -> Iterator[tuple[Fraction, int, NDArray[np.uint8]]]:
        small: NDArray[np.uint8] | None = None
        next_s = None if self._source.is_still else self._end_s
        for use in uses:
            for at_s in programme_times(use.shot, shown.time_s, next_s, self._frame_s):
                if not self._wanted(use, at_s):
                    continue
                if small is None:
                    with media_errors(self._source.path, "holds a picture that cannot be scaled"):
                        small = self._shrink(shown.frame)
                yield at_s, use.index, small

    def _wanted(self, use: Use, at_s: Fraction) -> bool:
        """Whether a picture is the first in its slot of `1 / max_rate_hz`, counted from the shot's start."""
        if self._max_rate is None:
            return True
        slot = int((at_s - use.shot.start_s + TOLERANCE_S) * self._max_rate)
        if self._slots.get(use.index) == slot:
            return False
        self._slots[use.index] = slot
        return True

    def remarks(self) -> list[str]:
        """What a person should know once all pictures are read."""
        name = self._source.path.name
        remarks = []
        used_s = max(use.end_s for use in self._uses)
        # the last picture may be rounded away, or stand a little longer than the usual one
        if not self._source.is_still and used_s - self._end_s > 2 * self._source.frame_s:
            declared_s = declared_duration_s(self._source) or self._end_s
            whole = f" of {float(declared_s):.2f} s" if declared_s > self._end_s else ""
            rest = f"; the timeline uses it up to {float(used_s):.2f} s" if used_s > declared_s else ""
            remarks.append(f"{name} was decoded up to {float(self._end_s):.2f} s{whole}{rest}.")
        if self._source.broken_packets:
            remarks.append(f"{name} is broken in {self._source.broken_packets} places, which were left out.")
        return remarks


class _Gatherer:
    """Collects pictures into one batch at a time."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._shape = (BATCH_SIZE, size[1], size[0], 3)
        self._start()

    def _start(self) -> None:
        self.count = 0
        self._times_s = np.zeros(BATCH_SIZE)
        self._pictures = np.empty(self._shape, dtype=np.uint8)
        self._shot_index = np.zeros(BATCH_SIZE, dtype=np.intp)

    def add(self, at_s: Fraction, index: int, picture: NDArray[np.uint8]) -> bool:
        """Take one picture; whether the batch is now full."""
        self._times_s[self.count] = float(at_s)
        self._pictures[self.count] = picture
        self._shot_index[self.count] = index
        self.count += 1
        return self.count == BATCH_SIZE

    def take(self) -> FrameBatch:
        """The batch so far; the next one begins empty."""
        batch = FrameBatch(
            self._times_s[: self.count], self._pictures[: self.count], self._shot_index[: self.count]
        )
        self._start()
        return batch
