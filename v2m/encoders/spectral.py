"""The embedded music encoder, `spectral`: what a spectrogram says of attack, timbre, harmony and loudness.

    samples -> windowed power spectra, 50 a second
            -> 64 mel bands, as loudness below the piece's own peak   timbre, attacks, level
            -> 12 pitch classes                                       harmony
            -> both again as means over a second                      sections
            -> rows whose angle grows with the change that is heard

Conventions: any sample rate from 8 kHz, mono or more channels (mixed to one); row i stands for the hop
[i / 50 s, (i + 1) / 50 s), its window is centred in the hop. Gain does not matter: levels count from the
piece's own peak. Sources: O'Shaughnessy's mel scale m = 2595 log10(1 + f / 700); Stevens' power law of
loudness; chroma after M. Müller, "Fundamentals of Music Processing" (2015), section 3.1.
"""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from v2m.curves import Features, smooth_hann
from v2m.encoders.protocol import Sound
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

LOUDNESS_EXPONENT: Final = 0.2
"""Loudness = power ** 0.2. Decibels (the limit of small exponents) let a hi-hat weigh as much as a crash over
the same beats; Stevens' 0.3 leaves nothing of quiet passages. Drum pattern with one crash, curve smoothed
over 0.7 s, height of the crash over the highest beat: decibels 1.0, 0.1 1.5, 0.2 2.4, 0.3 2.8."""

FLOOR_DB: Final = 70.0
"""Levels further than this under the piece's peak are silence: hiss and dither are no events."""

CHROMA_WEIGHT: Final = math.sqrt(BAND_COUNT / 12)
"""Twelve pitch classes count as much as all bands: another harmony in the same colour is heard."""

SECTION_S: Final = 1.0
SECTION_WEIGHT: Final = 4.0
"""The rows also hold their own Hann-weighted means over a second. A steady beat of 120 BPM or more cancels in
them, and what comes to stay does not: without them a new section that enters on a beat drowns in the beats
around it. The weight makes the change that stays about equal to an attack of the same size: a mean over a
second takes it in over six lags, each a sixth of it, and a change counts by its square."""

FEATURE_COUNT: Final = 1 + 2 * (BAND_COUNT + 12)

_BIAS: Final = math.sqrt(BAND_COUNT)
"""A value that all rows share, as long as a row of all bands at the peak. Silence then has a direction,
a change of level alone turns the row, and the angle grows with the loudness that changed, not its share."""

_CHUNK_ROWS: Final = 128
"""Windows transformed at once: about 1 MB each of windows and spectra, which stay in a core's cache."""


def encode(samples: Sound, sample_rate_hz: int) -> Features:
    """The features of a piece, whose samples are asked for 2.6 seconds at a time.

    Args:
        samples: (n,) or (n, channels), full scale 1.
        sample_rate_hz: 8000 or more.

    Returns:
        ceil(n / sample_rate_hz * 50) rows of 153 values.

    Raises:
        InputError: samples of another shape or not finite, or too low a rate.
    """
    shape = samples[:1].shape[1:]
    if len(shape) > 1 or sample_rate_hz < 8000:
        raise InputError(
            f"Sound of shape {(len(samples), *shape)} at {sample_rate_hz} Hz is given, "
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


def _powers(samples: Sound, rate_hz: int, begin: int, end: int) -> NDArray[np.float32]:
    """Power in bands and pitch classes for the rows begin..end, (end - begin, 64 + 12)."""
    size = _window_size(rate_hz)
    centres = np.floor((np.arange(begin, end) + 0.5) * rate_hz / RATE_HZ).astype(np.int64)
    first, stop = int(centres[0]) - size // 2, int(centres[-1]) + size // 2
    all_windows = np.lib.stride_tricks.sliding_window_view(_mono(samples, first, stop), size)
    hop, odd = divmod(rate_hz, RATE_HZ)
    windows = all_windows[centres - centres[0]] if odd else all_windows[::hop]  # (t, size); no copy if even
    spectra = scipy.fft.rfft(windows * _hann(size), axis=1)  # (t, bins)
    power = spectra.real**2 + spectra.imag**2
    return np.asarray(power @ _filters(rate_hz), dtype=np.float32)


def _mono(samples: Sound, first: int, stop: int) -> NDArray[np.float32]:
    """The mix of a span; what lies outside the piece is mirrored, so its ends are no attacks."""
    inside = samples[max(first, 0) : min(stop, len(samples))]
    channels = [inside] if inside.ndim == 1 else [inside[:, channel] for channel in range(inside.shape[1])]
    # summing whole channels is several times faster than a mean along the short axis
    mono = sum(channels[1:], start=channels[0]).astype(np.float32) / np.float32(len(channels))
    missing = max(-first, 0), max(stop - len(samples), 0)
    return np.pad(mono, missing, mode="reflect") if any(missing) else mono


def _rows(powers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Levels as feature rows: (n, 64 + 12) -> (n, 153)."""
    if len(powers) == 0:
        return np.zeros((0, FEATURE_COUNT), dtype=np.float32)
    loudness = _loudness(powers)
    bands, chroma = loudness[:, :BAND_COUNT], loudness[:, BAND_COUNT:]
    # a pitch class counts as far as it stands above the mean of the twelve: noise and drums have none
    harmony = chroma - chroma.mean(axis=1, keepdims=True)
    bias = np.full((len(powers), 1), _BIAS, dtype=np.float32)
    now = np.hstack([bands, CHROMA_WEIGHT * harmony])
    means = [smooth_hann(column, RATE_HZ, SECTION_S) for column in np.ascontiguousarray(now.T)]
    return np.hstack([bias, now, SECTION_WEIGHT * np.stack(means, axis=1)]).astype(np.float32)


def _loudness(powers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Loudness against that of the loudest band of the piece, 0 for silence."""
    peak = float(powers[:, :BAND_COUNT].max())
    if peak <= 0:
        return np.zeros_like(powers)
    audible = np.maximum(powers / peak, 10 ** (-FLOOR_DB / 10))
    return np.asarray(
        audible**LOUDNESS_EXPONENT - 10 ** (-FLOOR_DB / 10 * LOUDNESS_EXPONENT), dtype=np.float32
    )


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
