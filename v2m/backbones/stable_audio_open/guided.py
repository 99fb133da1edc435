"""One take's model with guidance: which branches a step needs, and what is made of them.

Without words the tokens are zeros, those of the seconds too, while the global condition stays as it is: that
is what dropping the condition meant in the training. A negative prompt takes the place of the zeros, with
the seconds. The event curve adds a branch only where its guidance differs from that of the words.

Conventions: n branch, t latent frame, c channel.
Sources: Stability-AI/stable-audio-tools, `models/dit.py` (forward); Ho and Salimans 2022.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from v2m.backbones.sound.guidance import guided
from v2m.backbones.stable_audio_open.controlnet import ControlNet
from v2m.backbones.stable_audio_open.transformer import DiffusionTransformer, Encoded, Tick


@dataclass(frozen=True)
class Guidance:
    """How closely words and curve are followed."""

    text_scale: float
    curve_scale: float = 0.0
    """0 where there is no event curve."""


@dataclass(frozen=True)
class Control:
    """A ControlNet and what it is told."""

    net: ControlNet
    latents: Tensor
    """(1, t, c) of the control."""

    scale: float


@dataclass(frozen=True)
class Conditions:
    """Of one window, for all its takes."""

    words: Tensor
    """(1, m, token width) text and seconds."""

    others: Tensor
    """(1, m, token width) zeros, or the negative prompt and seconds."""

    seconds: Tensor
    """(1, global width)."""

    event: Tensor | None = None
    """(1, t, d) the curve times its column."""


class GuidedVelocity:
    """What the transformer predicts of a take's latents, its branches in one pass."""

    def __init__(
        self,
        model: DiffusionTransformer,
        conditions: Conditions,
        guidance: Guidance,
        frames: int,
        tick: Tick,
        control: Control | None = None,
    ) -> None:
        self._model, self._guidance, self._control, self._tick = model, guidance, control, tick
        self._names = _needed(guidance, has_curve=conditions.event is not None)
        told = {"u": conditions.others, "t": conditions.words, "b": conditions.words}
        tokens = torch.cat([told[name] for name in self._names])
        self._encoded = self._told(model, tokens, conditions, frames)
        if conditions.event is not None:
            shares = torch.tensor([float(name == "b") for name in self._names], device=tokens.device)
            event = shares[:, None, None] * conditions.event
            self._encoded = replace(self._encoded, event=event)
        if control is not None:
            self._control_encoded = self._told(control.net, tokens, conditions, frames)

    @staticmethod
    def _told(
        model: DiffusionTransformer | ControlNet, tokens: Tensor, conditions: Conditions, frames: int
    ) -> Encoded:
        return model.encode(tokens, conditions.seconds.expand(len(tokens), -1), frames)

    def __call__(self, x: Tensor, time: Tensor) -> Tensor:
        """(1, t, c) latents and a time (0-d) to (1, t, c)."""
        n = len(self._names)
        x, times = x.expand(n, -1, -1), time.to(x.device).expand(n)
        added: list[Tensor] = []
        if self._control is not None:
            net, latents, scale = self._control.net, self._control.latents, self._control.scale
            added = net(x, times, self._control_encoded, latents, scale, self._tick)
        out = self._model(x, times, self._encoded, added, self._tick)
        seen = {name: out[i : i + 1] for i, name in enumerate(self._names)}
        # where the curve is guided as the words are, b stands for t: u + s (b - u)
        text = seen["t"] if "t" in seen else seen["b"]
        return guided(
            seen.get("u", text),
            text,
            seen.get("b", text),
            text_scale=self._guidance.text_scale,
            curve_scale=self._guidance.curve_scale,
        )


def _needed(guidance: Guidance, has_curve: bool) -> list[str]:
    """The branches whose weight is not zero: u without words and curve, t with words, b with both."""
    curve_scale = guidance.curve_scale if has_curve else 0.0
    names = [] if guidance.text_scale == 1 else ["u"]
    if curve_scale == 0:
        return [*names, "t"]
    return [*names, "b"] if curve_scale == guidance.text_scale else [*names, "t", "b"]
