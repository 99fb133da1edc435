"""How many beats lie between the anchors of a stretch that is retimed: as before, or some more or fewer.

Where the music bends within its limit it keeps its beats; beyond, it is composed again there, and beats are
added or dropped; where not even that fits, an anchor is let go, and its hit gets an accent of its own. A
dynamic programme weighs these.
Conventions: positions in beats of the map as it was; an offset is the new position less the old, in halves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from v2m.retime.pins import Anchor
from v2m.tempo import TempoMap
from v2m.timebase import float_to_fraction

_FURTHEST: Final = 6
"""Anchors let go in a row, at most, before a bend beyond its limit is put up with."""

_BEND_COST: Final = 0.3
"""Of a bend at the limit of music that stays."""

_RENEWED_COST: Final = 1.0
"""Of composing a span again, whatever its length."""

_RENEWED_BEAT_COST: Final = 0.05
"""So a few bars are composed rather than many, unless they would have to bend much more."""

_LET_GO_COST: Final = 10.0
"""Of a hit of weight 1 without a beat: more than to compose some bars on both sides of it."""

_RESTING_BARS: Final = (2, 3, 4)
"""So far from a hit that was moved the music may already be as it was."""

_HALF_COST: Final = 0.8
"""Of a hit that stood on a beat and stands in the middle of one."""

_BROKEN_BAR_COST: Final = 1.5
"""Of bars that no longer fall together with what follows."""

_TOO_FAR_COST: Final = 50.0
"""Of a bend beyond its limit, for when all else fails."""

RENEWED_BEND: Final = 2.5
"""Music that is composed on its beats may bend so many times as far as music that was composed for others."""

_MARGIN: Final = 0.97
"""Of the limit that the mean bend of a span may use: its beats differ a little from the mean."""


@dataclass(frozen=True)
class Stop:
    """An anchor that keeps a beat."""

    anchor: Anchor
    position: float
    """Where it stands now, on the scale of the map as it was before the stretch."""

    is_new: bool = False
    """Whether the music that leads to it from the stop before is composed again."""

    @property
    def offset(self) -> float:
        """Beats that were added before it, or dropped where negative."""
        return self.position - self.anchor.position


@dataclass(frozen=True)
class _Path:
    cost: float
    stops: tuple[Stop, ...]


def route(
    anchors: Sequence[Anchor], tempo_map: TempoMap, max_bend: float, *, open_end: bool
) -> tuple[Stop, ...]:
    """The anchors that keep a beat and their new positions; the first is held as it is.

    Args:
        anchors: of the stretch, in order; those at its ends are always kept.
        tempo_map: as it was.
        max_bend: share by which a beat may become longer or shorter.
        open_end: whether the programme ends with the stretch, so that bars need not fit what follows.
    """
    anchors = _with_rests(anchors, tempo_map)
    paths: list[dict[int, _Path]] = [{} for _ in anchors]
    paths[0][0] = _Path(0.0, (Stop(anchors[0], anchors[0].position),))
    for at, here in enumerate(paths):
        let_go, passed = 0.0, 0
        for to in range(at + 1, len(anchors)):
            for path in here.values():
                for stop, cost in _steps(path.stops[-1], anchors[to], max_bend):
                    _keep(paths[to], _Path(path.cost + cost + let_go, (*path.stops, stop)))
            let_go += _LET_GO_COST * anchors[to].weight
            passed += anchors[to].weight > 0
            if passed > _FURTHEST:
                break
    ends = [
        (path.cost + _end_cost(path.stops[-1], tempo_map, open_end) + let_go, path.stops)
        for reached, let_go in _last_ones(anchors, paths, open_end)
        for path in reached.values()
    ]
    return min(ends, key=lambda end: end[0])[1]


def _last_ones(
    anchors: Sequence[Anchor], paths: Sequence[dict[int, _Path]], open_end: bool
) -> Iterator[tuple[dict[int, _Path], float]]:
    """Paths that may be whole, with the cost of the anchors that they let go at the end."""
    let_go = 0.0
    for reached, anchor in zip(reversed(paths), reversed(anchors), strict=True):
        yield reached, let_go
        if not open_end:
            return
        let_go += _LET_GO_COST * anchor.weight


def _with_rests(anchors: Sequence[Anchor], tempo_map: TempoMap) -> list[Anchor]:
    """With beats up to which music may stay as it is, some bars from where it has to give way.

    They have no weight: who bends the whole span softly passes them.
    """
    found = list(anchors)
    for left, right in pairwise(anchors):
        for bars in _RESTING_BARS if left.shift_s != right.shift_s else ():
            beats = bars * tempo_map.beats_per_bar
            if right.position - left.position >= beats + 1:
                before, after = math.ceil(right.position) - beats, math.floor(left.position) + beats
                found += [_rest(before, left.shift_s, tempo_map), _rest(after, right.shift_s, tempo_map)]
    return sorted(found, key=lambda anchor: anchor.position)


def _rest(beat: int, shift_s: Fraction, tempo_map: TempoMap) -> Anchor:
    return Anchor(float(beat), float_to_fraction(float(tempo_map.time_s(float(beat)))), shift_s, 0.0)


def _keep(paths: dict[int, _Path], path: _Path) -> None:
    stop = path.stops[-1]
    offset = round(2 * stop.offset)
    if offset not in paths or path.cost < paths[offset].cost:
        paths[offset] = path


def _end_cost(stop: Stop, tempo_map: TempoMap, open_end: bool) -> float:
    if stop.offset % 1:
        return math.inf  # what follows must stay on its beats
    return _BROKEN_BAR_COST if stop.offset % tempo_map.beats_per_bar and not open_end else 0.0


def _steps(start: Stop, anchor: Anchor, max_bend: float) -> Iterator[tuple[Stop, float]]:
    """Where the next anchor may stand, and what that costs."""
    beats = anchor.position - start.anchor.position
    was_s, now_s = float(anchor.was_s - start.anchor.was_s), float(anchor.is_s - start.anchor.is_s)
    if beats <= 0 or now_s <= 0:
        return
    interval_s = was_s / beats
    ideal = now_s / interval_s
    whole = {math.floor(ideal), math.ceil(ideal), round(ideal)}
    halves = {math.floor(2 * ideal) / 2, math.ceil(2 * ideal) / 2}
    # a half moves with the anchor: whole beats between keep a half a half
    near = {beats, *halves, *(n + beats % 1 for n in whole), *(n - beats % 1 for n in whole)}
    for count in sorted(n for n in near if n >= 0.5):
        bend = abs(math.log(now_s / (count * interval_s))) / math.log1p(max_bend)
        is_new = count != beats or bend > _MARGIN
        most = math.log1p(RENEWED_BEND * max_bend) / math.log1p(max_bend)
        cost = _BEND_COST * bend**2 if bend <= _MARGIN * most else _TOO_FAR_COST * bend
        position = start.position + count
        if is_new:
            cost += _RENEWED_COST + _RENEWED_BEAT_COST * count
        if position % 1 and not anchor.position % 1:
            cost += _HALF_COST
        yield Stop(anchor, position, is_new), cost
