"""The embedded music encoder, `spectral`: what a spectrogram says of attack, timbre, harmony and loudness.

    samples -> windowed power spectra, 50 a second
            -> 64 mel bands in decibels below the programme's own peak   timbre, attacks, loudness
            -> 12 pitch classes                                          harmony
            -> rows whose angle grows with the change that is heard

Conventions: any sample rate from 8 kHz, mono or more channels (mixed to one); row i stands for the hop
[i / 50 s, (i + 1) / 50 s), its window is centred in the hop. Gain does not matter: levels count from the
programme's own peak. Sources: O'Shaughnessy's mel scale m = 2595 log10(1 + f / 700); chroma after
M. Müller, "Fundamentals of Music Processing" (2015), section 3.1.
"""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from v2m.curves import Features
from v2m.errors import InputError

NAME: Final = "spectral"

RATE_HZ: Final = 50
"""Rows a second: a hop of 20 ms is a whole number of samples at every usual rate, and a quarter of
`v2m.curves.LAG_S`."""

WINDOW_S: Final = 0.043
"""2048 samples at 44.1 and 48 kHz: resolves neighbouring bass notes to about 23 Hz, and stays within the lag
over which changes are measured, so an attack is over in one lag."""

BAND_COUNT: Final = 64
LOWEST_HZ: Final = 30.0
HIGHEST_HZ: Final = 11_000.0
"""Half of 22.05 kHz: sounds at that and all higher rates show the same bands."""

CHROMA_RANGE_HZ: Final = (130.0, 2100.0)
"""C3 to C7: below, a window of 43 ms cannot part semitones; above, overtones rule."""

RANGE_DB: Final = 60.0
"""Levels lower than this under the programme's peak are taken as silence: hiss is no event."""

CHROMA_WEIGHT: Final = 0.25
"""Harmony counts for less than spectrum: a chord change on a held pad moves it by about a quiet drum hit."""

_CHUNK_ROWS: Final = 1024
"""Windows transformed at once: 20 s of sound, some 30 MB of work space however long the piece."""


def encode(samples: NDArray[np.floating], sample_rate_hz: int) -> Features:
    """The features of a piece.

    Args:
        samples: (n,) or (n, channels), full scale 1.
        sample_rate_hz: 8000 or more.

    Returns:
        ceil(n / sample_rate_hz * 50) rows of 77 values.

    Raises:
        InputError: samples of another shape or not finite, or too low a rate.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or sample_rate_hz < 8000:
        raise InputError(
            f"Sound of shape {samples.shape} at {sample_rate_hz} Hz is given, "
            "expected (samples,) or (samples, channels) at 8000 Hz or more."
        )
    hop = sample_rate_hz / RATE_HZ
    row_count = math.ceil(len(samples) / hop)
    powers = np.zeros((row_count, BAND_COUNT + 12), dtype=np.float32)
    for begin in range(0, row_count, _CHUNK_ROWS):
        end = min(begin + _CHUNK_ROWS, row_count)
        powers[begin:end] = _powers(samples, sample_rate_hz, begin, end)
    if not np.isfinite(powers).all():
        raise InputError("The sound holds values that are no finite numbers.")
    return Features(np.arange(row_count) / RATE_HZ, _rows(powers), NAME)


def _powers(samples: NDArray[np.floating], rate_hz: int, begin: int, end: int) -> NDArray[np.float32]:
    """Power in bands and pitch classes for the rows begin..end, (end - begin, 64 + 12)."""
    size = _window_size(rate_hz)
    centres = np.floor((np.arange(begin, end) + 0.5) * rate_hz / RATE_HZ).astype(np.int64)
    first, stop = int(centres[0]) - size // 2, int(centres[-1]) + size // 2
    mono = _mono(samples, first, stop)
    windows = np.lib.stride_tricks.sliding_window_view(mono, size)[centres - centres[0]]  # (t, size)
    spectra = scipy.fft.rfft(windows * _hann(size), axis=1)  # (t, bins)
    power = spectra.real**2 + spectra.imag**2
    return np.asarray(power @ _filters(rate_hz), dtype=np.float32)


def _mono(samples: NDArray[np.floating], first: int, stop: int) -> NDArray[np.float32]:
    """The mix of a span; what lies outside the piece is mirrored, so its ends are no attacks."""
    inside = samples[max(first, 0) : min(stop, len(samples))]
    mono = (inside if inside.ndim == 1 else inside.mean(axis=1)).astype(np.float32)
    missing = max(-first, 0), max(stop - len(samples), 0)
    return np.pad(mono, missing, mode="reflect") if any(missing) else mono


def _rows(powers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Levels as feature rows: (n, 64 + 12) -> (n, 1 + 64 + 12)."""
    if len(powers) == 0:
        return np.zeros((0, 1 + BAND_COUNT + 12), dtype=np.float32)
    bands, chroma = powers[:, :BAND_COUNT], powers[:, BAND_COUNT:]
    peak = float(bands.max())
    levels = _levels(bands, peak)
    # a pitch class counts as far as it stands above the mean of the twelve: noise and drums have none
    harmony = _levels(chroma, peak)
    harmony -= harmony.mean(axis=1, keepdims=True)
    rows = np.empty((len(powers), 1 + BAND_COUNT + 12), dtype=np.float32)
    # The first value is the same in all rows and as long as full-scale noise: silence has a direction, so a
    # change of loudness alone turns the row, and the angle stays small where both rows are quiet.
    rows[:, 0] = 0.5 * math.sqrt(BAND_COUNT)
    rows[:, 1 : 1 + BAND_COUNT] = levels
    rows[:, 1 + BAND_COUNT :] = harmony * CHROMA_WEIGHT * math.sqrt(BAND_COUNT / 12)
    return rows


