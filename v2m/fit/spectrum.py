"""What a track's sound is made of, hop by hop: mel bands and pitch classes, from one transform for all.

Conventions: the track in mono at `LISTENED_HZ`, the rate that librosa's defaults are tuned at; arrays are
(features, hops), a hop being `HOP` samples. It is computed in blocks, so that a long track takes no more
memory than its features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FloatArray
from v2m.metrics import librosa_library
from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
Features = NDArray[np.float32]

LISTENED_HZ: Final = 22050
HOP: Final = 256
"""12 ms: half of librosa's own hop, for a finer grid at fast tempi."""

_WINDOW: Final = 2048
_BANDS: Final = 128
_BLOCK: Final = 4096
"""Hops at once: 48 s, whose transform takes 34 MB."""

_BASS_HZ: Final = 250.0
"""Kick and bass are below."""


@dataclass(frozen=True)
class Spectrum:
    """The features of a track."""

    mel: Features  # (128, hops), power
    chroma: Features  # (12, hops), each hop's strongest 1

    @property
    def onset_strength(self) -> FloatArray:
        """How much comes in from hop to hop, in dB a band, (hops,)."""
        librosa = librosa_module()
        strength = librosa.onset.onset_strength(
            S=librosa.power_to_db(self.mel), sr=LISTENED_HZ, hop_length=HOP
        )
        return np.asarray(strength, np.float64)

    @property
    def timbre(self) -> Features:
        """The colour of the sound, (13, hops)."""
        librosa = librosa_module()
        return np.asarray(librosa.feature.mfcc(S=librosa.power_to_db(self.mel), n_mfcc=13), np.float32)

    @property
    def bass(self) -> FloatArray:
        """How much sounds below, (hops,)."""
        middles_hz = librosa_module().mel_frequencies(_BANDS, fmin=0.0, fmax=LISTENED_HZ / 2)
        return np.asarray(np.log1p(1e3 * self.mel[middles_hz < _BASS_HZ].sum(axis=0)), np.float64)


def librosa_module() -> Any:  # noqa: ANN401 - a module without types
    """The library that listens.

    Raises:
        MissingPartError: it is not installed.
    """
    return librosa_library.librosa_module("Finding the beats of a song", "fit")


def spectrum_of(samples: Samples) -> Spectrum:
    """The features of a track (s, 2) at 48 kHz."""
    mono = librosa_module().resample(samples.mean(axis=1), orig_sr=SAMPLE_RATE_HZ, target_sr=LISTENED_HZ)
    mel, chroma = zip(*_blocks(np.asarray(mono, np.float32)), strict=True)
    return Spectrum(np.concatenate(mel, axis=1), np.concatenate(chroma, axis=1))


def _blocks(mono: Samples) -> Iterator[tuple[Features, Features]]:
    librosa = librosa_module()
    padded = np.pad(mono, _WINDOW // 2)
    hops = 1 + len(mono) // HOP
    for first in range(0, hops, _BLOCK):
        last = min(first + _BLOCK, hops)
        piece = padded[first * HOP : (last - 1) * HOP + _WINDOW]
        power = np.abs(librosa.stft(piece, n_fft=_WINDOW, hop_length=HOP, center=False)) ** 2
        mel = librosa.feature.melspectrogram(S=power, sr=LISTENED_HZ, n_mels=_BANDS)
        chroma = librosa.feature.chroma_stft(S=power, sr=LISTENED_HZ, tuning=0.0)
        yield mel.astype(np.float32), chroma.astype(np.float32)
