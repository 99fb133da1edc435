"""The loudness of a part on its way through a piece, as levels at times.

Conventions: levels in dB around the part's usual, 0; one a sixteenth as in `Arrangement.loudness_db`,
straight in dB between them, level before the first and after the last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import STEPS_PER_BEAT

FloatArray = NDArray[np.float64]


def level_beats(levels_db: Sequence[float]) -> FloatArray:
    """The beats that the levels stand on."""
    return np.arange(len(levels_db), dtype=np.float64) / STEPS_PER_BEAT


def swell_gain(level_times: FloatArray, levels_db: Sequence[float], times: FloatArray) -> NDArray[np.float32]:
    """The factor on amplitude at each of `times`, on the same clock as `level_times` (rising)."""
    curve: NDArray[np.float32] = (10 ** (np.interp(times, level_times, levels_db) / 20)).astype(np.float32)
    return curve
