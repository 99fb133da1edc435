"""The spectrogram that MusicFM was trained on.

Conventions: 24 kHz mono; frames every 10 ms, centred at 0, 10, 20 ms …, the last one dropped; 128 bands of
the mel scale m = 2595 log10(1 + f / 700) from 0 to 12 kHz, triangles of height 1; decibels with a floor of
-100 and no ceiling. Sources: minzwon/musicfm, `modules/features.py`, and the defaults of torchaudio's
MelSpectrogram and AmplitudeToDB, which it uses and which are written out here.
"""

from __future__ import annotations

import functools
import math
from typing import Final

import torch
from torch import Tensor

SAMPLE_RATE_HZ: Final = 24_000
HOP_SAMPLES: Final = 240
WINDOW_SAMPLES: Final = 2048
BAND_COUNT: Final = 128

_FLOOR: Final = 1e-10  # of power, before the logarithm


def mel_spectrogram(samples: Tensor) -> Tensor:
    """Decibels (b, bands, s // 240) of samples (b, s), of which there are at least 1025."""
    window = torch.hann_window(WINDOW_SAMPLES, periodic=True, dtype=samples.dtype, device=samples.device)
    spectrum = torch.stft(
        samples, WINDOW_SAMPLES, HOP_SAMPLES, window=window, center=True, pad_mode="reflect",
        return_complex=True,
    )  # fmt: skip
    power = spectrum.abs().pow(2)  # (b, bins, frames)
    bands = (power.transpose(1, 2) @ _triangles().to(samples)).transpose(1, 2)
    return 10 * torch.log10(bands.clamp(min=_FLOOR))[..., :-1]


@functools.lru_cache(maxsize=1)
def _triangles() -> Tensor:
    """Weights from bins to bands, (1025, 128)."""
    bins_hz = torch.linspace(0, SAMPLE_RATE_HZ // 2, WINDOW_SAMPLES // 2 + 1)
    highest_mel = 2595 * math.log10(1 + SAMPLE_RATE_HZ / 2 / 700)
    edges_hz = 700 * (10 ** (torch.linspace(0, highest_mel, BAND_COUNT + 2) / 2595) - 1)
    widths_hz = edges_hz.diff()
    beyond_hz = edges_hz - bins_hz[:, None]  # (bins, edges)
    rising = -beyond_hz[:, :-2] / widths_hz[:-1]
    falling = beyond_hz[:, 2:] / widths_hz[1:]
    return torch.minimum(rising, falling).clamp(min=0)
