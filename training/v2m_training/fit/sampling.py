"""Composing with a model in training: a plain solver, words and curve guided as one.

This is for measuring and distilling; the product's samplers are the families' own (`v2m.backbones`).
Conventions: as in `trainable`; noise is drawn by absolute latent frame (`v2m.model.noise`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from v2m.model.flow import time_grid
from v2m.model.noise import latent_noise
from v2m_training.fit.objective import stepped
from v2m_training.fit.trainable import Trainable
from v2m_training.fit.words import told


def compose(
    model: Trainable,
    prompts: Sequence[str],
    seconds: Sequence[float],
    curve: Tensor,
    seeds: Sequence[int],
    *,
    steps: int,
    text_scale: float,
) -> Tensor:
    """Latents (b, t, c) of prompts with curves (b, t, k): u + s (b - u) at every step."""
    device, frames = curve.device, curve.shape[1]
    noise = [torch.from_numpy(latent_noise(seed, 0, frames, model.grid.channels)) for seed in seeds]
    x = torch.stack(noise).to(device)
    with torch.no_grad():
        asked = told(model, prompts, seconds, device)
        silent = told(model, [None] * len(prompts), seconds, device)
        times = time_grid(steps).to(device, torch.float32)
        for start, end in pairwise(times):
            at = start.expand(len(prompts))
            predicted = model.velocity(x, at, asked, curve)
            if text_scale != 1:
                base = model.velocity(x, at, silent, torch.zeros_like(curve))
                predicted = base + text_scale * (predicted - base)
            x = stepped(model.objective, x, predicted.float(), at, end.expand(len(prompts)))
    return x * model.latent_scale
