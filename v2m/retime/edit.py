"""One stretch of a take that a retime changes, told as if nothing else were changed.

So an edit is the same whatever happens elsewhere: the same notes, the same noise, the same samples; what was
nudged there and back is as it was. Conventions: beats, frames and times count from the take's own beginning,
as it was up to the stretch; what follows the stretch is the take as it was, later by `shift_s`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from v2m.hits import Hit
from v2m.retime.warp import warped
from v2m.take.record import Origin
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ, samples_covering


@dataclass(frozen=True)
class Renewal:
    """Frames that are composed again."""

    first: int
    """The same before and now."""

    last: int
    """Past the last that is replaced, as it was."""

    count: int
    """How many take their place."""


@dataclass(frozen=True)
class Edit:
    """What changes in one stretch."""

    first_beat: int
    """Number of the first of `beats_s`, which stays where it was."""

    last_beat: int | None
    """Number, as it was, of the last of `beats_s`; None: the programme ends with the stretch."""

    beats_s: tuple[float, ...]
    parting_s: Fraction
    """A time inside the stretch, as it was: hits that stay lie before it, or later by the shift."""

    shift_s: Fraction
    """Of what follows, and of the end."""

    gone: tuple[str, ...]
    """Ids of the hits, as they were, that lie in the stretch."""

    hits: tuple[Hit, ...]
    """What lies there now."""

    warp_s: tuple[tuple[float, float], ...]
    """Moments of the picture in the stretch and at its ends: (now, before)."""

    fresh_s: tuple[float, ...]
    """Hits that were not there before."""

    renewal: Renewal | None
    largest_bend: float
    """Of a beat whose music stays, as a share."""

    composed_bend: float
    """Of a beat that is composed again."""

    start_s: float
    """Where the first sample may differ from what was."""

    end_s: float | None
    """From where on the samples are those that were; None: to the end they may differ."""

    def tempo_map(self, before: TempoMap) -> TempoMap:
        """The beats with this edit."""
        rest = () if self.last_beat is None else before.beats_s[self.last_beat + 1 :]
        later = tuple(round(beat + float(self.shift_s), 6) for beat in rest)
        return replace(before, beats_s=(*before.beats_s[: self.first_beat], *self.beats_s, *later))

    def moved_hits(self, before: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """All hits with this edit, in order."""
        gone = set(self.gone)
        kept = [
            hit if hit.time_s < self.parting_s else replace(hit, time_s=hit.time_s + self.shift_s)
            for hit in before
            if hit.id not in gone
        ]
        return tuple(sorted([*kept, *self.hits], key=lambda hit: hit.time_s))

    def applied(self, before: Origin) -> Origin:
        """The take with this edit; its curve follows the moments that were moved."""
        return replace(
            before,
            duration_s=before.duration_s + self.shift_s,
            hits=self.moved_hits(before.hits),
            tempo_map=self.tempo_map(before.tempo_map),
            curve=warped(before.curve, self.warp_s, self.fresh_s, float(before.duration_s + self.shift_s)),
        )

    @property
    def first_sample(self) -> int:
        """The first that may differ."""
        return max(0, int(self.start_s * SAMPLE_RATE_HZ))

    def last_sample(self, before: Origin) -> int:
        """The first that again is what was."""
        count = samples_covering(before.duration_s + self.shift_s)
        return count if self.end_s is None else min(count, int(self.end_s * SAMPLE_RATE_HZ) + 1)
