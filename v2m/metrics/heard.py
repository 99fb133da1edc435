"""Whether a hit is heard: the onset in the sound nearest to it, found without a beat tracker.

Conventions: times in seconds from the first sample; an error is onset minus hit, positive when late. The
onset strength is the rise of log band energies from one hop to the next, summed over bands (spectral flux,
Böck and Widmer 2013, without the vibrato filter), over a short window so that an attack is placed to a few
milliseconds. It is computed around the hits alone, so a two-hour programme costs no more than its hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.encoders.protocol import Sound
from v2m.errors import InputError

FloatArray = NDArray[np.float64]

_WINDOW_S: Final = 0.016
"""Length of the analysis window: an attack is placed within a part of this."""

_HOP_S: Final = 0.002

_REACH_S: Final = 0.15
"""Onsets farther from a hit than this are not its own."""

_CONTEXT_S: Final = 0.6
"""Span on either side whose strongest onset says what counts as one here."""

_SHARE: Final = 0.25
"""An onset is a peak of at least this share of the strongest in its context."""

_BANDS_HZ: Final = (0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 24000)
_FLOOR: Final = 1e-4
"""Added to band amplitudes before the logarithm: rises below -80 dB of full scale are not heard."""


def onset_strength(mono: NDArray[np.floating], sample_rate_hz: int) -> FloatArray:
    """Spectral flux of a stretch of sound, one value each `_HOP_S`; value i is about time i * `_HOP_S`."""
    window = round(_WINDOW_S * sample_rate_hz)
    hop = round(_HOP_S * sample_rate_hz)
    padded = np.pad(np.asarray(mono, np.float64), (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) / (window / 4)
    frequencies = np.fft.rfftfreq(window, 1 / sample_rate_hz)
    # bands that lie wholly above what this rate can hold are none
    edges = np.searchsorted(frequencies, [low for low in _BANDS_HZ[:-1] if low < frequencies[-1]])
    bands = np.log(np.add.reduceat(spectrum**2, edges, axis=1) ** 0.5 + _FLOOR)
    flux = np.maximum(np.diff(bands, axis=0, prepend=bands[:1]), 0.0).sum(axis=1)
    # three hops of smoothing: the flux of one attack is spread over the hops at which the window meets it
    smooth: FloatArray = np.convolve(flux, np.ones(3) / 3, mode="same")
    return smooth


def hit_errors_s(samples: Sound, sample_rate_hz: int, hit_times_s: Sequence[float]) -> list[float | None]:
    """How far the nearest onset lies from each hit, or None where none is within 150 ms.

    Args:
        samples: (n,) or (n, channels); only the spans around the hits are asked for.
        sample_rate_hz: 8000 or more.
        hit_times_s: in any order.

    Raises:
        InputError: the rate is too low to tell.
    """
    if sample_rate_hz < 8000:
        raise InputError(f"The sound has {sample_rate_hz} samples a second, expected 8000 or more.")
    return [_error_s(samples, sample_rate_hz, time_s) for time_s in hit_times_s]


def _error_s(samples: Sound, sample_rate_hz: int, hit_s: float) -> float | None:
    first = max(0, round((hit_s - _CONTEXT_S) * sample_rate_hz))
    last = min(len(samples), round((hit_s + _CONTEXT_S) * sample_rate_hz))
    if last - first < sample_rate_hz // 100:
        return None
    stretch = samples[first:last]
    strength = onset_strength(stretch if stretch.ndim == 1 else stretch.mean(axis=1), sample_rate_hz)
    hop_s = round(_HOP_S * sample_rate_hz) / sample_rate_hz
    inner = np.arange(1, len(strength) - 1)
    is_peak = (strength[inner] >= strength[inner - 1]) & (strength[inner] > strength[inner + 1])
    peaks = inner[is_peak & (strength[inner] >= _SHARE * strength.max()) & (strength[inner] > 0)]
    if (
        first == 0
        and len(strength)
        and strength[0] == 0
        and abs(stretch[: sample_rate_hz // 50]).max() > 0.01
    ):
        peaks = np.append(peaks, 0)  # sound that begins with the programme rises from nothing we can see
    errors = first / sample_rate_hz + peaks * hop_s - hit_s
    near = errors[np.abs(errors) <= _REACH_S]
    if not len(near):
        return None
    return round(float(near[np.argmin(np.abs(near))]), 4) + 0.0  # never -0.0
