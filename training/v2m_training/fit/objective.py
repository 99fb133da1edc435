"""What a model of sound learns to predict: two objectives, in one convention of time.

    rectified_flow   x_t = t data + (1 - t) noise           target data - noise       (paper, eq. 1)
    v_prediction     x_t = sin(a) data + cos(a) noise       target sin(a) noise - cos(a) data,  a = t pi / 2

Conventions: t = 0 is noise, t = 1 is data, as in `v2m.model.flow`; Stable Audio Open counts time the other
way, so its cosine is our sine. Axes: b batch, t latent frame, c channel.
Sources: Liu et al. 2022 (rectified flow); Salimans and Ho 2022, section 4 (v-prediction).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from v2m.model.flow import data_at_end, interpolate, velocity

Objective = Literal["rectified_flow", "v_prediction"]


def noised(objective: Objective, data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """x_t of data and noise (b, t, c) at times (b,)."""
    if objective == "rectified_flow":
        return interpolate(noise, data, time)
    sine, cosine = _angle(time)
    return sine * data + cosine * noise


def target(objective: Objective, data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """What the network should say of x_t, (b, t, c)."""
    if objective == "rectified_flow":
        return velocity(noise, data)
    sine, cosine = _angle(time)
    return sine * noise - cosine * data


def loss(objective: Objective, predicted: Tensor, data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """Mean squared error of a prediction, in float32 whatever it was computed in."""
    return (predicted.float() - target(objective, data, noise, time)).square().mean()


def data_of(objective: Objective, x_t: Tensor, predicted: Tensor, time: Tensor) -> Tensor:
    """The data that a prediction implies, (b, t, c)."""
    if objective == "rectified_flow":
        return data_at_end(x_t, predicted, time)
    sine, cosine = _angle(time)
    return sine * x_t - cosine * predicted


def stepped(objective: Objective, x_t: Tensor, predicted: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Where the deterministic path leads by a later time: Euler for the flow, DDIM for v."""
    if objective == "rectified_flow":
        return x_t + (end - start).reshape(-1, 1, 1) * predicted
    sine, cosine = _angle(start)
    data, noise = sine * x_t - cosine * predicted, cosine * x_t + sine * predicted
    return noised(objective, data, noise, end)


def prediction_between(objective: Objective, x: Tensor, later: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """What a network would have to say of x at `start` for one step to lead to `later` at `end`.

    For v, with a the angle of the step: later = cos(a) x - sin(a) v.
    """
    if objective == "rectified_flow":
        return (later - x) / (end - start).reshape(-1, 1, 1)
    sine, cosine = _angle(end - start)
    return (cosine * x - later) / sine


def _angle(time: Tensor) -> tuple[Tensor, Tensor]:
    angle = time.reshape(-1, 1, 1) * (math.pi / 2)  # (b,) -> (b, 1, 1)
    return torch.sin(angle), torch.cos(angle)
