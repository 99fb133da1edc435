"""The smoothest tempo between two hits, in closed form.

A segment spans h half-beats from a hit to a later one. A hit stands on a beat, or in the middle of one
(off the beat). Between them lie n whole intervals 1 + e_1 … 1 + e_n in units of the nominal beat; a and b
are the deviations that the tempo has at the two hits. The e_i minimise

    deviation·Σ e_i² + change·Σ (e_{i+1} - e_i)² + k_a (e_1 - a)² + k_b (b - e_n)²   with Σ e_i = M

where M is what is left of the segment's length. At a hit on a beat the tempo changes half before it and half
after it, so k = 2·change there (two springs in series make one); the middle of a beat is that beat's own
tempo, so k = change. The solution is linear in (a, b, M) and the cost quadratic: one 3 x 3 form a segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from v2m.curves import FloatArray
from v2m.tempo.settings import TempoCosts


@dataclass(frozen=True)
class SegmentForm:
    """Cost, limits and shape of a segment as forms in v = (a, b, m), m the length less h/2 nominal beats."""

    cost: FloatArray  # (3, 3): v·cost·v
    first_step: FloatArray  # (3,): change of tempo behind the first hit
    last_step: FloatArray  # (3,): and before the last
    first_limit: float
    """Largest `first_step` allowed, relative to the interval there: half a step at a beat."""

    last_limit: float
    middle: FloatArray  # (3,): deviation half way, which must lie in the room about the nominal tempo
    remainder: FloatArray  # (3,): length that no interval can take up; zero where one lies between the hits
    intervals: FloatArray  # (n, 3): e_1 … e_n


def segment_form(half_beats: int, from_off_beat: bool, costs: TempoCosts) -> SegmentForm:
    """The form of a segment of `half_beats` that begins on a beat or off it."""
    to_off_beat = bool((half_beats + from_off_beat) % 2)
    whole = (half_beats - from_off_beat - to_off_beat) // 2
    # What the half beats at the ends take of the length: M = m - a/2 - b/2.
    split = np.eye(3)
    split[2, 0], split[2, 1] = -0.5 * from_off_beat, -0.5 * to_off_beat
    k_a = costs.change * (1 if from_off_beat else 2)
    k_b = costs.change * (1 if to_off_beat else 2)
    # An interval with a hit in its middle belongs to two segments: the one that ends there pays for it.
    arrival = costs.deviation * np.diag([0.0, float(to_off_beat), 0.0])
    first_limit = costs.max_step * (1 if from_off_beat else 0.5)
    last_limit = costs.max_step * (1 if to_off_beat else 0.5)
    if whole == 0:
        jump = np.array([-1.0, 1.0, 0.0])
        return SegmentForm(
            cost=max(k_a, k_b) * np.outer(jump, jump) + arrival,
            first_step=jump,
            last_step=jump,
            first_limit=min(first_limit, last_limit),
            last_limit=min(first_limit, last_limit),
            middle=np.array([0.5, 0.5, 0.0]),
            remainder=split[2],
            intervals=np.zeros((0, 3)),
        )
    e = _intervals(whole, k_a, k_b, costs) @ split
    first, last = e[0] - np.eye(3)[0], np.eye(3)[1] - e[-1]
    between = np.diff(e, axis=0)
    cost = costs.deviation * e.T @ e + costs.change * between.T @ between
    cost += k_a * np.outer(first, first) + k_b * np.outer(last, last) + arrival
    return SegmentForm(cost, first, last, first_limit, last_limit, e[whole // 2], np.zeros(3), e)


def _intervals(whole: int, k_a: float, k_b: float, costs: TempoCosts) -> FloatArray:
    """e_1 … e_n as rows in (a, b, M): the normal equations with one multiplier for the sum."""
    if whole == 1:
        return np.array([[0.0, 0.0, 1.0]])
    bands = np.zeros((2, whole))
    bands[1] = costs.deviation + 2 * costs.change
    bands[1, 0] += k_a - costs.change
    bands[1, -1] += k_b - costs.change
    bands[0, 1:] = -costs.change
    right = np.zeros((whole, 3))
    right[0, 0], right[-1, 1], right[:, 2] = k_a, k_b, 1.0
    by_a, by_b, by_sum = solveh_banded(bands, right).T
    unit = by_sum / by_sum.sum()
    return np.stack([by_a - by_a.sum() * unit, by_b - by_b.sum() * unit, unit], axis=1)
