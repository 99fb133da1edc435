"""Which hits get a beat, and how many beats lie between: dynamic programming over the hits.

A state is a hit, the deviation from the nominal tempo there (a bin), and the hit's place in the bar in half
beats. An edge leads to a later hit across h half-beats, costs the smoothest tempo between the two
(`segment`), and pays for the hits that it passes over, less for those that a beat comes near (`passing`).
Time is never rounded: hits lie where they lie, only the tempo at them is binned. Cost is linear in the
number of hits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FloatArray
from v2m.tempo.passing import Passed, passing_cost
from v2m.tempo.segment import SegmentForm, segment_form
from v2m.tempo.settings import TempoCosts

OFF_BEAT_COST = 0.75
"""Share of its weight that a hit in the middle of a beat costs: an accent lands there, but no pulse does."""

OFF_BAR_COST = 0.08
"""Share of its weight that a hit on a beat other than the first of the bar costs."""

_MAX_BINS = 61
_BIN = 0.01
"""1 percent of tempo: finer than half a step, so that neighbouring bins reach each other within a beat."""

_ROUGH_BIN = 0.02
"""To compare tempos, which it ranks as the fine one does, in a fraction of the time."""

_ALWAYS_AHEAD = 2
"""Next hits that an edge may always lead to: the next, and the one after it where the next is passed over."""

_NEAR_BEATS = 6.0
"""And every hit within so many nominal beats: in a flurry most hits have no beat of their own. Measured on
shots of 0.4-1 s, 2.5 beats reach 0.41 of the hits, 4 reach 0.41, 6 reach 0.49 and 8 no more."""

_MAX_AHEAD = 24
"""But no more: a second of a cut each frame, in which any two beats find hits to land on."""

_MAX_COUNTS = 9
"""Counts of half-beats tried for one pair of hits: those nearest to the nominal tempo. A pair that allows
more lies so far apart that the tempo reaches the nominal between them anyway; 13 reach no more hits."""


@dataclass(frozen=True)
class Targets:
    """Moments to be reached, in order of time, at least a millisecond apart."""

    times_s: FloatArray  # (n,)
    weights: FloatArray  # (n,)


@dataclass(frozen=True)
class Route:
    """The targets chosen, with their positions, and the deviations of the intervals between them."""

    targets: tuple[int, ...]
    """Indices into the targets."""

    half_beats: tuple[int, ...]
    """Position of each, in half beats from the first beat of a bar; odd is off the beat."""

    deviations: FloatArray
    """e of each interval, from the one that the first target begins or lies in to the last target's."""


@dataclass
class _Layer:
    """Best cost into each state (place in the bar, bin) of one target, and where it came from."""

    cost: FloatArray
    source: NDArray[np.int32]
    """Target before, -1 for none."""

    source_bin: NDArray[np.int32]
    half_beats: NDArray[np.int32]


@dataclass
class _Edges:
    """All edges out of one target from on or off the beat, stacked."""

    to: NDArray[np.int64]  # (c,)
    half_beats: NDArray[np.int64]  # (c,)
    cost: FloatArray  # (c, bins at the end, bins at the start)


@dataclass
class Forms:
    """Segment forms by length and start, each made once; they hold for every nominal tempo."""

    costs: TempoCosts
    made: dict[tuple[int, bool], SegmentForm] = field(default_factory=dict)

    def get(self, half_beats: int, from_off_beat: bool) -> SegmentForm:
        """The form of a segment of so many half beats that begins on a beat or off it."""
        key = (half_beats, from_off_beat)
        if key not in self.made:
            self.made[key] = segment_form(half_beats, from_off_beat, self.costs)
        return self.made[key]


def search(targets: Targets, costs: TempoCosts, beats_per_bar: int) -> Route:
    """The cheapest route through the targets; at least one is always on it."""
    forms, bins = Forms(costs), _bins(costs, _BIN)
    return _trace(_layers(targets, costs, bins, forms, beats_per_bar), bins, forms, targets)


