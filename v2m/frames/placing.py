"""When a picture of a file is seen in the programme: pure arithmetic between file time and programme time.

    programme time = shot.start_s + (file time - shot.source_start_s) / shot.speed

Conventions: exact seconds; a picture stands in the file from its own time to that of the next one. A shot
opens with the picture that stands at its source start, however long ago that one began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from v2m.timeline import Shot

TOLERANCE_S: Final = Fraction(1, 1000)
"""Matroska stamps are whole milliseconds and documents carry rounded floats: nearer than this is the same
moment. A picture of 120 a second lasts eight times as long."""

LONG_HOLD_S: Final = Fraction(1)
"""A picture that stands longer is given again on the next frame and on its last one, so that a curve drawn
between pictures shows no slow change where nothing moves."""


@dataclass(frozen=True)
class Use:
    """One shot's use of one file."""

    index: int
    """Number of the shot in the timeline."""

    shot: Shot

    @property
    def start_s(self) -> Fraction:
        """The earliest time in the file that the shot shows."""
        return max(Fraction(0), min(self.shot.source_start_s, self._end_source_s))

    @property
    def end_s(self) -> Fraction:
        """The latest time in the file that the shot shows."""
        return max(Fraction(0), self.shot.source_start_s, self._end_source_s)

    @property
    def _end_source_s(self) -> Fraction:
        return self.shot.source_time_s(self.shot.end_s)


@dataclass(frozen=True)
class Stretch:
    """A range of a file that is decoded in one go, and the uses that lie in it by rising start."""

    start_s: Fraction
    end_s: Fraction
    uses: tuple[Use, ...]


def stretches(uses: Iterable[Use]) -> Iterator[Stretch]:
    """Uses of one file as ranges that do not overlap, in order of file time."""
    gathered: list[Use] = []
    end_s = Fraction(0)
    for use in sorted(uses, key=lambda use: (use.start_s, use.index)):
        if gathered and use.start_s > end_s:
            yield Stretch(gathered[0].start_s, end_s, tuple(gathered))
            gathered = []
        end_s = max(end_s, use.end_s) if gathered else use.end_s
        gathered.append(use)
    if gathered:
        yield Stretch(gathered[0].start_s, end_s, tuple(gathered))


def programme_times(
    shot: Shot, time_s: Fraction, next_s: Fraction | None, frame_s: Fraction
) -> tuple[Fraction, ...]:
    """When a picture that stands in [time, next) of the file is seen in a shot: rising, empty if never.

    Args:
        shot: the shot.
        time_s: when the picture begins in the file.
        next_s: when the next one does; None if it stands for ever, as a still does.
        frame_s: length of a frame of the programme.
    """
    source_s = shot.source_start_s + TOLERANCE_S
    if time_s <= source_s and (next_s is None or next_s > source_s):
        at_s = shot.start_s
    elif shot.speed == 0:
        return ()
    else:
        at_s = shot.start_s + (time_s - shot.source_start_s) / shot.speed
        if not shot.start_s < at_s < shot.end_s - TOLERANCE_S:
            return ()
    until_s = _seen_until(shot, next_s)
    if until_s - at_s <= LONG_HOLD_S:
        return (at_s,)
    return (at_s, at_s + frame_s, until_s - frame_s)


def _seen_until(shot: Shot, next_s: Fraction | None) -> Fraction:
    if next_s is None or shot.speed == 0:
        return shot.end_s
    if shot.speed < 0:
        return shot.start_s  # earlier pictures follow, one a frame as a rule
    return min(shot.end_s, shot.start_s + (next_s - shot.source_start_s) / shot.speed)
