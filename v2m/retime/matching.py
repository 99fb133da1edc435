"""Which hits of an old cut of a programme are which of a new one.

Markers are known by their ids, wherever they went. Cuts have none: they are matched in order so that as many
as can keep their distance to the one before, for then the music between them can stay as it is. What is the
same at both ends is set aside first; a dynamic programme does the rest: between rows of cuts that kept all
their distances, where so many came or went that it could not see past them.
Conventions: hits in order of time; a pair is an index of the old and one of the new, (-1, -1) the beginning.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from v2m.hits import Hit

Pair = tuple[int, int]

_ROW: Final = 2
"""Distances in a row that stayed the same: fewer may be so by chance."""

_REACH: Final = 12
"""Hits passed over in a row between two rows: with more around them the hits are others."""

_BEAM: Final = 24
"""Ways to match that are followed at once: more than there are good ones within the reach."""

_SLACK: Final = 6.0
"""A way that costs so much more than the best is given up: three hits left alone on both sides."""

_UNMATCHED_COST: Final = 1.0
_MOVED_COST: Final = 0.5
"""Of a distance that changed, however little, and as much again for each second of it."""

_MOST_S: Final = 20.0
"""A match that changes a distance by more says nothing; the hits are others."""


@dataclass(frozen=True)
class _Way:
    """A way to match the hits so far, which ends with a pair."""

    cost: float
    pair: Pair
    before: _Way | None

    def pairs(self) -> Iterator[Pair]:
        """From the last one back to the first, without where it began."""
        way = self
        while way.before is not None:
            yield way.pair
            way = way.before


def matched(old: Sequence[Hit], new: Sequence[Hit]) -> list[tuple[Hit, Hit]]:
    """Hits that are the same, old and new, in order of the old."""
    old_cuts, new_cuts = ([hit for hit in hits if hit.kind != "marker"] for hits in (old, new))
    markers = {hit.id: hit for hit in new if hit.kind == "marker"}
    found = [(hit, markers[hit.id]) for hit in old if hit.kind == "marker" and hit.id in markers]
    found += [(old_cuts[i], new_cuts[j]) for i, j in _Matching(old_cuts, new_cuts).pairs()]
    return sorted(found, key=lambda pair: pair[0].time_s)


class _Matching:
    """One call of `matched`."""

    def __init__(self, old: Sequence[Hit], new: Sequence[Hit]) -> None:
        # whole numbers of the smallest part of a second that all of them know
        self._scale = math.lcm(*(hit.time_s.denominator for hit in (*old, *new)))
        self._was, self._now = ([int(hit.time_s * self._scale) for hit in hits] for hits in (old, new))

    def pairs(self) -> list[Pair]:
        last = (len(self._was), len(self._now))
        head = self._head()
        tail = self._tail(len(head))
        found: list[Pair] = head
        at: Pair = (len(head) - 1, len(head) - 1)
        end = tail[0] if tail else last
        rows = self._rows(at, end) if abs(end[0] - end[1]) > _REACH else ()
        for row in (*rows, *([tail] if tail else [])):
            found += [*self._between(at, row[0]), *row]
            at = row[-1]
        return found + self._between(at, last)

    def _head(self) -> list[Pair]:
        """What is the same from the beginning on."""
        same = [was == now for was, now in zip(self._was, self._now, strict=False)]
        return [(k, k) for k in range([*same, False].index(False))]

    def _tail(self, first: int) -> list[Pair]:
        """The row that leads to both ends; the first hits are taken already."""
        count = min(len(self._was), len(self._now)) - first
        ends = (times[::-1][: max(0, count)] for times in (self._was, self._now))
        same = [was - now == self._was[-1] - self._now[-1] for was, now in zip(*ends, strict=True)]
        length = [*same, False].index(False)
        pairs = [(len(self._was) - k, len(self._now) - k) for k in range(length, 0, -1)]
        return pairs if length > _ROW else []

    def _rows(self, begin: Pair, end: Pair) -> Iterator[list[Pair]]:
        """Hits between two pairs whose distances all stayed the same, row by row."""
        was, now = (
            [times[k] - times[k - 1] for k in range(first + 2, last)]
            for times, first, last in zip((self._was, self._now), begin, end, strict=True)
        )
        taken = begin
        for a, b, count in difflib.SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks():
            # the distances are those to the hits before, of which the first has none
            row = [(begin[0] + 1 + a + k, begin[1] + 1 + b + k) for k in range(count + 1)]
            row = [pair for pair in row if pair[0] > taken[0] and pair[1] > taken[1]]
            if count >= _ROW:
                yield row
                taken = row[-1]

    def _between(self, begin: Pair, end: Pair) -> list[Pair]:
        """The cheapest pairs between two, of which the second may stand for the end."""
        reached = {begin[0]: [_Way(0.0, begin, None)]}
        best = (self._all_left(reached[begin[0]][0], end), reached[begin[0]][0])
        for i in range(begin[0] + 1, end[0]):
            ways = sorted(self._ways_to(i, reached, end), key=lambda way: self._least_left(way, end))
            worst = self._least_left(ways[0], end) + _SLACK if ways else 0.0
            reached[i] = [way for way in ways[:_BEAM] if self._least_left(way, end) <= worst]
            for way in reached[i]:
                best = min(best, (self._all_left(way, end), way), key=lambda found: found[0])
        return list(best[1].pairs())[::-1]

    def _all_left(self, way: _Way, end: Pair) -> float:
        """The cost with nothing matched up to the end, which may lie elsewhere than before."""
        left = sum(last - at - 1 for last, at in zip(end, way.pair, strict=True))
        is_row = end[0] < len(self._was) and end[1] < len(self._now)
        return way.cost + _UNMATCHED_COST * left + (self._moved_cost(end, way.pair) if is_row else 0.0)

    def _least_left(self, way: _Way, end: Pair) -> float:
        """With as much matched as there can be."""
        (i, j), (last_i, last_j) = way.pair, end
        return way.cost + _UNMATCHED_COST * abs((last_i - i) - (last_j - j))

    def _moved_cost(self, pair: Pair, before: Pair) -> float:
        (i, j), (a, b) = pair, before
        was = self._was[i] - (self._was[a] if a >= 0 else 0)
        now = self._now[j] - (self._now[b] if b >= 0 else 0)
        return _MOVED_COST * (1 + abs(now - was) / self._scale) if now != was else 0.0

    def _ways_to(self, i: int, reached: dict[int, list[_Way]], end: Pair) -> Iterator[_Way]:
        """For every hit that the old one may be now, the cheapest way there."""
        found: dict[int, _Way] = {}
        rows = (reached.get(a, []) for a in range(i - 1 - _REACH, i))
        for way in chain.from_iterable(rows):
            a, b = way.pair
            for j in range(b + 1, min(b + 2 + _REACH, end[1])):
                moved = self._moved_cost((i, j), way.pair)
                if moved > _MOVED_COST * (1 + _MOST_S):
                    continue
                cost = way.cost + moved + _UNMATCHED_COST * (i - a - 1 + j - b - 1)
                if j not in found or cost < found[j].cost:
                    found[j] = _Way(cost, (i, j), way)
        yield from found.values()
