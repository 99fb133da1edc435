"""Sound at another rate, for models that do not run at the library's 48 kHz.

Conventions: samples (s, 2) float32, full scale 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]


def resampled(samples: Samples, from_hz: int, to_hz: int = SAMPLE_RATE_HZ) -> Samples:
    """The same sound at another rate, ceil(s * to_hz / from_hz) samples long."""
    if from_hz == to_hz or not len(samples):
        return samples
    common = math.gcd(from_hz, to_hz)
    # Kaiser 12 keeps aliases 100 dB down, below 16 bit; the default 5 leaves them at 50 dB
    return np.asarray(
        resample_poly(samples, to_hz // common, from_hz // common, axis=0, window=("kaiser", 12.0)),
        np.float32,
    )
