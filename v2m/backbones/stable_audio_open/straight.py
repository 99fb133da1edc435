"""Sampling on the straight path: ping-pong for the distilled small model, Euler for its kin that are not.

Ping-pong goes to the data and back with new noise at every step; that noise is drawn for the step's number
and the absolute latent frame, so that crop, batch and device leave it alone.

Conventions: n item, t latent frame, c channel; x = (1 - t) * data + t * noise; times fall from 1 to 0; the
model's velocity is noise - data; solver state in float32.
Sources: Novack et al. 2025, "Fast text-to-audio generation with adversarial post-training" (ping-pong);
Stability-AI/stable-audio-tools, `inference/sampling.py` (sample_rf).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from v2m.backbones.stable_audio_open.dpmpp import Denoise, StepNoise

PING_PONG_STEPS: Final = 8
EULER_STEPS: Final = 50

_LOWEST_LOG_SNR: Final = -6.0
_HIGHEST_LOG_SNR: Final = 2.0


def times(steps: int) -> Tensor:
    """(steps + 1,) from 1 to 0, evenly apart in the logarithm of signal to noise but for the ends."""
    grid = torch.sigmoid(-torch.linspace(_LOWEST_LOG_SNR, _HIGHEST_LOG_SNR, steps + 1))
    grid[0], grid[-1] = 1.0, 0.0
    return grid


def ping_pong(denoise: Denoise, noise: Tensor, grid: Tensor, step_noise: StepNoise) -> Tensor:
    """From noise to data by a distilled model.

    Args:
        denoise: latents at a time (0-d), and that time, to data.
        noise: standard normal.
        grid: from `times`.
        step_noise: asked once for each step but the last.
    """
    x = noise
    for step in range(len(grid) - 1):
        data, after = denoise(x, grid[step]), grid[step + 1]
        if after == 0:
            return data
        x = (1 - after) * data + after * step_noise(step)
    return x


def euler(denoise: Denoise, noise: Tensor, grid: Tensor) -> Tensor:
    """From noise to data by a model that is not distilled; arguments as of `ping_pong`."""
    x = noise
    for step in range(len(grid) - 1):
        before, after = grid[step], grid[step + 1]
        data = denoise(x, before)
        if after == 0:
            return data  # exactly what x + (0 - t) (x - data) / t is, without its rounding
        x = x + (after - before) * ((x - data) / before)
    return x
