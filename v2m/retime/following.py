"""A new cut of the programme: which of a take's hits are which of the new timeline's.

Markers are known by their ids. Cuts have none: they are matched in order so that as many as can keep their
distance to the one before, for then the music between them can stay as it is. Moments that were seen in the
picture stay with their shots.
Conventions: exact seconds; a hit that is matched keeps its id, weight and reason, and takes the new time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from v2m.hits import Hit
from v2m.take import TakeRecord

_REACH: Final = 12
"""Hits passed over in a row while matching: a change of more is matched anew behind it."""

_UNMATCHED_COST: Final = 1.0
_MOVED_COST: Final = 0.5
"""Of a distance that changed, however little, and as much again for each second of it."""

_MOST_S: Final = 20.0
"""A match that changes a distance by more says nothing; the hits are others."""


@dataclass(frozen=True)
class _State:
    cost: float
    pairs: tuple[tuple[int, int], ...]


def followed(record: TakeRecord, hits: Sequence[Hit], end_s: Fraction) -> tuple[Hit, ...]:
    """The hits of a new timeline, those of the take among them under their own ids.

    Args:
        record: of the take.
        hits: of the new timeline, in order; the picture need not have been looked at.
        end_s: length of the new timeline.
    """
    by_id = {hit.id: hit for hit in record.hits if hit.kind == "marker"}
    old = [hit for hit in record.hits if hit.kind not in ("visual", "end")]
    new = [hit for hit in hits if hit.kind not in ("visual", "end")]
    pairs = _matched(old, new, by_id)
    kept = {new_hit.id: old_hit for old_hit, new_hit in pairs}
    taken = {hit.id for hit in record.hits} | {hit.id for hit in record.before.hits}
    placed: list[Hit] = []
    for hit in new:
        same = kept.get(hit.id)
        if same is not None:
            placed.append(replace(same, time_s=hit.time_s))
        else:
            placed.append(replace(hit, id=_free_id(hit.id, taken)))
            taken.add(placed[-1].id)
    moves = sorted((old_hit.time_s, new_hit.time_s) for old_hit, new_hit in pairs)
    placed += _seen(record, moves, end_s)
    placed += [replace(hit, time_s=end_s) for hit in record.hits if hit.kind == "end"]
    return tuple(sorted(placed, key=lambda hit: hit.time_s))


def _free_id(wanted: str, taken: set[str]) -> str:
    number = 1
    name = wanted
    while name in taken:
        number += 1
        name = f"{wanted}+{number}"
    return name


def _matched(old: Sequence[Hit], new: Sequence[Hit], by_id: dict[str, Hit]) -> list[tuple[Hit, Hit]]:
    """Pairs of hits that are the same, in order of both."""
    before = [Fraction(0), *(hit.time_s for hit in old)]
    after = [Fraction(0), *(hit.time_s for hit in new)]
    best: dict[tuple[int, int], _State] = {(0, 0): _State(0.0, ())}
    for i in range(1, len(before)):
        for j in range(1, len(after)):
            if (state := _best_before(i, j, before, after, best)) is None:
                continue
            one, other = old[i - 1], new[j - 1]
            if (one.id in by_id or other.kind == "marker") and one.id != other.id:
                continue  # a marker is itself and nothing else
            best[i, j] = _State(state.cost, (*state.pairs, (i - 1, j - 1)))
    left = (len(old), len(new))
    ends = [
        (state.cost + _UNMATCHED_COST * (left[0] - i + left[1] - j), state) for (i, j), state in best.items()
    ]
    chosen = min(ends, key=lambda end: end[0])[1]
    return [(old[i], new[j]) for i, j in chosen.pairs]


def _best_before(
    i: int, j: int, before: Sequence[Fraction], after: Sequence[Fraction], best: dict[tuple[int, int], _State]
) -> _State | None:
    """The cheapest way to match hit i with hit j."""
    found: _State | None = None
    for a in range(max(0, i - 1 - _REACH), i):
        for b in range(max(0, j - 1 - _REACH), j):
            state = best.get((a, b))
            if state is None:
                continue
            moved_s = abs(float((after[j] - after[b]) - (before[i] - before[a])))
            if moved_s > _MOST_S:
                continue
            cost = state.cost + _UNMATCHED_COST * (i - a - 1 + j - b - 1)
            cost += (_MOVED_COST + _MOVED_COST * moved_s) if moved_s else 0.0
            if found is None or cost < found.cost:
                found = _State(cost, state.pairs)
    return found


def _seen(record: TakeRecord, moves: Sequence[tuple[Fraction, Fraction]], end_s: Fraction) -> list[Hit]:
    """The moments inside shots, with their shots; those whose shot changed its length are gone."""
    was = [Fraction(0), *(time_s for time_s, _ in moves), record.duration_s]
    now = [Fraction(0), *(time_s for _, time_s in moves), end_s]
    stay = []
    for hit in record.hits:
        if hit.kind != "visual":
            continue
        at = min(bisect_right(was, hit.time_s), len(was) - 1)
        shifts = now[at - 1] - was[at - 1], now[at] - was[at]
        if shifts[0] == shifts[1]:
            stay.append(replace(hit, time_s=hit.time_s + shifts[0]))
    return stay
