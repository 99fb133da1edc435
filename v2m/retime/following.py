"""A new cut of the programme: where a take's hits are in the new timeline.

Moments that were seen in the picture stay with their shots.
Conventions: exact seconds; a hit that is matched keeps its id, weight and reason, and takes the new time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from v2m.hits import Hit
from v2m.retime.matching import matched
from v2m.take.record import TakeRecord

_BEHIND_S: Final = Fraction(20)
"""So far behind where an excerpt ended its hits are looked for: more hits than were there say nothing."""


def followed(record: TakeRecord, hits: Sequence[Hit], end_s: Fraction) -> tuple[Hit, ...]:
    """The hits of a new timeline, those of the take among them under their own ids.

    Args:
        record: of the take.
        hits: of the new timeline, in order; the picture need not have been looked at.
        end_s: length of the new timeline.
    """
    new = _of_the_cut(hits)
    pairs = matched(_of_the_cut(record.hits), new)
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


def followed_end(record: TakeRecord, hits: Sequence[Hit], end_s: Fraction) -> Fraction:
    """Where the music of a part of a programme ends in a new cut: as far behind its last hit as before.

    Args:
        record: of a take that ended before the programme did.
        hits: of the new timeline from where the take begins, to its end.
        end_s: that end.
    """
    near = [hit for hit in hits if hit.time_s <= record.duration_s + _BEHIND_S]
    pairs = matched(_of_the_cut(record.hits), _of_the_cut(near))
    shift_s = pairs[-1][1].time_s - pairs[-1][0].time_s if pairs else Fraction(0)
    return min(end_s, record.duration_s + shift_s)


def _of_the_cut(hits: Sequence[Hit]) -> list[Hit]:
    """Those that the timeline itself tells of."""
    return [hit for hit in hits if hit.kind not in ("visual", "end")]


def _free_id(wanted: str, taken: set[str]) -> str:
    number = 1
    name = wanted
    while name in taken:
        number += 1
        name = f"{wanted}+{number}"
    return name


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
