"""Programme loudness, measured piece by piece.

Conventions: LUFS; 48 kHz stereo (s, 2); silence measures minus infinity.
Source: ITU-R BS.1770-4, annex 1 (K-weighting at 48 kHz, tables 1 and 2; gating).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
FloatArray = NDArray[np.float64]

HOP_SAMPLES: Final = SAMPLE_RATE_HZ // 10
"""Gating blocks of 400 ms overlap by three quarters: energy is kept in hops of 100 ms."""

_HOPS_A_BLOCK = 4
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_OFFSET_LU = -0.691  # makes a sine of 997 Hz at full scale in one channel read -3.01

_K_WEIGHTING = np.array(
    [
        # the head: a shelf of 4 dB above 1.5 kHz
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        # the ear's weakness for the deep
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)


def k_weighted(samples: Samples) -> FloatArray:
    """A sound (s, 2) as the ear weighs its frequencies, (2, s)."""
    weighted: FloatArray = signal.sosfilt(_K_WEIGHTING, samples.T)
    return weighted


class LoudnessMeter:
    """Takes a programme in pieces of any length and keeps its weighted energy by hops."""

    def __init__(self) -> None:
        self._state = np.zeros((2, 2, 2))  # sections, channels, order
        self._rest = np.zeros(0)
        self._hops: list[FloatArray] = []

    def add(self, samples: Samples) -> None:
        """The next piece, (s, 2)."""
        if not len(samples):
            return
        weighted, self._state = signal.sosfilt(_K_WEIGHTING, samples.T, zi=self._state)
        energy = np.concatenate([self._rest, np.square(weighted).sum(axis=0)])
        whole = len(energy) // HOP_SAMPLES * HOP_SAMPLES
        self._hops.append(energy[:whole].reshape(-1, HOP_SAMPLES).mean(axis=1))
        self._rest = energy[whole:]

    def hop_energies(self) -> FloatArray:
        """Mean weighted power of each 100 ms so far, channels summed; the last may be a part of one."""
        rest = [self._rest.mean(keepdims=True)] if len(self._rest) else []
        return np.concatenate([*self._hops, *rest]) if self._hops or rest else np.zeros(0)

    def integrated_lufs(self) -> float:
        """Gated loudness of what came so far."""
        return gated_lufs(self.hop_energies())


def gated_lufs(hop_energies: FloatArray) -> float:
    """Integrated loudness from powers of hops of 100 ms; under 400 ms all of it is one block."""
    if len(hop_energies) == 0:
        return -np.inf
    size = min(_HOPS_A_BLOCK, len(hop_energies))
    blocks = np.convolve(hop_energies, np.ones(size) / size, "valid")
    loud = blocks[_lufs(blocks) > _ABSOLUTE_GATE_LUFS]
    if len(loud) == 0:
        return -np.inf
    gate = _lufs(loud.mean()) + _RELATIVE_GATE_LU
    return float(_lufs(loud[_lufs(loud) > gate].mean()))


def integrated_lufs(samples: Samples) -> float:
    """Gated loudness of a whole programme, (s, 2)."""
    meter = LoudnessMeter()
    meter.add(samples)
    return meter.integrated_lufs()


def _lufs(power: FloatArray | np.floating) -> FloatArray:
    with np.errstate(divide="ignore"):
        level: FloatArray = _OFFSET_LU + 10 * np.log10(power)
    return level
