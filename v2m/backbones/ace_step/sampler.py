"""From noise to latents: Euler along the flow, with guidance, and repainting between what is kept.

Kept frames are put back on their own path, noised as the rest is, after every step, so that what is made
anew is made beside the true neighbours until the end; at the end they are what they were, bit for bit.
Takes are solved one after the other: a take's bytes then do not depend on its neighbours.

Conventions: b batch (1), t latent frame, c channel; time 1 noise, 0 data; solver state in float32.
Sources: ACE-Step 1.5 (schedule, repainting); Brooks et al. 2023 (two conditions).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor

from v2m.backbones.ace_step.guidance import ProjectedGuidance
from v2m.backbones.ace_step.transformer import Velocity
from v2m.backbones.sound.guidance import guided
from v2m.backbones.sound.head import Steering
from v2m.errors import InputError, UnfinishedError

TIME_SHIFT: Final = 3.0
"""Of every ACE-Step 1.5: half of the steps lie above t = 0.75."""


@dataclass(frozen=True)
class Painting:
    """One take's work."""

    noise: Tensor
    """(1, t, c) float32."""

    silence: Tensor
    """(1, t, c): what the model is shown where it is to compose."""

    curve: Tensor | None
    """(1, t), None without an adapter."""

    kept: Tensor | None = None
    """(t,) bool, frames that stay."""

    source: Tensor | None = None
    """(1, t, c), looked at only where `kept`."""

    @property
    def context(self) -> Tensor:
        """(1, t, 2 c): what is shown, and 1 where it is to be made anew; 0 and 1 are what the model knows."""
        anew = torch.ones_like(self.silence)
        if self.kept is None or self.source is None:
            return torch.cat([self.silence, anew], dim=-1)
        kept = self.kept[None, :, None]
        shown = torch.where(kept, self.source.to(self.silence), self.silence)
        return torch.cat([shown, anew.masked_fill(kept, 0)], dim=-1)

    def put_back(self, x: Tensor, time: float) -> Tensor:
        """The latents (1, t, c) with the kept frames on their path to what they were."""
        if self.kept is None or self.source is None:
            return x
        path = self.source if time == 0 else time * self.noise + (1 - time) * self.source
        return torch.where(self.kept[None, :, None], path.to(x.dtype), x)


@dataclass(frozen=True)
class Solving:
    """How to solve."""

    steps: int
    text_scale: float
    """1 is the plain model, as turbo is meant to be asked."""

    curve_scale: float
    kept_share: float = 1.0
    """Share of the steps, from the first, after which kept frames are put back; the official code has 0.5,
    which lets what is new drift from its neighbours before they are put back for good."""

    def __post_init__(self) -> None:
        """Refuse what cannot be solved with.

        Raises:
            InputError: a number out of range.
        """
        if not 1 <= self.steps <= 1000:
            raise InputError(f"{self.steps} steps were asked for, expected 1 to 1000.")
        if not (0 <= self.text_scale <= 50 and 0 <= self.curve_scale <= 100):
            raise InputError(
                f"The guidance scales are {self.text_scale} and {self.curve_scale}, expected 0 to 50 and 100."
            )


def schedule(steps: int) -> list[float]:
    """The times from 1 to 0; with 8 steps those that turbo was distilled for."""
    even = torch.linspace(1.0, 0.0, steps + 1)
    shifted: list[float] = (TIME_SHIFT * even / (1 + (TIME_SHIFT - 1) * even)).tolist()
    return shifted


def solve(
    ask: Velocity,
    words: Tensor,
    nothing: Tensor,
    painting: Painting,
    solving: Solving,
    report: Callable[[int], None] = lambda step: None,
    steering: Steering | None = None,
) -> Tensor:
    """Compose one take.

    Args:
        ask: the model.
        words: (1, n, e) condition.
        nothing: (1, n, e) condition of nothing, or of what is not wanted.
        painting: what is there and what is not.
        solving: how.
        report: told the steps that are done; may raise to stop.
        steering: leads towards a curve without an adapter; its noise and velocity run as this model's.

    Returns:
        (1, t, c) float32; where `kept` the source, the same numbers.

    Raises:
        UnfinishedError: the model gave numbers that are not finite.
    """
    with torch.inference_mode():
        velocity = _Guided(ask, words, nothing, painting, solving)
        x = painting.noise
        put_back_until = round(solving.kept_share * solving.steps)
        for step, (start, end) in enumerate(pairwise(schedule(solving.steps))):
            report(step)
            found = velocity(x, start)
            if steering is not None:
                found = steering.velocity(x, found, start)
            x = x - (start - end) * found
            if step < put_back_until:
                x = painting.put_back(x, end)
        if not bool(torch.isfinite(x).all()):
            raise UnfinishedError(
                "The model gave numbers that are not finite.",
                hint="Check its weights with `v2m models verify`, or lower the guidance.",
            )
        report(solving.steps)
        return painting.put_back(x, 0.0)


class _Guided:
    """The guided velocity, its branches in one pass and their words encoded once."""

    def __init__(
        self, ask: Velocity, words: Tensor, nothing: Tensor, painting: Painting, solving: Solving
    ) -> None:
        self._ask, self._text_scale = ask, solving.text_scale
        self._curve_scale = solving.curve_scale if painting.curve is not None else 0.0
        weights = {
            "nothing": 1 - self._text_scale,
            "text": self._text_scale - self._curve_scale,
            "both": self._curve_scale,
        }
        self._names = [name for name, weight in weights.items() if weight]  # the others need no pass
        ask.begin([nothing if name == "nothing" else words for name in self._names])
        self._context = painting.context.expand(len(self._names), -1, -1)
        self._curve = None
        if painting.curve is not None:
            on = torch.tensor([float(name == "both") for name in self._names], device=painting.curve.device)
            self._curve = on[:, None] * painting.curve
        self._project = ProjectedGuidance(self._text_scale, self._curve_scale or self._text_scale)

    def __call__(self, x: Tensor, time: float) -> Tensor:
        """(1, t, c) -> (1, t, c)."""
        found = self._ask(x.expand(len(self._names), -1, -1), time, self._context, self._curve)
        branch = {name: found[i : i + 1] for i, name in enumerate(self._names)}
        any_words = found[-1:]  # in place of a branch whose weight is 0
        text, both = branch.get("text", any_words), branch.get("both", any_words)
        nothing = branch.get("nothing", text)
        if self._text_scale > 1:
            return self._project(nothing, text, both)
        return guided(nothing, text, both, text_scale=self._text_scale, curve_scale=self._curve_scale)
