"""A small synthetic room, as a convolution in fixed blocks.

Conventions: float32; a block is one second on a grid from sample 0, and no room rings longer than a block,
so what is heard in a block depends on that block and the one before, and on nothing else.
Source: exponentially decaying noise as a room's impulse response, J. A. Moorer, "About This Reverberation
Business", Computer Music Journal 3(2), 1979.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

BLOCK_SAMPLES: Final = SAMPLE_RATE_HZ

_PRE_DELAY_S = 0.012  # the way to the first wall and back in a room of four metres
_BUILD_UP_S = 0.025  # echoes grow dense over the first reflections
_LOW_CUT_HZ = 180.0  # below, a room only muddies kick and bass
_DAMPING_HZ = 3500.0  # above, air and cloth swallow sound
_DAMPED_SHARE = 0.4  # the high band dies in this share of the time
_SEED = 1979  # any: the room must be the same each time


@lru_cache(maxsize=4)
def impulse_response(room_s: float) -> Samples:
    """The room's answer to an impulse, (s, 2), each side of energy 1."""
    count = min(BLOCK_SAMPLES, round(room_s * SAMPLE_RATE_HZ))
    noise = np.random.Generator(np.random.Philox(_SEED)).standard_normal((count, 2))
    time_s = np.arange(count)[:, None] / SAMPLE_RATE_HZ
    decay_rate = np.log(1000) / room_s  # 60 dB
    split = signal.butter(2, _DAMPING_HZ, fs=SAMPLE_RATE_HZ, output="sos")
    low = signal.sosfilt(split, noise, axis=0)
    response = low * np.exp(-decay_rate * time_s)
    response += (noise - low) * np.exp(-decay_rate / _DAMPED_SHARE * time_s)
    response = signal.sosfilt(
        signal.butter(2, _LOW_CUT_HZ, "high", fs=SAMPLE_RATE_HZ, output="sos"), response, axis=0
    )
    response *= np.clip((time_s - _PRE_DELAY_S) / _BUILD_UP_S, 0, 1)
    response *= np.minimum(1, (count - 1 - np.arange(count)[:, None]) / (0.1 * count))  # ends in silence
    response /= np.sqrt((response**2).sum(axis=0))
    answer: Samples = response.astype(np.float32)
    return answer


@lru_cache(maxsize=4)
def _spectrum(room_s: float) -> NDArray[np.complex64]:
    sides = np.ascontiguousarray(impulse_response(room_s).T)  # a transform runs along memory
    spectrum: NDArray[np.complex64] = fft.rfft(sides, _fft_size())
    return spectrum


def _fft_size() -> int:
    return int(fft.next_fast_len(2 * BLOCK_SAMPLES, real=True))


class Room:
    """The room around one part: takes its blocks in order, gives back what the walls return."""

    def __init__(self, room_s: float) -> None:
        self._spectrum = _spectrum(room_s)
        self._ringing: Samples | None = None

    def answer(self, send: Samples) -> Samples | None:
        """What is heard from the walls, (2, s), while a mono block sounds; None for silence."""
        ringing = self._ringing
        if not send.any():
            self._ringing = None
            return ringing
        wet: Samples = fft.irfft(fft.rfft(send, _fft_size()) * self._spectrum, _fft_size())  # (2, s)
        self._ringing = wet[:, BLOCK_SAMPLES : 2 * BLOCK_SAMPLES]
        answer = wet[:, :BLOCK_SAMPLES]
        if ringing is not None:
            answer += ringing
        return answer
