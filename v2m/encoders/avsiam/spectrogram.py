"""The spectrogram that AVSiam was trained on.

Conventions: 16 kHz mono; windows of 25 ms every 10 ms, none beyond the ends; 128 bands of the mel scale
m = 1127 ln(1 + f / 700) from 20 Hz to 8 kHz, triangles in mel; natural logarithm of power. Normalised by the
mean and deviation over AudioSet. Sources: Kaldi's `compute-fbank-feats`, as torchaudio's
`compliance.kaldi.fbank` has it; GenjiB/AVSiam, `src/dataloader.py` and its scripts.
"""

from __future__ import annotations

import functools
import math
from typing import Final

import torch
from torch import Tensor

SAMPLE_RATE_HZ: Final = 16_000
HOP_SAMPLES: Final = 160
WINDOW_SAMPLES: Final = 400
BAND_COUNT: Final = 128
FRAME_COUNT: Final = 1024
"""What the network takes at once, 10.24 s; shorter sound is followed by zeros."""

MEAN: Final = -5.081
DEVIATION: Final = 4.4849

_TRANSFORM: Final = 512  # the next power of two
_PREEMPHASIS: Final = 0.97
_LOWEST_HZ: Final = 20.0
_FLOOR: Final = torch.finfo(torch.float32).eps


def spectrogram(samples: Tensor) -> Tensor:
    """Normalised log power (1024, 128) of samples (s,), of which some ten seconds are used."""
    samples = samples - samples.mean()
    bands = torch.zeros(FRAME_COUNT, BAND_COUNT, dtype=samples.dtype, device=samples.device)
    if len(samples) >= WINDOW_SAMPLES:
        known = _log_bands(samples)[:FRAME_COUNT]
        bands[: len(known)] = known
    return (bands - MEAN) / DEVIATION


def _log_bands(samples: Tensor) -> Tensor:
    frames = samples.unfold(0, WINDOW_SAMPLES, HOP_SAMPLES)  # (t, 400)
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    window = torch.hann_window(WINDOW_SAMPLES, periodic=False, dtype=frames.dtype, device=frames.device)
    frames = (frames - _PREEMPHASIS * before) * window
    power = torch.fft.rfft(frames, n=_TRANSFORM).abs().pow(2)  # (t, 257)
    bands: Tensor = power @ _triangles().to(power)
    return bands.clamp(min=_FLOOR).log()


@functools.lru_cache(maxsize=1)
def _triangles() -> Tensor:
    """Weights from bins to bands, (257, 128); the bin at half the rate has none."""
    bins_mel = 1127.0 * (1.0 + SAMPLE_RATE_HZ / _TRANSFORM * torch.arange(_TRANSFORM // 2) / 700.0).log()
    lowest, highest = (1127.0 * math.log(1.0 + hz / 700.0) for hz in (_LOWEST_HZ, SAMPLE_RATE_HZ / 2))
    step = (highest - lowest) / (BAND_COUNT + 1)
    left, centre, right = (lowest + (torch.arange(BAND_COUNT) + edge) * step for edge in (0.0, 1.0, 2.0))
    rising = (bins_mel[:, None] - left) / (centre - left)
    falling = (right - bins_mel[:, None]) / (right - centre)
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return torch.cat([triangles, torch.zeros(1, BAND_COUNT)])
