"""True peaks: how high the sound rises between its samples.

Conventions: linear amplitude by milliseconds, over both channels; dBTP at the edge.
Source: ITU-R BS.1770-4, annex 2 (four-fold oversampling by a polyphase filter).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import signal

from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

FRAME_SAMPLES: Final = SAMPLE_RATE_HZ // 1000
"""Peaks are kept by milliseconds."""

_OVERSAMPLING = 4
_TAPS = 16  # a phase; flat to 20 kHz within 0.1 dB
_PIECE = 64 * FRAME_SAMPLES  # what the window view of one product fits into the processor's cache


@lru_cache(maxsize=1)
def _phases() -> Samples:
    """The filter at a quarter, half and three quarters between two samples, (taps, 3).

    An odd length puts its fourth phase on the samples themselves, which need no filter.
    """
    count = _TAPS * _OVERSAMPLING - 1
    taps = signal.firwin(count, 1 / _OVERSAMPLING, window=("kaiser", 5.0)) * _OVERSAMPLING
    by_phase = np.concatenate([[0.0], taps]).reshape(_TAPS, _OVERSAMPLING)[::-1, 1:]
    phases: Samples = np.ascontiguousarray(by_phase).astype(np.float32)
    return phases


class PeakMeter:
    """Takes a programme in pieces of any length and keeps its true peak by milliseconds."""

    def __init__(self) -> None:
        self._pending = np.zeros((_TAPS // 2, 2), np.float32)
        self._frames: list[Samples] = []

    def add(self, samples: Samples) -> None:
        """The next piece, (s, 2)."""
        pending = np.concatenate([self._pending, samples])
        frames = max(0, (len(pending) - _TAPS + 1) // FRAME_SAMPLES)
        used = frames * FRAME_SAMPLES
        for at in range(0, used, _PIECE):
            self._frames.append(_frame_peaks(pending[at : min(at + _PIECE, used) + _TAPS - 1]))
        self._pending = pending[used:]

    def frame_peaks(self) -> Samples:
        """The peak of each millisecond so far, (frames,); what comes after counts as silence."""
        rest = np.concatenate([self._pending, np.zeros((_TAPS + FRAME_SAMPLES, 2), np.float32)])
        last = [_frame_peaks(rest[at : at + FRAME_SAMPLES + _TAPS - 1]) for at in self._pending_frames()]
        return np.concatenate([*self._frames, *last]) if self._frames or last else np.zeros(0, np.float32)

    def _pending_frames(self) -> range:
        return range(0, len(self._pending) - _TAPS // 2, FRAME_SAMPLES)


def _frame_peaks(samples: Samples) -> Samples:
    """Peaks of the whole milliseconds in (s, 2), which begin and end with half a filter's taps."""
    frames = (len(samples) - _TAPS + 1) // FRAME_SAMPLES
    count = frames * FRAME_SAMPLES
    peaks = np.zeros(frames, np.float32)
    for side in np.ascontiguousarray(samples.T):
        between = sliding_window_view(side, _TAPS)[:count] @ _phases()  # (count, 3)
        for rising in (between, side[_TAPS // 2 : _TAPS // 2 + count]):
            np.maximum(peaks, np.abs(rising.reshape(frames, -1)).max(axis=1), out=peaks)
    return peaks


def true_peak_dbtp(samples: Samples) -> float:
    """The true peak of a programme, (s, 2), in dB under full scale; silence is minus infinity."""
    meter = PeakMeter()
    meter.add(samples)
    peak = meter.frame_peaks().max(initial=0.0)
    return float(20 * np.log10(peak)) if peak > 0 else -np.inf
