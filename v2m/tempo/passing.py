"""What the hits between two reached ones cost: less, the nearer a beat comes to them.

Sound and picture are taken for one event up to about a tenth of a second apart, less surely the farther (the
paper counts a cut as hit within 100 ms). A hit that no beat can reach exactly is therefore worth a beat
beside it, next to the accent of its own.

Conventions: places are in nominal beats behind the segment's first hit; forms are over v = (a, b, m) as in
`segment`; costs are shares of a hit's weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2m.curves import FloatArray
from v2m.tempo.nearness import CLOSE, Nearness
from v2m.tempo.segment import SegmentForm
from v2m.tempo.settings import TempoCosts

REACH_S = 0.02
"""Sound and picture this near are one event to eye and ear: half a frame at 24 a second."""

_PASSED_COST = 0.12
"""A passed hit with a beat within reach by luck: dearer than to reach it on any beat, so it is reached."""

_STRIDE = 4
"""Bins of tempo from one that is looked at to the next: looking at each places no beat better."""


@dataclass(frozen=True)
class Passed:
    """The hits that a segment passes over."""

    places: FloatArray  # (k,)
    weights: FloatArray  # (k,)


def passing_cost(
    form: SegmentForm, from_off_beat: bool, spare: float, passed: Passed, bins: FloatArray, costs: TempoCosts
) -> FloatArray:
    """Cost of the passed hits for each pair of tempos: (bins at the end, bins at the start).

    Args:
        form: the segment's shape.
        from_off_beat: whether its first hit stands in the middle of a beat.
        spare: m, its length less that of as many nominal beats.
        passed: the hits within it.
        bins: (n,) deviations that a hit may have.
        costs: how long the nominal beat is, and what is near.
    """
    picked = np.minimum(np.arange(0, len(bins) + _STRIDE - 1, _STRIDE), len(bins) - 1)
    a, b = np.broadcast_arrays(bins[picked][None, :], bins[picked][:, None])
    beats = _beats(form, from_off_beat, a, b, spare)
    moments = passed.places - costs.nearness.lead_s / costs.interval_s
    distance_s = np.abs(beats - moments[:, None, None, None]).min(axis=1) * costs.interval_s
    cost = np.tensordot(passed.weights, missed_share(distance_s, costs.nearness), axes=1)
    nearest = np.minimum((np.arange(len(bins)) + _STRIDE // 2) // _STRIDE, len(picked) - 1)
    return np.asarray(cost[nearest[:, None], nearest[None, :]])


def missed_share(distance_s: FloatArray, nearness: Nearness = CLOSE) -> FloatArray:
    """Share of its weight that a hit costs when the nearest beat is so far from its moment."""
    near_s = nearness.near_s
    rise = np.clip((distance_s - REACH_S) / (near_s - REACH_S), 0.0, 1.0)
    return np.where(distance_s <= near_s, _PASSED_COST + (nearness.cost - _PASSED_COST) * rise, 1.0)


def _beats(form: SegmentForm, from_off_beat: bool, a: FloatArray, b: FloatArray, spare: float) -> FloatArray:
    """Where the segment's beats lie, those at its ends among them: (beats, end, start)."""
    by_a, by_b, by_m = form.intervals.T[:, :, None, None]
    first = (1 + a[None]) / 2 if from_off_beat else np.zeros((1, *a.shape))
    return np.concatenate([first, first + np.cumsum(1 + by_a * a + by_b * b + by_m * spare, axis=0)])
