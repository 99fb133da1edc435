"""What a timeline is to the library: plain frozen data about what is visible when.

Conventions: all times are exact `Fraction` seconds from the first frame of the programme, and begin on a
frame. Shots are what a viewer sees (the topmost picture), in order, without overlap, covering the whole
programme; a span with no picture is a shot without media. A dissolve leaves the shots meeting at its
seam and is described by its cut. Media times count from the first picture of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from v2m.errors import InputError
from v2m.timebase import seconds_to_frame

CutKind = Literal["cut", "dissolve", "fade"]
"""cut: at once. dissolve: one picture into another over `width_s`. fade: from or to no picture."""


@dataclass(frozen=True)
class Media:
    """A file that a shot shows."""

    target: str
    """As the document wrote it: a URL or a bare path of any system."""

    path: Path | None
    """The readable local file that `target` led to, or None."""

    problem: str = ""
    """Why `path` is None, as half a sentence that follows the file's name."""


@dataclass(frozen=True)
class Shot:
    """A span of the programme that shows one stretch of one file, or nothing."""

    start_s: Fraction
    duration_s: Fraction
    media: Media | None = None
    """None for a gap, a generator or a title."""

    source_start_s: Fraction = Fraction(0)
    """Time in the file, from its first picture, that is seen at `start_s`."""

    speed: Fraction = Fraction(1)
    """File seconds per programme second: 0 a still or freeze frame, negative backwards."""

    name: str = ""

    @property
    def end_s(self) -> Fraction:
        """Where the shot ends; the next one begins there."""
        return self.start_s + self.duration_s

    def source_time_s(self, time_s: Fraction) -> Fraction:
        """The time in the file that is seen at a programme time."""
        return self.source_start_s + (time_s - self.start_s) * self.speed


@dataclass(frozen=True)
class Cut:
    """A change of shot."""

    time_s: Fraction
    """The seam: where the outgoing shot ends and the incoming one begins."""

    kind: CutKind = "cut"
    width_s: Fraction = Fraction(0)
    """Length of the transition, 0 for a hard cut."""

    center_offset_s: Fraction = Fraction(0)
    """Middle of the transition, relative to the seam."""


@dataclass(frozen=True)
class Marker:
    """A point or span that the editor set."""

    id: str
    """Stable over exports where the editor gives one, else made from time and name."""

    time_s: Fraction
    duration_s: Fraction = Fraction(0)
    color: str = ""
    name: str = ""
    note: str = ""


@dataclass(frozen=True)
class Timeline:
    """A programme to be scored."""

    rate: Fraction
    """Frames a second, exact."""

    duration_s: Fraction
    shots: tuple[Shot, ...]
    cuts: tuple[Cut, ...]
    markers: tuple[Marker, ...] = ()
    name: str = ""
    start_frame: int = 0
    """Frame number that the editor shows for the first frame (86400 for 01:00:00:00 at 24)."""

    drop_frame: bool = False
    goes_on: bool = False
    """Whether this is an excerpt that ends before the programme does."""

    notes: tuple[str, ...] = ()
    """What a person should know of the reading: media not found, effects not understood."""

    def __post_init__(self) -> None:
        """Refuse what no programme can be.

        Raises:
            InputError: no length, shots that overlap or leave holes, a cut outside the programme.
        """
        if self.duration_s <= 0:
            raise InputError("The timeline has no length.", hint="Give a timeline with at least one frame.")
        at = Fraction(0)
        for shot in self.shots:
            if shot.start_s != at or shot.duration_s <= 0:
                raise InputError(f"Shot {shot.name!r} begins at {float(shot.start_s)} s, not {float(at)} s.")
            at = shot.end_s
        if at != self.duration_s:
            raise InputError(f"The shots end at {float(at)} s, the timeline at {float(self.duration_s)} s.")
        for cut in self.cuts:
            if not 0 <= cut.time_s <= self.duration_s:
                raise InputError(f"A cut lies at {float(cut.time_s)} s, outside the timeline.")

    @property
    def frame_count(self) -> int:
        """Length in frames."""
        return seconds_to_frame(self.duration_s, self.rate)

    def shot_at(self, time_s: Fraction) -> Shot:
        """The shot that is visible at a time in [0, duration)."""
        low, high = 0, len(self.shots) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.shots[middle].start_s <= time_s else (low, middle - 1)
        return self.shots[low]

    def excerpt(self, start_s: Fraction, end_s: Fraction) -> Timeline:
        """The programme between two times, counted from zero again.

        Raises:
            InputError: the range is empty or outside the programme.
        """
        if not 0 <= start_s < end_s <= self.duration_s:
            raise InputError(
                f"The range {float(start_s):g}-{float(end_s):g} s does not lie in the timeline "
                f"(0-{float(self.duration_s):g} s)."
            )
        shots = tuple(_trim(shot, start_s, end_s) for shot in self.shots
                      if shot.end_s > start_s and shot.start_s < end_s)  # fmt: skip
        return replace(
            self,
            duration_s=end_s - start_s,
            shots=shots,
            cuts=tuple(
                replace(cut, time_s=cut.time_s - start_s) for cut in self.cuts if start_s < cut.time_s < end_s
            ),
            markers=tuple(
                replace(m, time_s=m.time_s - start_s) for m in self.markers if start_s <= m.time_s < end_s
            ),
            start_frame=self.start_frame + seconds_to_frame(start_s, self.rate),
            goes_on=self.goes_on or end_s < self.duration_s,
        )


def _trim(shot: Shot, start_s: Fraction, end_s: Fraction) -> Shot:
    first, last = max(shot.start_s, start_s), min(shot.end_s, end_s)
    return replace(
        shot, start_s=first - start_s, duration_s=last - first, source_start_s=shot.source_time_s(first)
    )
