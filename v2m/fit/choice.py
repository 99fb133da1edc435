"""Which part of a track is played, and which of its beats fall on which hits.

Dynamic programming over the hits, as in `v2m.tempo.search`, with a track in place of a free click: a state is
a hit and the beat of the track that falls on it. An edge leads to a later hit so many beats on; it costs the
stretch that makes the beats last as long as the picture does, and the hits that it passes over. Where bars
may be cut, the track can go on at another bar at any bar line, for a price that rises with how unlike the
bars are. What all that costs stands in `prices`.

Conventions: times in seconds, of the programme for targets and of the track for beats; a stretch m makes
music last 1 + m times as long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FloatArray
from v2m.errors import InputError
from v2m.fit.music import Music
from v2m.fit.prices import Prices
from v2m.tempo.search import Targets
from v2m.tempo.settings import TempoCosts

IntArray = NDArray[np.int64]

_ALWAYS_AHEAD: Final = 3
"""Next hits that an edge may always lead to; and all within `_NEAR_S`: in a flurry most have no beat."""

_NEAR_S: Final = 6.0
_MAX_AHEAD: Final = 24

_RIGID: Final = 1e-3
"""Less stretch than this moves nothing that an ear could tell: the track is laid as it is."""


@dataclass(frozen=True)
class Route:
    """The beats of a track in the order in which they are played."""

    legs: tuple[tuple[int, int], ...]
    """First and last beat of each stretch without a cut; the last one's moment is the next leg's first."""

    met: tuple[tuple[int, int], ...]
    """(target, beats from the first leg's first beat to the one that falls on it), in order of time."""


@dataclass
class _Layer:
    """The best way into each beat at one target."""

    cost: FloatArray  # (n,)
    mean: FloatArray  # (n,): stretch on the way in
    source: IntArray  # (n,): target before, -1 for none
    steps: IntArray  # (n,): beats since
    origin: IntArray  # (n,): the beat there


@dataclass(frozen=True)
class _Front:
    """All ways on from one target, so many beats later."""

    cost: FloatArray  # (n,) by the beat that is reached
    length_s: FloatArray  # (n,) of the music since
    mean: FloatArray
    origin: IntArray
    jumped: IntArray
    """(n,): the bar line that was left for this one at this step, -1 where the music runs on."""


@dataclass(frozen=True)
class _Close:
    """The best way out."""

    cost: float = np.inf
    target: int = -1
    steps: int = 0
    beat: int = -1
    origin: int = -1


def choose(
    targets: Targets,
    music: Music,
    duration_s: float,
    costs: TempoCosts,
    *,
    may_cut: bool,
    entry: int | None = None,
) -> Route:
    """The cheapest way through the track that lasts as long as the programme.

    Args:
        targets: hits by time, the first frame among them.
        music: the track.
        duration_s: length of the programme.
        costs: of stretching; `high` is the most that music may be stretched.
        may_cut: whether bars may be left out, repeated or put elsewhere.
        entry: the beat that is on the first frame, for a track that sounds already; None for the best.

    Raises:
        InputError: no part of the track is long enough.
    """
    return _Search(targets, music, duration_s, costs, may_cut).route(entry)


class _Search:
    def __init__(
        self, targets: Targets, music: Music, duration_s: float, costs: TempoCosts, may_cut: bool
    ) -> None:
        self.targets, self.music, self.duration_s, self.costs = targets, music, duration_s, costs
        self.prices = Prices(targets, music, costs)
        self.beats_s = music.beats_s
        self.limit = costs.high
        self.downbeats: IntArray = np.array(music.form.downbeats, np.int64)
        self.cuts = self.prices.cut_costs() if may_cut else None

    def route(self, entry: int | None = None) -> Route:
        """Forward through the targets, then back along what was cheapest."""
        count = len(self.targets.times_s)
        layers = [self._opening(i) for i in range(count)]
        if entry is not None:
            for layer in layers:
                layer.cost[:] = np.inf
            layers[0].cost[entry] = 0.0
        close = _Close()
        for i in range(count):
            close = self._go_on(i, layers, close)
        if not np.isfinite(close.cost):
            raise InputError(
                f"No part of the song lasts the {self.duration_s:.1f} s of the programme.",
                hint="Give a song of two bars or more."
                if self.cuts is not None
                else "Allow cuts at bar lines with --edit, or more stretch with --max-stretch.",
            )
        return self._trace(layers, close)

    # --- ways in, on and out ------------------------------------------------------------------------

    @property
    def _is_rigid(self) -> bool:
        return self.limit < _RIGID

    def _opening(self, i: int) -> _Layer:
        """Target i as the first that is reached: the track begins before it."""
        count = len(self.beats_s)
        none = np.full(count, -1, np.int64)
        layer = _Layer(np.full(count, np.inf), np.zeros(count), none, none.copy(), none.copy())
        lead_s = float(self.targets.times_s[i])
        lead_beats = lead_s / self.music.interval_s * self.limit
        if i > _ALWAYS_AHEAD and lead_s > _NEAR_S and lead_beats > 1:
            return layer
        cost = (
            self.prices.cover(self.beats_s, lead_s)
            + self.prices.missed_straight(i, slice(0, i))
            + self.prices.arrive(i)
        )
        layer.cost[:] = cost
        return layer

    def _go_on(self, i: int, layers: list[_Layer], close: _Close) -> _Close:
        """From target i to those ahead, and to the end."""
        layer, times = layers[i], self.targets.times_s
        if not np.isfinite(layer.cost).any():
            return close
        ahead = self._ahead(i)
        rest_s = self.duration_s - times[i]
        can_close = not ahead or ahead[-1] == len(times) - 1
        missed = self.prices.missed_straight(i, slice(i + 1, None)) if can_close else 0.0
        front = self._start(layer.cost, layer.mean)
        horizon_s = max([times[j] - times[i] for j in ahead] + [rest_s if can_close else 0.0])
        for steps in range(self._most_steps(horizon_s) + 1):
            if steps:
                front = self._step(front)
            if not np.isfinite(front.cost).any():
                break
            if can_close:
                close = self._closed(i, steps, front, missed, rest_s, close)
            for j in ahead if steps else ():
                self._relax(i, j, steps, front, layers[j])
        return close

    def _ahead(self, i: int) -> list[int]:
        """Targets that an edge leads to: enough of them that to one at least some count of beats fits."""
        ahead_s = self.targets.times_s[i + 1 :] - self.targets.times_s[i]
        if self._is_rigid:
            return []
        near = np.flatnonzero((np.arange(len(ahead_s)) < _ALWAYS_AHEAD) | (ahead_s <= _NEAR_S))[:_MAX_AHEAD]
        # any length can be cut in beats once the room of so many beats is a beat
        sure = np.flatnonzero(ahead_s >= self.music.interval_s * (0.5 / self.limit + 1))[:1]
        far = len(ahead_s) if not len(sure) else int(sure[0])
        thin = range(_MAX_AHEAD, far, max(1, far // _MAX_AHEAD)) if far > _MAX_AHEAD else range(far)
        return [i + 1 + j for j in sorted({*near.tolist(), *thin, *sure.tolist()})]

    def _most_steps(self, horizon_s: float) -> int:
        shortest_s = float(np.diff(self.beats_s).min()) * (1 - self.limit)
        return int(np.ceil(horizon_s / min(shortest_s, self.music.interval_s)))

    def _start(self, cost: FloatArray, mean: FloatArray) -> _Front:
        count = len(cost)
        none = np.full(count, -1, np.int64)
        return _Front(cost, np.zeros(count), mean, np.arange(count, dtype=np.int64), none)

    def _step(self, front: _Front) -> _Front:
        """A beat on, and over any cut at the bar line that is reached."""
        cost, mean = np.full_like(front.cost, np.inf), np.zeros_like(front.mean)
        length_s, origin = np.zeros_like(front.length_s), np.full_like(front.origin, -1)
        cost[1:], mean[1:], origin[1:] = front.cost[:-1], front.mean[:-1], front.origin[:-1]
        length_s[1:] = front.length_s[:-1] + np.diff(self.beats_s)
        jumped = np.full_like(front.jumped, -1)
        moved = _Front(cost, length_s, mean, origin, jumped)
        return moved if self.cuts is None else self._over_cuts(moved, self.cuts)

    def _over_cuts(self, front: _Front, cuts: FloatArray) -> _Front:
        bars = self.downbeats
        total = front.cost[bars][:, None] + cuts  # (from, to)
        best = total.argmin(axis=0)
        cheaper = total[best, np.arange(len(bars))] < front.cost[bars]
        to, source = bars[cheaper], bars[best[cheaper]]
        out = [front.cost.copy(), front.length_s.copy(), front.mean.copy()]
        out[0][to] = total[best, np.arange(len(bars))][cheaper]
        out[1][to], out[2][to] = front.length_s[source], front.mean[source]
        origin, jumped = front.origin.copy(), front.jumped.copy()
        origin[to], jumped[to] = front.origin[source], source
        return _Front(out[0], out[1], out[2], origin, jumped)

    def _relax(self, i: int, j: int, steps: int, front: _Front, layer: _Layer) -> None:
        """Carry the costs to target j, where so many beats can last until it."""
        span_s = float(self.targets.times_s[j] - self.targets.times_s[i])
        if not 0.8 - 2 * self.limit <= steps * self.music.interval_s / span_s <= 1.2 + 2 * self.limit:
            return  # a track's own tempo wanders too, hence the room
        m = span_s / np.maximum(front.length_s, 1e-6) - 1
        cost = front.cost + self.prices.bend(m, float(steps)) + self.costs.tail * (m - front.mean) ** 2
        cost = cost + self.prices.arrive(j) + self.prices.missed_between(i, j, steps)
        better = cost < layer.cost
        layer.cost[better], layer.mean[better] = cost[better], m[better]
        layer.source[better], layer.steps[better] = i, steps
        layer.origin[better] = front.origin[better]

    def _closed(
        self, i: int, steps: int, front: _Front, missed: FloatArray | float, rest_s: float, close: _Close
    ) -> _Close:
        """The cheapest way out so far, if the track runs on to the end from where each front is."""
        there_s = front.length_s + self.music.duration_s - self.beats_s
        cost = front.cost + self.prices.cover(there_s, rest_s) + np.asarray(missed)[front.origin]
        beat = int(np.argmin(cost))
        if cost[beat] >= close.cost - 1e-9:
            return close
        return _Close(float(cost[beat]), i, steps, beat, int(front.origin[beat]))

    # --- the way back -------------------------------------------------------------------------------

    def _trace(self, layers: list[_Layer], close: _Close) -> Route:
        """Back from the end to the first target that is reached, then its legs forward."""
        hops = [(close.target, close.origin, close.steps, close.beat)]
        i, beat = close.target, close.origin
        chain = [(i, 0)]
        while layers[i].source[beat] >= 0:
            layer = layers[i]
            steps, origin = int(layer.steps[beat]), int(layer.origin[beat])
            source = int(layer.source[beat])
            hops.append((source, origin, steps, beat))
            chain[-1] = (i, steps)
            i, beat = source, origin
            chain.append((i, 0))
        counts = np.cumsum([steps for _, steps in reversed(chain)])
        met = tuple((target, int(n)) for (target, _), n in zip(reversed(chain), counts, strict=True))
        return Route(self._legs(beat, [self._replay(*hop) for hop in reversed(hops)]), met)

    def _replay(self, target: int, origin: int, steps: int, beat: int) -> tuple[list[tuple[int, int]], int]:
        """The cuts (left, entered) on the way from one beat to another, and the last beat."""
        cost = np.full(len(self.beats_s), np.inf)
        cost[origin] = 0.0
        front = self._start(cost, np.zeros(len(cost)))
        fronts = []
        for _ in range(steps):
            front = self._step(front)
            fronts.append(front)
        cuts, at = [], beat
        for front in reversed(fronts):
            if front.jumped[at] >= 0:
                cuts.append((int(front.jumped[at]), at))
                at = int(front.jumped[at])
            at -= 1
        return cuts[::-1], beat

    @staticmethod
    def _legs(first: int, parts: list[tuple[list[tuple[int, int]], int]]) -> tuple[tuple[int, int], ...]:
        legs = [(first, first)]
        for cuts, last in parts:
            for left, entered in cuts:
                legs[-1] = (legs[-1][0], left)
                legs.append((entered, entered))
            legs[-1] = (legs[-1][0], last)
        return tuple(legs)


def limited(costs: TempoCosts, max_stretch: float) -> TempoCosts:
    """The planner's prices with the limits of stretching."""
    return replace(costs, low=-max_stretch, high=max_stretch)
