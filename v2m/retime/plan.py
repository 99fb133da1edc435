"""What a retime will do, before it is done: which hits moved, what bends, what is composed again, what stays.

Always made from the take as it was before any hit was moved, so small nudges in a row never add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from v2m.errors import UsageError
from v2m.hits import Hit
from v2m.retime.edit import Edit
from v2m.retime.pins import Pin, pinned, pins_of
from v2m.retime.redone import redone_edits
from v2m.retime.stretches import edits
from v2m.swell import swelled
from v2m.take.record import Origin, Redone, TakeRecord
from v2m.timebase import samples_covering, seconds_to_sample
from v2m.timeline import Cut

MAX_BEND: Final = 0.04
"""Of any beat beyond the plan's own tempo: a change of pace that a listener hardly notices."""


@dataclass(frozen=True)
class Placed:
    """An edit in the programme as it is now."""

    edit: Edit
    shift_s: Fraction
    """Of what lies before it."""


@dataclass(frozen=True)
class Kept:
    """Samples of the take as it was."""

    first: int
    last: int
    at: int
    """Where they begin now."""


@dataclass(frozen=True)
class Changed:
    """Samples of an edit."""

    edit: Edit
    first: int
    """In the programme with this edit alone."""

    length: int
    at: int
    """Where they begin now."""

    goes_on: int | None
    """Sample of the take as it was that follows; None at the end."""


@dataclass(frozen=True)
class RetimePlan:
    """A retime, planned."""

    before: Origin
    after: Origin
    pins: tuple[Pin, ...]
    edits: tuple[Placed, ...]

    @property
    def sample_count(self) -> int:
        """Length of the music now."""
        return samples_covering(self.after.duration_s)

    @property
    def all_kept(self) -> Kept:
        """The whole take as it was."""
        return Kept(0, samples_covering(self.before.duration_s), 0)

    def samples(self) -> tuple[Kept | Changed, ...]:
        """The music from beginning to end: what is kept, what changes."""
        pieces: list[Kept | Changed] = []
        goes_on, offset = 0, 0
        for placed in self.edits:
            edit, first = placed.edit, placed.edit.first_sample
            if first > goes_on:
                pieces.append(Kept(goes_on, first, goes_on + offset))
            at = first + offset
            offset = seconds_to_sample(placed.shift_s + edit.shift_s)
            if edit.end_s is None:
                pieces.append(Changed(edit, first, self.sample_count - at, at, None))
                return tuple(pieces)
            goes_on = edit.last_sample(self.before) - seconds_to_sample(edit.shift_s)
            pieces.append(Changed(edit, first, goes_on + offset - at, at, goes_on))
        if self.sample_count > goes_on + offset:
            pieces.append(Kept(goes_on, self.sample_count - offset, goes_on + offset))
        return tuple(pieces)


def plan_retime(
    before: Origin,
    hits: Sequence[Hit],
    end_s: Fraction,
    cuts: Sequence[Cut] | None = None,
    max_bend: float = MAX_BEND,
) -> RetimePlan:
    """Plan the way from a take to hits elsewhere.

    Args:
        before: the take before any hit was moved.
        hits: as they are to be; those that keep their id were moved, others are new.
        end_s: length of the programme as it is to be.
        cuts: the programme's own; None: the take's, moved with the hits.
        max_bend: share by which a beat may become longer or shorter.

    Raises:
        UsageError: the limit makes no sense.
    """
    if not 0 <= max_bend <= 0.25:
        raise UsageError(f"The largest bend is {max_bend:g}, expected 0 to 0.25.")
    pins = pins_of(before.hits, hits)
    held = pinned(pins, before.tempo_map, before.duration_s, end_s)
    placed = tuple(Placed(*made) for made in edits(pins, held, before, end_s, max(max_bend, 1e-6)))
    after = before
    for each in reversed(placed):  # from the end on, so that what lies before is where it was
        after = each.edit.applied(after)
    moved = tuple(sorted(hits, key=lambda hit: hit.time_s))
    after = replace(
        after, hits=moved, duration_s=end_s, cuts=tuple(_moved_cuts(before, pins) if cuts is None else cuts)
    )
    return RetimePlan(before, after, pins, placed)


def plan_redone(before: Origin, told: Redone) -> RetimePlan:
    """The plan that composes some spans again."""
    pins = pins_of(before.hits, before.hits)
    after = replace(before, curve=swelled(before.curve, told.swells))
    return RetimePlan(before, after, pins, tuple(Placed(e, Fraction(0)) for e in redone_edits(before, told)))


def plan_of(record: TakeRecord) -> RetimePlan | None:
    """The plan by which a take came to be; None where no hit was moved and no span composed again."""
    if record.origin is None:
        return None
    if record.redone is not None:
        return plan_redone(record.origin, record.redone)
    return plan_retime(
        record.origin, record.hits, record.duration_s, record.cuts, record.settings["max_bend"]
    )


def _moved_cuts(before: Origin, pins: Sequence[Pin]) -> list[Cut]:
    """The cuts, each moved with the hit at it, or with the last one before it."""
    pairs = sorted((pin.before.time_s, pin.after.time_s) for pin in pins if pin.before and pin.after)
    moved = []
    for cut in before.cuts:
        middle_s = cut.time_s + cut.center_offset_s
        near = [pair for pair in pairs if pair[0] <= middle_s]
        shift_s = near[-1][1] - near[-1][0] if near else Fraction(0)
        if near and near[-1][0] != middle_s and shift_s != 0:
            # a cut that no hit marks: it stays unless all after it moves too
            later = [pair for pair in pairs if pair[0] > middle_s]
            shift_s = shift_s if later and later[0][1] - later[0][0] == shift_s else Fraction(0)
        moved.append(replace(cut, time_s=cut.time_s + shift_s))
    return sorted(moved, key=lambda cut: cut.time_s)
