"""The diffusion transformer of Stable Audio Open 1.0 and small, in our own modules.

diffusers' class gives the same numbers for 1.0 (`benchmarks/parities/stable_audio_open.py`), but cannot be
small, which norms its queries, has no place for a ControlNet or an event curve, and makes the keys of the
text anew at each step.

Conventions: n branch (of the guidance), t latent frame, c channel, d width; latents are (n, t, c). A token
made of time and seconds is put before the latents. Time is 1 at noise and 0 at data. The embeddings of time
and seconds stay in float32: its Fourier features turn many times, which bfloat16 does not resolve.
Sources: Stability-AI/stable-audio-tools, `models/dit.py` and `models/transformer.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from v2m.backbones.stable_audio_open.attention import (
    CrossAttention,
    KeyValue,
    Rotary,
    SelfAttention,
    rotary,
    rotary_frequencies,
)
from v2m.backbones.stable_audio_open.config import TransformerShape

_TIME_FEATURES: Final = 256
_FEED_FORWARD: Final = 4
"""Times the width."""

_NORM_EPSILON: Final = 1e-5

Tick = Callable[[], None]
"""Called between layers; may raise to stop."""


def no_tick() -> None:
    """Go on."""


@dataclass(frozen=True)
class Encoded:
    """Conditions of all branches, encoded once for all steps."""

    text: tuple[KeyValue, ...]
    """Of each layer."""

    seconds: Tensor
    """(n, d) float32."""

    by: Rotary
    event: Tensor | None = None
    """(n, t, d), added to what the input projection gives: the event curve times its column."""


class FourierFeatures(nn.Module):
    """Cosines and sines of a time at learned frequencies."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(_TIME_FEATURES // 2, 1))

    def forward(self, time: Tensor) -> Tensor:
        """(n,) -> (n, features)."""
        angles = 2 * math.pi * time[:, None] @ self.weight.T
        return torch.cat([angles.cos(), angles.sin()], dim=-1)


class Norm(nn.Module):
    """Layer norm whose parameters have the official names."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Of the last axis."""
        return functional.layer_norm(x, x.shape[-1:], self.gamma, self.beta, _NORM_EPSILON)


class Gated(nn.Module):
    """SwiGLU: one half of a projection gates the other."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, d) -> (n, t, inner)."""
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * functional.silu(gate)


class FeedForward(nn.Module):
    """SwiGLU and back; the sequence holds two places that are empty, as in the checkpoint."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = _FEED_FORWARD * width
        self.ff = nn.Sequential(Gated(width, inner), nn.Identity(), nn.Linear(inner, width), nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, d) -> (n, t, d)."""
        return self.ff(x)  # type: ignore[no-any-return]


class Layer(nn.Module):
    """Self-attention, cross-attention, feed-forward, each after a norm and added to its input."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        width, heads = shape.width, shape.heads
        self.pre_norm = Norm(width)
        self.self_attn = SelfAttention(width, heads, shape.norms_queries)
        self.cross_attend_norm = Norm(width)
        self.cross_attn = CrossAttention(width, heads, shape.context_width, shape.norms_queries)
        self.ff_norm = Norm(width)
        self.ff = FeedForward(width)

    def forward(self, x: Tensor, text: KeyValue, by: Rotary) -> Tensor:
        """(n, t, d) -> (n, t, d)."""
        x = x + self.self_attn(self.pre_norm(x), by)
        x = x + self.cross_attn(self.cross_attend_norm(x), text)
        return x + self.ff(self.ff_norm(x))  # type: ignore[no-any-return]


class RotaryFrequencies(nn.Module):
    """A buffer of the checkpoint."""

    inv_freq: Tensor

    def __init__(self, head_width: int) -> None:
        super().__init__()
        self.register_buffer("inv_freq", rotary_frequencies(head_width))


class Layers(nn.Module):
    """The layers with the projections around them."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.project_in = nn.Linear(shape.channels, shape.width, bias=False)
        self.project_out = nn.Linear(shape.width, shape.channels, bias=False)
        self.rotary_pos_emb = RotaryFrequencies(shape.width // shape.heads)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.depth))


class Trunk(nn.Module):
    """What the transformer and its ControlNet have in common: all but what becomes of the layers' outputs."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.timestep_features = FourierFeatures()
        self.to_timestep_embed = _two_layers(_TIME_FEATURES, width, bias=True)
        self.to_cond_embed = _two_layers(shape.token_width, shape.context_width)
        self.to_global_embed = _two_layers(shape.global_width, width)
        self.transformer = Layers(shape)
        self.preprocess_conv = nn.Conv1d(shape.channels, shape.channels, 1, bias=False)

    @property
    def dtype(self) -> torch.dtype:
        """Of the layers."""
        return self.transformer.project_in.weight.dtype

    def cast(self, dtype: torch.dtype) -> None:
        """Compute the layers in a number format; the embeddings of time and seconds stay as they are."""
        for module in self.children():
            if module not in (self.timestep_features, self.to_timestep_embed, self.to_global_embed):
                module.to(dtype)

    def encode(self, tokens: Tensor, seconds: Tensor, frames: int) -> Encoded:
        """Conditions of the branches.

        Args:
            tokens: (n, m, token width) float32; all zeros is no text.
            seconds: (n, global width) float32.
            frames: of the latents.
        """
        context = self.to_cond_embed(tokens.to(self.dtype))
        text = tuple(layer.cross_attn.key_value(context) for layer in self._layers)
        by = rotary(self.transformer.rotary_pos_emb.inv_freq, 1 + frames)
        return Encoded(text, self.to_global_embed(seconds), by)

    @property
    def _layers(self) -> Sequence[Layer]:
        return self.transformer.layers  # type: ignore[return-value]

    def _entered(self, x: Tensor, time: Tensor, encoded: Encoded, control: Tensor | None = None) -> Tensor:
        """(n, 1 + t, d) before the first layer."""
        head = encoded.seconds + self.to_timestep_embed(self.timestep_features(time.float()))
        x = x.to(self.dtype)
        x = pointwise(self.preprocess_conv, x) + x
        if control is not None:
            x = x + control
        x = self.transformer.project_in(x)
        if encoded.event is not None:
            x = x + encoded.event.to(x.dtype)
        return torch.cat([head[:, None].to(x.dtype), x], dim=1)


class DiffusionTransformer(Trunk):
    """Latents with noise to what the model's objective says."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__(shape)
        self.postprocess_conv = nn.Conv1d(shape.channels, shape.channels, 1, bias=False)

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        encoded: Encoded,
        control: Sequence[Tensor] = (),
        tick: Tick = no_tick,
    ) -> Tensor:
        """(n, t, c) -> (n, t, c) float32.

        Args:
            x: latents with noise.
            time: (n,), 1 at noise and 0 at data.
            encoded: from `encode`.
            control: of a ControlNet, (n, 1 + t, d) each, added before the first layer, the second …
            tick: called before each layer.
        """
        h = self._entered(x, time, encoded)
        for index, layer in enumerate(self._layers):
            tick()
            if index < len(control):
                h = h + control[index]
            h = layer(h, encoded.text[index], encoded.by)
        out: Tensor = self.transformer.project_out(h)[:, 1:]
        out = pointwise(self.postprocess_conv, out) + out
        return out.float()


def pointwise(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """A convolution over one frame, of latents with channels last."""
    out: Tensor = conv(x.transpose(1, 2))
    return out.transpose(1, 2)


def _two_layers(width_in: int, width: int, *, bias: bool = False) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width_in, width, bias=bias), nn.SiLU(), nn.Linear(width, width, bias=bias))