def lowest_cost(targets: Targets, costs: TempoCosts, forms: Forms) -> float:
    """What the cheapest route costs about, without regard to bars: to compare tempos quickly."""
    bins = _bins(costs, _ROUGH_BIN)
    layers = _layers(targets, costs, bins, forms, beats_per_bar=1)
    return min(_end_costs(layers, costs.tail * bins**2, targets))


def _layers(
    targets: Targets, costs: TempoCosts, bins: FloatArray, forms: Forms, beats_per_bar: int
) -> list[_Layer]:
    """The best cost into every state, target by target."""
    before = np.concatenate([[0.0], np.cumsum(targets.weights)])
    place_cost = _place_cost(beats_per_bar)
    layers = [_opening(i, targets, costs, bins, before[i], place_cost) for i in range(len(targets.times_s))]
    for i in range(len(layers)):
        for off_beat in (False, True):
            edges = _edges_from(i, off_beat, targets, costs, bins, forms)
            _relax(i, off_beat, edges, layers, targets.weights, place_cost)
    return layers


def _end_costs(layers: list[_Layer], tail: FloatArray, targets: Targets) -> list[float]:
    """For each target the cost of ending with it, which passes over all after it."""
    after = np.cumsum(targets.weights[::-1])[::-1] - targets.weights
    return [float((layer.cost + tail).min() + after[i]) for i, layer in enumerate(layers)]


def _bins(costs: TempoCosts, width: float) -> FloatArray:
    count = min(_MAX_BINS, max(3, int((costs.high - costs.low) / width) + 1))
    return np.linspace(costs.low, costs.high, count)


def _place_cost(beats_per_bar: int) -> FloatArray:
    """Share of a hit's weight that each place in the bar costs; the first beat costs none."""
    cost = np.where(np.arange(2 * beats_per_bar) % 2, OFF_BEAT_COST, OFF_BAR_COST)
    cost[0] = 0.0
    return np.asarray(cost, dtype=np.float64)


def _opening(
    i: int, targets: Targets, costs: TempoCosts, bins: FloatArray, passed: float, place_cost: FloatArray
) -> _Layer:
    """The states of a target when it is the first reached: steady beats lead up to it from before 0."""
    lead_beats = targets.times_s[i] / costs.interval_s
    steady = costs.deviation * lead_beats * bins**2
    cost = steady[None, :] + passed + targets.weights[i] * place_cost[:, None]
    none = np.full(cost.shape, -1, dtype=np.int32)
    return _Layer(cost, none, none.copy(), none.copy())


def _edges_from(
    i: int, off_beat: bool, targets: Targets, costs: TempoCosts, bins: FloatArray, forms: Forms
) -> _Edges | None:
    """Every way on from target i: to which target, across how many half-beats, at what cost."""
    beats = (targets.times_s[i + 1 : i + 1 + _MAX_AHEAD] - targets.times_s[i]) / costs.interval_s
    ahead = (np.arange(len(beats)) < _ALWAYS_AHEAD) | (beats < _NEAR_BEATS)
    pairs = [(int(k), h) for k in np.flatnonzero(ahead) for h in _counts(float(beats[k]), costs)]
    if not pairs:
        return None
    to, half_beats = np.array(pairs).T
    segments = [forms.get(h, off_beat) for _, h in pairs]
    cost = _pair_costs(segments, beats[to] - half_beats / 2, bins, costs)
    weights = targets.weights[i + 1 : i + 1 + _MAX_AHEAD]
    for c, (k, h) in enumerate(pairs):
        if k and np.isfinite(cost[c]).any():
            passed = Passed(beats[:k], weights[:k])
            spare = float(beats[k]) - h / 2
            cost[c] += passing_cost(segments[c], off_beat, spare, passed, bins, costs)
    cost += (costs.beat * half_beats / 2)[:, None, None]
    return _Edges(i + 1 + to, half_beats, cost)


