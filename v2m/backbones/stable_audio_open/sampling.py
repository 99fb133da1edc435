"""From noise to a take's latents, on the path of a model's objective.

What the model sees as data is looked at between its prediction and the solver's step, the same on every
path: there a latent head pushes it towards a curve, and known frames are put in its place, so that their
noise follows the solver's own path and they are exact at the end.
Conventions: latents (1, t, c) float32; a level is the noise's share of what the path mixes, sigma on the
variance-exploding path and time on the straight one.
Sources: Lugmayr et al. 2022, "RePaint"; `dpmpp` and `straight` for the solvers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from v2m.backbones.stable_audio_open import dpmpp, straight
from v2m.backbones.stable_audio_open.config import Objective

if TYPE_CHECKING:
    from v2m.backbones.sound.head import Steering

DEFAULT_STEPS: Final[dict[Objective, int]] = {
    "v": dpmpp.STEPS,
    "rf_denoiser": straight.PING_PONG_STEPS,
    "rectified_flow": straight.EULER_STEPS,
}

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Latents and a time (0-d) to what the model predicts, with guidance."""


@dataclass(frozen=True)
class Known:
    """Frames that are kept."""

    mask: Tensor
    """(1, t, 1)."""

    latents: Tensor
    """(1, t, c), finite everywhere."""


def sample(
    objective: Objective,
    velocity: Velocity,
    steps: int,
    noise: Callable[[int], Tensor],
    *,
    known: Known | None = None,
    steering: Steering | None = None,
    report: Callable[[int], None],
) -> Tensor:
    """Compose a take.

    Args:
        objective: what the model predicts.
        velocity: the model.
        steps: of the solver.
        noise: standard normal in the latents' shape; of 0 what the path begins with, of 1 and more what is
            drawn at the steps.
        known: frames that are kept, where there are any.
        steering: leads towards a curve, where a latent head does.
        report: told how many steps are done, before each; may raise to stop.
    """
    count = iter(range(steps))

    def seen(x: Tensor, level: Tensor) -> Tensor:
        report(next(count))
        data = _data(objective, velocity, x, level)
        if steering is not None:
            data = _steered(objective, steering, x, data, float(level))
        return data if known is None else torch.where(known.mask, known.latents, data)

    def step_noise(step: int) -> Tensor:
        return noise(1 + step)

    if objective == "v":
        return dpmpp.solve(seen, noise(0), dpmpp.noise_levels(steps), step_noise)
    if objective == "rf_denoiser":
        return straight.ping_pong(seen, noise(0), straight.times(steps), step_noise)
    return straight.euler(seen, noise(0), straight.times(steps))


def _data(objective: Objective, velocity: Velocity, x: Tensor, level: Tensor) -> Tensor:
    if objective == "v":
        return dpmpp.denoised_by_v(velocity, x, level)
    return x - level * velocity(x, level)


def _steered(objective: Objective, steering: Steering, x: Tensor, data: Tensor, level: float) -> Tensor:
    if objective != "v":
        return steering.data(x, data, level)
    # data + sigma noise, divided by 1 + sigma, lies on the straight path at sigma / (1 + sigma)
    return steering.data(x / (1 + level), data, level / (1 + level))
