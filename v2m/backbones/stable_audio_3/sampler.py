"""From noise to latents: Euler with guidance for base checkpoints, ping-pong for post-trained ones.

Euler follows the velocity from one noise level to the next. Ping-pong guesses the clean latents, and adds
fresh noise of the next level to them; that noise is drawn by step and absolute frame, so that a region that
is composed again gets the noise that it had.

Guidance compares up to three branches: without words and curve, with words, with both. A branch of weight
zero is not computed. In terms of clean latents, what guidance adds to the branch that is told most is made
orthogonal to it (adaptive projection), which is how the base checkpoints are meant to be guided.

Items of a batch are solved one after the other on a CPU, where it costs no time, so that an item's bytes do
not depend on its neighbours; on a GPU together.

Conventions: b take, t latent frame, c channel; noise level 1 is noise, 0 is music; solver state in float32.
Sources: Ho and Salimans 2022; Sadat et al. 2024 (adaptive projection); Lin et al. 2023 (rescaling);
arXiv 2505.08175 (ping-pong).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from v2m.backbones.sound.guidance import curve_scale_at
from v2m.backbones.sound.head import Steering
from v2m.backbones.stable_audio_3.config import Objective
from v2m.backbones.stable_audio_3.transformer import Condition, DiffusionTransformer, Told
from v2m.errors import UnfinishedError
from v2m.stages import Cancel

FreshNoise = Callable[[int, slice], Tensor]
"""Noise (b, t, c) to add after a step, of some of the takes."""


@dataclass(frozen=True)
class Guidance:
    """How hard the words and the curve are followed."""

    text_scale: float = 1.0
    """1 is the plain model."""

    adherence: float = 0.5
    """To the curve: 0 not at all, 0.5 as the words."""

    projection: float = 1.0
    """Share of the part along the prediction that is taken out of what guidance adds."""

    rescale: float = 0.0
    """Share by which the guided velocity is brought to the spread of the unguided. The original's own flag
    for it does nothing, so that its published sound is that of 0."""

    @property
    def curve_scale(self) -> float:
        """Guidance of the curve, as `sound.guidance` counts it."""
        return curve_scale_at(self.adherence, self.text_scale)


@dataclass(frozen=True)
class Prompted:
    """What is told, branch by branch."""

    words: Tensor
    """(1, n, d)."""

    avoided: Tensor | None
    """(1, n, d) of a negative prompt; None where there is none, which is no words at all."""

    length: Tensor
    """(1, d)."""

    local: Tensor
    """(1 or b, 1 or t, c + 1) mask and masked latents."""

    event: Tensor | None
    """(1, t, d) what the curve adds; None without an adapter."""

    def takes(self, part: slice) -> Prompted:
        """What some of the takes are told."""
        return self if len(self.local) == 1 else replace(self, local=self.local[part])


class GuidedVelocity:
    """The velocity of some takes with guidance, its branches in one pass."""

    def __init__(
        self,
        model: DiffusionTransformer,
        prompted: Prompted,
        guidance: Guidance,
        takes: int,
        frame_count: int,
        levels: Tensor,
    ) -> None:
        self._model, self._guidance, self._takes = model, guidance, takes
        self._branches = _branches(guidance, has_curve=prompted.event is not None)
        self._told = self._told_rows(prompted, frame_count)
        self._noise_levels = levels
        self._levels = model.levels(levels.to(prompted.length.device), prompted.length)

    def _told_rows(self, prompted: Prompted, frame_count: int) -> Told:
        """Branches one after the other, those with words first: both, text, none."""
        n, names = self._takes, self._branches
        worded = n * sum(name != "none" for name in names)
        words = prompted.words
        if "none" in names and prompted.avoided is not None:
            words = torch.cat((words.expand(worded, -1, -1), prompted.avoided.expand(n, -1, -1)))
            worded += n
        local = prompted.local
        if len(local) > 1:
            local = local.repeat(len(names), 1, 1)
        event = None
        if prompted.event is not None and "both" in names:
            silent = torch.zeros_like(prompted.event)
            rows = [prompted.event if name == "both" else silent for name in names]
            event = torch.cat([row.expand(n, -1, -1) for row in rows])
        condition = Condition(words, worded, prompted.length, local, event)
        return self._model.told(condition, frame_count)

    def __call__(self, x: Tensor, step: int, cancel: Cancel) -> Tensor:
        """(b, t, c) at the step's noise level -> (b, t, c) float32."""
        rows = x.repeat(len(self._branches), 1, 1)
        parts: tuple[Tensor, ...] = self._model(
            rows, self._levels[step : step + 1], self._told, cancel
        ).split(self._takes)
        if len(parts) == 1:
            return parts[0]
        return _guided(
            x, dict(zip(self._branches, parts, strict=True)), self._noise_levels[step], self._guidance
        )


