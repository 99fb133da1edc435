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
_SPAN = FRAME_SAMPLES + _TAPS - 1  # what a millisecond's peak depends on
_FRAMES_AT_ONCE = 16
"""In one product; always as many, so that its bits do not depend on how long a piece is. So few that no
library spreads the product over threads, which costs more than it."""

_PIECE = 128 * FRAME_SAMPLES  # what is looked at together fits a core's cache


@lru_cache(maxsize=1)
def _between() -> Samples:
    """A millisecond's samples to what lies a quarter, half and three quarters between them, (span, values).

    An odd length of the filter puts its fourth phase on the samples themselves, which need none.
    """
    count = _TAPS * _OVERSAMPLING - 1
    taps = signal.firwin(count, 1 / _OVERSAMPLING, window=("kaiser", 5.0)) * _OVERSAMPLING
    phases = np.concatenate([[0.0], taps]).reshape(_TAPS, _OVERSAMPLING)[::-1, 1:]  # (taps, 3)
    rows = np.zeros((_SPAN, FRAME_SAMPLES, _OVERSAMPLING - 1), np.float32)
    for sample in range(FRAME_SAMPLES):
        rows[sample : sample + _TAPS, sample] = phases
    return rows.reshape(_SPAN, -1)


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
    count = (len(samples) - _TAPS + 1) // FRAME_SAMPLES
    peaks = np.zeros(count, np.float32)
    spans = np.zeros((-(-count // _FRAMES_AT_ONCE) * _FRAMES_AT_ONCE, _SPAN), np.float32)
    for side in np.ascontiguousarray(samples.T):
        spans[:count] = sliding_window_view(side, _SPAN)[::FRAME_SAMPLES]
        products = spans.reshape(-1, _FRAMES_AT_ONCE, _SPAN) @ _between()
        rising = products.reshape(len(spans), -1)[:count]
        for values in (rising, spans[:count, _TAPS // 2 : _TAPS // 2 + FRAME_SAMPLES]):
            np.maximum(peaks, np.maximum(values.max(axis=1), -values.min(axis=1)), out=peaks)
    return peaks


def true_peak_dbtp(samples: Samples) -> float:
    """The true peak of a programme, (s, 2), in dB under full scale; silence is minus infinity."""
    meter = PeakMeter()
    meter.add(samples)
    peak = meter.frame_peaks().max(initial=0.0)
    return float(20 * np.log10(peak)) if peak > 0 else -np.inf
