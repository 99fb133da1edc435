"""What is seen of a take's sound: waveform, spectrum over time, event curve; and the sound itself.

Conventions: the waveform is -1..1 in `WAVE_COLUMNS` equal spans at most; the spectrum is in bands that are
even in the logarithm of frequency, lowest first, 0..1 from `FLOOR_DB` under the loudest to the loudest.
Everything is bounded: two hours take a page as large as ten minutes do, with less in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from v2m.audio import WavReader
from v2m.curves import FloatArray
from v2m.frames.compact import opus_of
from v2m.metrics.music_curve import LONGEST_S, music_curve
from v2m.timebase import SAMPLE_RATE_HZ

WAVE_COLUMNS: Final = 2000
"""Twice the pixels that a lane is wide: enough for a look, and for a print."""

SPECTRUM_COLUMNS: Final = 1600
BANDS: Final = 96
"""Ten an octave: a semitone is told from the next but one."""

LOW_HZ: Final = 40.0
HIGH_HZ: Final = 16_000.0
FLOOR_DB: Final = 72.0

_WINDOW: Final = 4096
"""85 ms: what lies between two columns of a minute is seen by both."""

_AT_ONCE: Final = 64
"""Windows transformed at once: 2 MB, which stay in a core's cache."""

_BEST_BPS: Final = 96_000
_LEAST_BPS: Final = 6_000
_MOST_SOUND_BYTES: Final = 5_000_000
"""Of the sound in a page: seven minutes at the best rate; beyond them the rate falls, to what Opus bears."""


@dataclass(frozen=True)
class Listening:
    """What was heard of a take."""

    lows: FloatArray  # (n,)
    highs: FloatArray  # (n,)
    rms: FloatArray  # (n,)
    spectrum: NDArray[np.float32]  # (bands, columns)
    curve: FloatArray | None
    """The event curve of the music on the grid of the video's; None of takes that are too long for it."""

    webm: bytes
    """The sound, as a browser plays it."""


def listen(wav: Path, *, duration_s: float, rate_hz: float, kernel_s: float) -> Listening:
    """Hear a take's music.

    Args:
        wav: the music.
        duration_s: of the programme.
        rate_hz: of the event curve's grid.
        kernel_s: of the event curve's smoothing.

    Raises:
        MediaError: the file is missing or damaged.
    """
    # the encoder leaves Python's lock to others: on two cores it costs hardly any time
    with ThreadPoolExecutor(1) as beside, WavReader(wav) as sound:
        webm = beside.submit(_webm, wav, sound_rate_bps(duration_s))
        lows, highs, rms = _wave(sound)
        curve = None
        if duration_s <= LONGEST_S:
            curve = music_curve(wav, duration_s, rate_hz=rate_hz, kernel_s=kernel_s).values
        return Listening(lows, highs, rms, _spectrum(sound), curve, webm.result())


def sound_rate_bps(duration_s: float) -> int:
    """Bits a second of the sound in a page: the less the longer it is."""
    return int(np.clip(8 * _MOST_SOUND_BYTES / max(duration_s, 1.0), _LEAST_BPS, _BEST_BPS))


def _webm(wav: Path, rate_bps: int) -> bytes:
    with WavReader(wav) as sound:
        return opus_of(_blocks(sound), rate_bps)


def _blocks(sound: WavReader) -> Iterator[NDArray[np.float32]]:
    for at in range(0, len(sound), SAMPLE_RATE_HZ):
        yield sound[at : at + SAMPLE_RATE_HZ]


def _wave(sound: WavReader) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lowest and highest sample, and root mean square, of each span of both channels."""
    columns = min(WAVE_COLUMNS, max(1, len(sound)))
    edges = np.linspace(0, len(sound), columns + 1).astype(int)
    lows, highs, squares = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    for first in range(0, columns, _AT_ONCE):
        last = min(columns, first + _AT_ONCE)
        part = sound[int(edges[first]) : int(edges[last])]
        starts = edges[first:last] - edges[first]
        lows[first:last] = np.minimum.reduceat(part, starts).min(axis=1)
        highs[first:last] = np.maximum.reduceat(part, starts).max(axis=1)
        squares[first:last] = np.add.reduceat(np.square(part), starts).mean(axis=1)
    return lows, highs, np.sqrt(squares / np.diff(edges))


def _spectrum(sound: WavReader) -> NDArray[np.float32]:
    columns = int(np.clip(len(sound) // (_WINDOW // 8), 1, SPECTRUM_COLUMNS))
    centres = ((np.arange(columns) + 0.5) * len(sound) / columns).astype(int)
    window = np.hanning(_WINDOW).astype(np.float32)
    filters = _filters()
    power = np.zeros((columns, BANDS), np.float32)
    for first in range(0, columns, _AT_ONCE):
        spectra = scipy.fft.rfft(_windows(sound, centres[first : first + _AT_ONCE]) * window, axis=1)
        power[first : first + _AT_ONCE] = (spectra.real**2 + spectra.imag**2) @ filters
    loudest = float(power.max())
    if loudest <= 0:
        return np.zeros((BANDS, columns), np.float32)
    level_db = 10 * np.log10(np.maximum(power / loudest, 10 ** (-FLOOR_DB / 10)))
    return np.asarray(1 + level_db.T / FLOOR_DB, np.float32)


def _windows(sound: WavReader, centres: NDArray[np.intp]) -> NDArray[np.float32]:
    """Windows around some samples, (n, window): read at once where they overlap, each by itself else."""
    firsts = centres - _WINDOW // 2
    begin, span = int(firsts[0]), int(firsts[-1] - firsts[0]) + _WINDOW
    if span <= len(firsts) * _WINDOW:
        every = np.lib.stride_tricks.sliding_window_view(_mono(sound, begin, span), _WINDOW)
        return every[firsts - begin]
    return np.stack([_mono(sound, first, _WINDOW) for first in firsts.tolist()])


def _mono(sound: WavReader, begin: int, length: int) -> NDArray[np.float32]:
    """The mean of both channels; past the ends it is silent."""
    part = sound[max(0, begin) : max(0, begin + length)]
    mono = 0.5 * (part[:, 0] + part[:, 1])
    return np.pad(mono, (max(0, -begin), length - len(mono) - max(0, -begin)))


def _filters() -> NDArray[np.float32]:
    """Weights from bins to bands, (bins, bands): triangles, each at least a bin to either side."""
    frequencies_hz = np.arange(_WINDOW // 2 + 1) * SAMPLE_RATE_HZ / _WINDOW
    edges_hz = np.geomspace(LOW_HZ, HIGH_HZ, BANDS + 2)
    centre, bin_hz = edges_hz[1:-1], frequencies_hz[1]
    below = np.maximum(centre - edges_hz[:-2], bin_hz)
    above = np.maximum(edges_hz[2:] - centre, bin_hz)
    offset = frequencies_hz[:, None] - centre
    triangles = np.maximum(0.0, 1 - np.where(offset < 0, -offset / below, offset / above))
    return np.asarray(triangles, np.float32)
