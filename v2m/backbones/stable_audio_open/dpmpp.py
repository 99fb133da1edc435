"""DPM-Solver++(3M) SDE over the noise levels of Stable Audio Open 1.0, with noise that is counted.

The official sampler draws its noise from a Brownian tree, which changes with batch, length and device. Over
one step that noise is a standard normal independent of all other steps, so here it is drawn for the step's
number and the absolute latent frame (`v2m.model.noise`): the same distribution, and a crop, a region or a
longer programme leave it alone.

Conventions: n item, t latent frame, c channel; variance-exploding, x = data + sigma * noise; sigmas fall and
end at 0; solver state in float32.
Sources: Lu et al. 2022, "DPM-Solver++"; crowsonkb/k-diffusion, `sampling.py` (sample_dpmpp_3m_sde,
get_sigmas_polyexponential) and `external.py` (VDenoiser); Karras et al. 2022, table 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

LOWEST_SIGMA: Final = 0.3
HIGHEST_SIGMA: Final = 500.0
"""As the model's card says."""

STEPS: Final = 100

Denoise = Callable[[Tensor, Tensor], Tensor]
"""Latents at a noise level, and that level, to the data that the model sees in them."""

StepNoise = Callable[[int], Tensor]
"""Standard normal noise of a step, in the latents' shape."""


def noise_levels(steps: int, lowest: float = LOWEST_SIGMA, highest: float = HIGHEST_SIGMA) -> Tensor:
    """(steps + 1,) sigmas, evenly apart in their logarithm, then 0."""
    ramp = torch.linspace(1, 0, steps)
    span = math.log(highest) - math.log(lowest)
    return torch.cat([torch.exp(ramp * span + math.log(lowest)), torch.zeros(1)])


def denoised_by_v(velocity: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigma: Tensor) -> Tensor:
    """Data in latents at a noise level, by a model of v on the cosine path.

    Args:
        velocity: of latents of unit variance and a time (0-d), 1 at noise.
        x: latents.
        sigma: 0-d.
    """
    power = sigma**2 + 1
    v = velocity(x * (1 / power**0.5), sigma.atan() / math.pi * 2)
    return v * (-sigma / power**0.5) + x * (1 / power)


def solve(denoise: Denoise, noise: Tensor, sigmas: Tensor, step_noise: StepNoise, eta: float = 1.0) -> Tensor:
    """From noise to data.

    Args:
        denoise: the model with guidance.
        noise: standard normal, in the latents' shape.
        sigmas: from `noise_levels`.
        step_noise: asked once for each step but the last.
        eta: how much of the noise is drawn anew at each step; 0 is the ordinary differential equation.
    """
    x = noise * sigmas[0]
    seen: list[Tensor] = []  # of the last two steps, latest first
    widths: list[Tensor] = []
    for step in range(len(sigmas) - 1):
        low, high = sigmas[step + 1], sigmas[step]
        now = denoise(x, high)
        if low == 0:
            return now
        width = -low.log() - -high.log()
        x = _advanced(x, now, width, eta, seen, widths)
        if eta:
            x = x + step_noise(step) * low * (-2 * width * eta).expm1().neg().sqrt()
        seen, widths = [now, *seen[:1]], [width, *widths[:1]]
    return x


def _advanced(
    x: Tensor, now: Tensor, width: Tensor, eta: float, seen: list[Tensor], widths: list[Tensor]
) -> Tensor:
    """Of first order, with as many orders more as there are steps before."""
    h = width * (eta + 1)
    x = torch.exp(-h) * x + (-h).expm1().neg() * now
    if not seen:
        return x
    phi_2 = h.neg().expm1() / h + 1
    slope = (now - seen[0]) / (widths[0] / width)
    if len(seen) == 1:
        return x + phi_2 * slope
    phi_3 = phi_2 / h - 0.5
    r_0, r_1 = widths[0] / width, widths[1] / width
    before = (seen[0] - seen[1]) / r_1
    first = slope + (slope - before) * r_0 / (r_0 + r_1)
    second = (slope - before) / (r_0 + r_1)
    return x + phi_2 * first - phi_3 * second
