"""The rectified flow between noise and music: the path, its velocity, and the loss.

Conventions: t = 0 is noise, t = 1 is data; x_t = (1 - t) noise + t data, velocity = data - noise (paper,
section 3.1, eq. 1). Axes: b batch, t latent frame, c channel.
Sources: Liu et al. 2022 (rectified flow); Esser et al. 2024, section 3.1 (logit-normal times) and 5.3.2
(time shift).
"""

from __future__ import annotations

import torch
from torch import Tensor


def interpolate(noise: Tensor, data: Tensor, time: Tensor) -> Tensor:
    """x_t on the straight path; `time` is (b,) or a scalar, noise and data (b, t, c)."""
    at = _over_cells(time)
    return (1 - at) * noise + at * data


def velocity(noise: Tensor, data: Tensor) -> Tensor:
    """The constant velocity of the path."""
    return data - noise


def data_at_end(x: Tensor, predicted_velocity: Tensor, time: Tensor) -> Tensor:
    """Where a straight path through x at `time` with this velocity ends: the estimate of the data."""
    return x + (1 - _over_cells(time)) * predicted_velocity


def training_times(count: int, generator: torch.Generator, spread: float = 1.0, mean: float = 0.0) -> Tensor:
    """(count,) times in (0, 1): logit-normal, stratified over the batch so that each batch sees all times.

    Args:
        count: the batch size.
        generator: on the CPU.
        spread: standard deviation of the logit; 0 gives uniform times instead.
        mean: mean of the logit; above 0 trains more near the data, where details are decided.
    """
    uniform = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    uniform = uniform[torch.randperm(count, generator=generator)].clamp(1e-4, 1 - 1e-4)
    if spread == 0:
        return uniform
    return torch.sigmoid(mean + spread * torch.special.ndtri(uniform))


def time_grid(steps: int, shift: float = 1.0) -> Tensor:
    """(steps + 1,) times from 0 to 1; a shift above 1 spends more of the steps near the noise.

    With u even in [0, 1], t = u / (u + shift (1 - u)): the resolution shift of Esser et al., eq. 23, for
    time that runs from noise to data.
    """
    even = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    return even / (even + shift * (1 - even))


def flow_loss(predicted: Tensor, noise: Tensor, data: Tensor, known: Tensor) -> Tensor:
    """Mean squared error of the velocity over the cells that have to be composed.

    Known cells do not count: the sampler puts them back on their path at every step, so what the model says
    there is never used, and counting them would spend capacity on copying an input.

    Args:
        predicted: (b, t, c) the model's velocity.
        noise: (b, t, c).
        data: (b, t, c).
        known: (b, t, c) 1 where a cell was given.
    """
    unknown = 1 - known
    error = (predicted.float() - velocity(noise, data)).square() * unknown
    return error.sum() / unknown.sum().clamp(min=1)


def _over_cells(time: Tensor) -> Tensor:
    return time.reshape(-1, 1, 1)  # (b,) -> (b, 1, 1)
