"""Two samples of a figure compared: how far apart, and how far apart two of the same origin are.

The distance is Kolmogorov and Smirnov's: the greatest difference between the two shares of values up to any
value, 0 (alike) to 1 (apart); it has no unit, so figures can be compared. NaN, where there was nothing to
measure, is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

FloatArray = NDArray[np.float64]

_SPLITS = 200


def distance(one: FloatArray, other: FloatArray) -> float:
    """Between two samples (n,) and (m,)."""
    one, other = one[~np.isnan(one)], other[~np.isnan(other)]
    return float(ks_2samp(one, other).statistic) if len(one) and len(other) else 0.0


def distances_of_the_same(sample: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """(200,) distances between `count` values drawn from a sample and the rest of it."""
    count = min(count, len(sample) // 2)
    orders = (rng.permutation(len(sample)) for _ in range(_SPLITS))
    return np.array([distance(sample[order[:count]], sample[order[count:]]) for order in orders])