def _branches(guidance: Guidance, *, has_curve: bool) -> tuple[str, ...]:
    """Which predictions are needed, those with words first."""
    text, curve = guidance.text_scale, guidance.curve_scale
    if not has_curve or curve == 0:
        return ("text",) if text == 1 else ("text", "none")
    if text == curve:
        return ("both",) if text == 1 else ("both", "none")
    return ("both", "text") if text == 1 else ("both", "text", "none")


def _guided(x: Tensor, velocity: dict[str, Tensor], noise_level: Tensor, guidance: Guidance) -> Tensor:
    """The guided velocity; the same as `sound.guidance` says, rounded as the original rounds."""
    sigma = float(noise_level)
    clean = {name: x - sigma * part for name, part in velocity.items()}
    most = next(iter(clean))
    guided = clean[most]
    projection = guidance.projection if "none" in clean else 0.0  # post-trained models take the curve plainly
    for scale, towards, away in _pulls(guidance, tuple(clean)):
        difference = clean[towards] - clean[away]
        if projection:
            turned = _orthogonal(difference, clean[most])
            difference = projection * turned + (1 - projection) * difference if projection < 1 else turned
        guided = guided + (scale - 1) * difference
    result = (x - guided) / sigma
    if guidance.rescale:
        spread = velocity[most].std(-1, keepdim=True) / result.std(-1, keepdim=True)
        result = guidance.rescale * (result * spread) + (1 - guidance.rescale) * result
    return result


def _pulls(guidance: Guidance, branches: tuple[str, ...]) -> list[tuple[float, str, str]]:
    """Scales, with the branches between which each pulls."""
    if len(branches) == 2:
        scale = guidance.curve_scale if branches == ("both", "text") else guidance.text_scale
        return [(scale, branches[0], branches[1])]
    return [(guidance.text_scale, "text", "none"), (guidance.curve_scale, "both", "text")]


def _orthogonal(difference: Tensor, direction: Tensor) -> Tensor:
    """What of a difference, (b, t, c), is not along a direction of the same take."""
    unit = F.normalize(direction, dim=(-1, -2))  # type: ignore[arg-type]  # torch takes several axes here
    return difference - (difference * unit).sum(dim=(-1, -2), keepdim=True) * unit


_SOLVED_APART: Final = ("cpu",)
"""Devices on which takes are solved one after the other."""


def sample(
    model: DiffusionTransformer,
    objective: Objective,
    prompted: Prompted,
    noise: Tensor,
    levels: Tensor,
    guidance: Guidance,
    fresh_noise: FreshNoise,
    on_progress: Callable[[float], None],
    cancel: Cancel,
    steering: Steering | None = None,
) -> Tensor:
    """Compose latents.

    Args:
        model: in evaluation mode, in the number format to compute in.
        objective: of the checkpoint; decides the solver.
        prompted: what is told, on the model's device.
        noise: (b, t, c) float32 on the model's device.
        levels: (steps + 1,) from 1 to 0.
        guidance: how hard words and curve are followed.
        fresh_noise: like `noise`, for what ping-pong adds after each step but the last.
        on_progress: told the fraction done after every step.
        cancel: asked before every layer.
        steering: leads towards a curve without an adapter.

    Returns:
        (b, t, c) float32.

    Raises:
        CancelledError: `cancel` said so.
        UnfinishedError: the model gave numbers that are not finite.
    """
    takes = noise.shape[0]
    together = 1 if noise.device.type in _SOLVED_APART else takes
    ask: GuidedVelocity | None = None
    done: list[Tensor] = []
    for first in range(0, takes, together):
        part = slice(first, first + together)
        if ask is None or len(prompted.local) > 1:  # else all takes are told the same
            told = prompted.takes(part)
            ask = GuidedVelocity(model, told, guidance, together, noise.shape[1], levels[:-1])
        x = noise[part]
        for step, (here, there) in enumerate(pairwise(levels)):
            velocity = ask(x, step, cancel)
            if steering is not None:
                velocity = steering.velocity(x, velocity, float(here))
            if objective == "rectified_flow":
                x = x + float(there - here) * velocity
            else:
                x = _ping_pong(x - float(here) * velocity, there, fresh_noise, step, part)
            on_progress((first + together * (step + 1) / (len(levels) - 1)) / takes)
        done.append(x)
    return _finite(torch.cat(done))


def _ping_pong(clean: Tensor, there: Tensor, fresh_noise: FreshNoise, step: int, takes: slice) -> Tensor:
    """A guess of the clean latents, brought to the next noise level."""
    if there == 0:
        return clean
    return float(1 - there) * clean + float(there) * fresh_noise(step, takes)


def _finite(latents: Tensor) -> Tensor:
    if not bool(torch.isfinite(latents).all()):
        raise UnfinishedError(
            "The model gave numbers that are not finite.", hint="Check the weights, or lower the guidance."
        )
    return latents