def _levels(powers: NDArray[np.float32], peak: float) -> NDArray[np.float32]:
    """Decibels from `RANGE_DB` under the peak (0) up to the peak (1)."""
    if peak <= 0:
        return np.zeros_like(powers)
    floor = peak * 10 ** (-RANGE_DB / 10)
    return np.asarray(10 * np.log10(np.maximum(powers / floor, 1.0)) / RANGE_DB, dtype=np.float32)


def _window_size(rate_hz: int) -> int:
    return 1 << round(math.log2(WINDOW_S * rate_hz))


@functools.lru_cache(maxsize=4)
def _hann(size: int) -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


@functools.lru_cache(maxsize=4)
def _filters(rate_hz: int) -> NDArray[np.float32]:
    """Weights from bins to mel bands and pitch classes, (bins, 64 + 12)."""
    frequencies_hz = np.arange(_window_size(rate_hz) // 2 + 1) * rate_hz / _window_size(rate_hz)
    return np.hstack([_mel_bands(frequencies_hz), _pitch_classes(frequencies_hz)]).astype(np.float32)


def _mel_bands(frequencies_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangles evenly spaced in mel, each with its weights summing to 1, (bins, 64)."""
    highest_hz = min(HIGHEST_HZ, float(frequencies_hz[-1]))
    mel = np.linspace(_mel(LOWEST_HZ), _mel(highest_hz), BAND_COUNT + 2)
    edges_hz = 700 * (10 ** (mel / 2595) - 1)
    bin_hz = frequencies_hz[1]
    centre = edges_hz[1:-1]
    # at least a bin to either side, or the lowest bands would fall between two bins and hear nothing
    below = np.maximum(centre - edges_hz[:-2], bin_hz)
    above = np.maximum(edges_hz[2:] - centre, bin_hz)
    offset = frequencies_hz[:, None] - centre
    triangles = np.maximum(0.0, 1 - np.where(offset < 0, -offset / below, offset / above))
    return np.asarray(triangles / triangles.sum(axis=0), dtype=np.float64)


def _mel(frequency_hz: float) -> float:
    return 2595 * math.log10(1 + frequency_hz / 700)


def _pitch_classes(frequencies_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each bin of `CHROMA_RANGE_HZ` shared between its two nearest pitch classes, C first, (bins, 12)."""
    low_hz, high_hz = CHROMA_RANGE_HZ
    used = (frequencies_hz >= low_hz) & (frequencies_hz <= high_hz)
    semitone = 12 * np.log2(np.maximum(frequencies_hz, 1.0) / 440.0) + 69
    distance = np.abs((semitone[:, None] - np.arange(12) + 6) % 12 - 6)
    weights = np.maximum(0.0, 1 - distance) * used[:, None]
    return np.asarray(weights / np.maximum(weights.sum(axis=0), 1e-9), dtype=np.float64)
