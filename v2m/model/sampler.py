"""Sampling: the ODE of the rectified flow from noise to music, with guidance by words and by curve apart.

    v = v(0, 0) + s_text (v(text, 0) - v(0, 0)) + s_curve (v(text, curve) - v(text, 0))

which is classifier-free guidance composed as in InstructPix2Pix, eq. 3, with the words first. Written as a
weighted sum of the three, a branch of weight zero is not computed: both scales at 1 need one pass a step,
equal scales two. Known cells are put back on their straight path at every step and are exact at the end.
Items of a batch are solved one after the other: an item's bytes then do not depend on its neighbours, and
a CPU is no slower for it; only the branches of one item share a pass.
Conventions: b batch, t latent frame, c channel; time 0 noise, 1 data; solver state in float32.
Sources: Ho and Salimans 2022; Brooks et al. 2023 (eq. 3); Lugmayr et al. 2022 (known cells on the path).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import torch
from torch import Tensor

from v2m.errors import CancelledError, InputError, UnfinishedError
from v2m.model.conditioning import Conditioning, join
from v2m.model.dit import DiT
from v2m.model.flow import interpolate, time_grid

Solver = Literal["euler", "heun", "midpoint"]
Progress = Callable[[float], None]
"""Told the fraction done, 0..1, after every step."""

Lead = Callable[[Tensor, Tensor, float], Tensor]
"""From latents (1, t, c) of one item, their velocity and the time, to the velocity that is taken."""

EVALUATIONS: Final[dict[Solver, int]] = {"euler": 1, "heun": 2, "midpoint": 2}
"""Velocities that a step of each solver needs."""


@dataclass(frozen=True)
class SamplerSettings:
    """How to solve."""

    steps: int = 16
    """Steps of the solver; the last of `heun` is one of Euler, since the path ends there."""

    solver: Solver = "euler"
    text_scale: float = 3.0
    """Guidance by the words: 0 ignores them, 1 is the plain model, above 1 follows them more closely."""

    curve_scale: float = 1.0
    """Guidance by the event curve (adherence), on the same scale."""

    time_shift: float = 1.0
    """Above 1: more of the steps near the noise, where the form is decided; see `flow.time_grid`."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot be solved with.

        Raises:
            InputError: a number out of range or an unknown solver.
        """
        if self.solver not in EVALUATIONS:
            raise InputError(f"The solver is {self.solver!r}, expected one of {', '.join(EVALUATIONS)}.")
        if not 1 <= self.steps <= 1000:
            raise InputError(f"The sampler has {self.steps} steps, expected 1 to 1000.")
        if not (0 <= self.text_scale <= 50 and 0 <= self.curve_scale <= 50):
            raise InputError(
                f"The guidance scales are {self.text_scale} and {self.curve_scale}, expected 0 to 50."
            )
        if not 0.01 <= self.time_shift <= 100:
            raise InputError(f"The time shift is {self.time_shift}, expected 0.01 to 100.")


def sample(
    model: DiT,
    conditioning: Conditioning,
    noise: Tensor,
    settings: SamplerSettings,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    unwanted: Conditioning | None = None,
    lead: Lead | None = None,
) -> Tensor:
    """Compose: solve from noise to data.

    Args:
        model: in evaluation mode, in the number format to compute in.
        conditioning: on the model's device.
        noise: (b, t, c) float32 on the model's device, from `noise.latent_noise`.
        settings: how to solve.
        progress: told the fraction done after every step.
        cancelled: asked before every step.
        unwanted: what to lead away from, in place of the null text; without a curve, else as `conditioning`.
        lead: asked at every evaluation what becomes of the velocity.

    Returns:
        (b, t, c) float32; known cells equal `conditioning.masked_latent` exactly.

    Raises:
        CancelledError: `cancelled` said so.
        UnfinishedError: the model gave numbers that are not finite.
    """
    if noise.shape != conditioning.masked_latent.shape:
        raise InputError(
            f"The noise has shape {tuple(noise.shape)}, "
            f"the conditioning {tuple(conditioning.masked_latent.shape)}."
        )
    count = noise.shape[0]

    def report(item: int, step: int) -> None:
        if cancelled is not None and cancelled():
            raise CancelledError("The composing was cancelled.")
        if progress is not None and (item or step):
            progress((item + step / settings.steps) / count)

    items = []
    with torch.inference_mode():
        for i in range(count):
            away_from = None if unwanted is None else unwanted.rows(i, i + 1)
            ask = GuidedVelocity(model, conditioning.rows(i, i + 1), settings, away_from, lead)
            items.append(_solve(ask, noise[i : i + 1], settings, lambda step, i=i: report(i, step)))  # type: ignore[misc]
    return torch.cat(items)


class GuidedVelocity:
    """The velocity of one item with guidance, its branches in one pass and the words encoded once."""

    def __init__(
        self,
        model: DiT,
        conditioning: Conditioning,
        settings: SamplerSettings,
        unwanted: Conditioning | None = None,
        lead: Lead | None = None,
    ) -> None:
        self.conditioning = conditioning
        self.known = model.cell_mask(conditioning.mask)
        self._model, self._lead = model, lead
        weighted = _branches(conditioning, settings, unwanted)
        self._weights = [weight for weight, _ in weighted]
        self._batch = join([branch for _, branch in weighted])
        self._told = model.told(self._batch)
        # Of words as embeddings, which are many; of terms, which are few, it would only change the rounding.
        is_wordless = weighted[0][1].text is not None and not weighted[0][1].has_text
        self._wordless_rows = int(is_wordless and len(weighted) > 1)

    def __call__(self, x: Tensor, time: float) -> Tensor:
        """(1, t, c) -> (1, t, c)."""
        n = len(self._weights)
        times = torch.full((n,), time, device=x.device)
        branches = self._model(x.expand(n, -1, -1), times, self._batch, self._told, self._wordless_rows)
        weighted = [weight * branches[i : i + 1] for i, weight in enumerate(self._weights)]
        velocity = torch.stack(weighted).sum(0)
        return velocity if self._lead is None else self._lead(x, velocity, time)


def _branches(
    conditioning: Conditioning, settings: SamplerSettings, unwanted: Conditioning | None
) -> list[tuple[float, Conditioning]]:
    text = settings.text_scale if conditioning.has_text else 0.0
    curve = settings.curve_scale if conditioning.has_curve else 0.0
    if not conditioning.has_text:
        # Without words v(0, 0) and v(text, 0) are the same branch.
        weights = (1.0 - curve, 0.0, curve)
    elif not conditioning.has_curve:
        weights = (1.0 - text, text, 0.0)
    else:
        weights = (1.0 - text, text - curve, curve)
    null_curve = conditioning.without_curve()
    branches = (unwanted or null_curve.without_text(), null_curve, conditioning)
    return [(weight, branch) for weight, branch in zip(weights, branches, strict=True) if weight != 0]


def _solve(
    ask: GuidedVelocity, noise: Tensor, settings: SamplerSettings, report: Callable[[int], None]
) -> Tensor:
    times = time_grid(settings.steps, settings.time_shift).tolist()
    x = noise
    for step, (start, end) in enumerate(pairwise(times)):
        report(step)
        x = _on_path(_step(ask, x, start, end, settings.solver), ask, noise, end)
    if not bool(torch.isfinite(x).all()):
        raise UnfinishedError(
            "The model gave numbers that are not finite.", hint="Check the checkpoint, or lower the guidance."
        )
    report(settings.steps)
    return x


def _step(ask: GuidedVelocity, x: Tensor, start: float, end: float, solver: Solver) -> Tensor:
    first = ask(x, start)
    if solver == "midpoint":
        return x + (end - start) * ask(x + (end - start) / 2 * first, (start + end) / 2)
    ahead = x + (end - start) * first
    if solver == "heun" and end < 1:
        return x + (end - start) / 2 * (first + ask(ahead, end))
    return ahead


def _on_path(x: Tensor, ask: GuidedVelocity, noise: Tensor, time: float) -> Tensor:
    """Known cells at their place on the straight path to what is known, the others as they are."""
    path = interpolate(noise, ask.conditioning.masked_latent, torch.tensor(time, device=x.device))
    path = ask.conditioning.masked_latent if time == 1 else path
    return torch.where(ask.known > 0, path.to(x.dtype), x)
