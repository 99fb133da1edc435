"""What a step teaches: to follow words and curves, to compose in few steps, or to hear a curve in noise.

    follow    the model's own objective on music, told its words and curves (paper, section 3.3)
    distill   one step of the student leads where several guided steps of its teacher do, from music with
              noise at the times of the student's grid; guidance is then inside, and asked for no more
    head      the event curve of the music in noisy latents, for guidance without training the model

Conventions: as in `trainable`; a lesson gives the mean loss of a batch on the model's device.
Sources: Salimans and Ho 2022 (progressive distillation); Yan et al. 2024, "PeRFlow" (a teacher for each piece
of the way, begun at music with noise); Meng et al. 2023 (distilled guidance); arXiv 2603.04366 (heads).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor

from v2m.backbones.sound.head import LatentHead, head_loss
from v2m.model.flow import interpolate, time_grid
from v2m_training.fit.batches import Batch
from v2m_training.fit.config import Distillation, FitConfig
from v2m_training.fit.lora import without_updates
from v2m_training.fit.objective import loss, noised, prediction_between, stepped
from v2m_training.fit.trainable import Conditions, Trainable
from v2m_training.fit.words import told

Lesson = Callable[[Trainable, Batch], Tensor]
"""The mean loss of a batch; products within it are in the run's precision."""


def lesson_of(config: FitConfig) -> Lesson:
    """What a run teaches."""
    if config.trained == "head":
        return hear
    if config.recipe == "distill":
        return lambda model, batch: distill(model, batch, config.distill)
    return follow


def follow(model: Trainable, batch: Batch) -> Tensor:
    """The error of the model's prediction."""
    conditioning = told(model, batch.prompts, batch.seconds, batch.data.device)
    data = batch.data / model.latent_scale
    x_t = noised(model.objective, data, batch.noise, batch.time)
    predicted = model.velocity(x_t, batch.time, conditioning, batch.curve)
    return loss(model.objective, predicted, data, batch.noise, batch.time)


def distill(model: Trainable, batch: Batch, settings: Distillation) -> Tensor:
    """The error of one step of the student; its teacher is the model without its low-rank updates."""
    conditioning = told(model, batch.prompts, batch.seconds, batch.data.device)
    # every excerpt begins at one of the student's own times: which, its training time says
    grid = time_grid(settings.steps).to(batch.time)
    at = (batch.time * settings.steps).long().clamp(0, settings.steps - 1)
    start, end = grid[at], grid[at + 1]
    x = noised(model.objective, batch.data / model.latent_scale, batch.noise, start)
    with torch.no_grad(), without_updates(model.module):
        later = _led_on(model, batch, conditioning, x, start, end, settings)
        wanted = prediction_between(model.objective, x, later, start, end)
    predicted = model.velocity(x, start, conditioning, batch.curve)
    return (predicted.float() - wanted).square().mean()


def _led_on(
    model: Trainable,
    batch: Batch,
    conditioning: Conditions,
    x: Tensor,
    start: Tensor,
    end: Tensor,
    settings: Distillation,
) -> Tensor:
    """Where the teacher's guided steps lead."""
    silent = told(model, [None] * len(batch.prompts), batch.seconds, x.device)
    null = torch.zeros_like(batch.curve)
    count = settings.teacher_steps
    times = [start + (end - start) * (number / count) for number in range(count + 1)]
    for here, there in pairwise(times):
        base = model.velocity(x, here, silent, null).float()
        asked = model.velocity(x, here, conditioning, batch.curve).float()
        guided = base + settings.text_scale * (asked - base)
        x = stepped(model.objective, x, guided, here, there)
    return x


def hear(model: Trainable, batch: Batch) -> Tensor:
    """The error of a head's guess, at the noise of the straight path."""
    noisy = interpolate(batch.noise, batch.data, batch.time)
    return head_loss(cast(LatentHead, model.module), noisy, 1 - batch.time, batch.curve[..., 0])
