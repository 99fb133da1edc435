"""Event curves: how much changes at each moment, the same for music and for video (paper, section 3.2).

    features f_1..f_N -> d_i = 1 - cos(f_i, f_{i-1}), d_1 = 0   eq. 2
                      -> z-score over the whole programme        eq. 3
                      -> linear resampling to a grid of the model
                      -> Hann smoothing                          eq. 4

Conventions: float64; times in seconds of the programme from PTS; the kernel is a length in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """What an encoder saw, in order of time."""

    times_s: FloatArray  # (n,) rising
    values: NDArray[np.float32]  # (n, d)
    encoder: str
    """Name of the encoder, `pixel`, `spectral` …"""


@dataclass(frozen=True)
class EventCurve:
    """A standardised, smoothed curve on a uniform grid: value i belongs to time i / rate_hz."""

    rate_hz: float
    values: FloatArray  # (n,) float64
    encoder: str
    kernel_s: float