def _counts(beats: float, costs: TempoCosts) -> range:
    """Counts of half-beats that fit a length at an allowed mean tempo."""
    fewest = max(1, int(np.ceil(2 * beats / (1 + costs.high) - 1e-9)))
    most = int(np.floor(2 * beats / (1 + costs.low) + 1e-9))
    if most - fewest >= _MAX_COUNTS:
        fewest = max(fewest, min(round(2 * beats) - _MAX_COUNTS // 2, most - _MAX_COUNTS + 1))
        most = fewest + _MAX_COUNTS - 1
    return range(fewest, most + 1)


def _pair_costs(
    forms: list[SegmentForm], lengths: FloatArray, bins: FloatArray, costs: TempoCosts
) -> FloatArray:
    """Cost of each segment for each pair of bins, infinite where a limit breaks: (c, end, start)."""
    a, b = bins[None, None, :], bins[None, :, None]
    m = lengths[:, None, None]
    q = np.stack([form.cost for form in forms])[:, :, :, None, None]

    def linear(name: str) -> FloatArray:
        rows = np.stack([getattr(form, name) for form in forms])[:, :, None, None]
        return np.asarray((rows[:, 0] * a + rows[:, 2] * m) + rows[:, 1] * b)

    first = np.array([form.first_limit for form in forms])[:, None, None] * (1 + a)
    last = np.array([form.last_limit for form in forms])[:, None, None] * (1 + b)
    middle = linear("middle")
    slack = (bins[1] - bins[0]) / 2  # a length no interval takes up may miss by the width of a bin
    allowed = (np.abs(linear("first_step")) <= first) & (np.abs(linear("last_step")) <= last)
    allowed &= (middle >= costs.low) & (middle <= costs.high) & (np.abs(linear("remainder")) <= slack)
    at_start = q[:, 0, 0] * a * a + 2 * q[:, 0, 2] * a * m + q[:, 2, 2] * m * m
    at_end = q[:, 1, 1] * b * b + 2 * q[:, 1, 2] * b * m
    return np.where(allowed, at_start + at_end + (2 * q[:, 0, 1] * b) * a, np.inf)


def _relax(
    i: int,
    off_beat: bool,
    edges: _Edges | None,
    layers: list[_Layer],
    weights: FloatArray,
    place_cost: FloatArray,
) -> None:
    """Carry the costs of target i along its edges."""
    if edges is None:
        return
    places = np.arange(int(off_beat), len(place_cost), 2)
    total = layers[i].cost[places][None, :, None, :] + edges.cost[:, None, :, :]  # (c, place, end, start)
    start = total.argmin(axis=3)
    best = np.take_along_axis(total, start[..., None], axis=3)[..., 0]
    for c, (j, h) in enumerate(zip(edges.to.tolist(), edges.half_beats.tolist(), strict=True)):
        layer, there = layers[j], (places + h) % len(place_cost)
        cost = best[c] + (weights[j] * place_cost[there])[:, None]
        place, end = np.nonzero(cost < layer.cost[there])
        at = (there[place], end)
        layer.cost[at] = cost[place, end]
        layer.source[at] = i
        layer.source_bin[at] = start[c][place, end]
        layer.half_beats[at] = h


def _trace(layers: list[_Layer], bins: FloatArray, forms: Forms, targets: Targets) -> Route:
    """Back from the cheapest last state to the first."""
    tail = forms.costs.tail * bins**2
    i = int(np.argmin(_end_costs(layers, tail, targets)))
    place, b = (int(x) for x in np.unravel_index(np.argmin(layers[i].cost + tail), layers[i].cost.shape))
    chosen, half_beats, pieces = [i], [place], [np.zeros(0)]
    while layers[i].source[place, b] >= 0:
        source, a = int(layers[i].source[place, b]), int(layers[i].source_bin[place, b])
        h = int(layers[i].half_beats[place, b])
        place = (place - h) % len(layers[i].cost)
        m = (targets.times_s[i] - targets.times_s[source]) / forms.costs.interval_s - h / 2
        if (place + h) % 2:  # the hit's own beat, which it stands in the middle of
            pieces.append(bins[[b]])
        pieces.append(forms.get(h, bool(place % 2)).intervals @ np.array([bins[a], bins[b], m]))
        i, b = source, a
        chosen.append(i)
        half_beats.append(half_beats[-1] - h)
    if place % 2:
        pieces.append(bins[[b]])
    shift = place - half_beats[-1]
    positions = tuple(p + shift for p in reversed(half_beats))
    return Route(tuple(reversed(chosen)), positions, np.concatenate(pieces[::-1]))
