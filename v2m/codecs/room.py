"""A small synthetic room, as a convolution in fixed blocks.

Conventions: float32; a block is one second on a grid from sample 0, and no room rings longer than a block,
so what is heard in a block depends on that block and the one before, and on nothing else.
Source: exponentially decaying noise as a room's impulse response, J. A. Moorer, "About This Reverberation
Business", Computer Music Journal 3(2), 1979.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)

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


class Rooms:
    """The rooms around parts that sound together: takes their blocks in order, gives back what walls return.

    Parts go through one transform side by side, several to a processor's instruction: a third of the time
    that one after the other takes, and the same to the last bit.
    """

    def __init__(self, room_s: float) -> None:
        self._spectrum = _spectrum(room_s)
        self._ringing: dict[Hashable, Samples] = {}

    def answers(self, sends: Mapping[K, Samples]) -> dict[K, Samples]:
        """What is heard from the walls, (2, s) each, while mono blocks sound; silence has no entry."""
        ringing, self._ringing = self._ringing, {}
        answers: dict[K, Samples] = {key: ringing[key] for key in sends if key in ringing}
        sounding = {key: send for key, send in sends.items() if send.any()}
        if not sounding:
            return answers
        spectra = fft.rfft(np.stack(list(sounding.values())), _fft_size())
        wet = fft.irfft(spectra[:, None] * self._spectrum, _fft_size())  # (parts, 2, s)
        for key, heard in zip(sounding, wet, strict=True):
            self._ringing[key] = heard[:, BLOCK_SAMPLES : 2 * BLOCK_SAMPLES]
            answer = heard[:, :BLOCK_SAMPLES]
            if key in answers:
                answer += answers[key]
            answers[key] = answer
        return answers
