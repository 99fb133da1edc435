"""The diffusion transformer: the velocity of noisy latents at a noise level, under words, length and masks.

Everything that is the same at every step is made once (`told`): keys and values of the words, what each
layer adds for known and unknown frames, the angles of the positions; the noise levels of all steps are
embedded together (`levels`). Rows without words skip the attention to them: keys and values of no words are
zeros, so that it would add exactly nothing.

What the layers add for the mask is added always: with nothing known it is a vector that training relied on,
and leaving it out makes other music.

Conventions: b row (take times branch of guidance), t latent frame, c channel, d width, n token: the memory
tokens, then the frames. Parameter names are those of the original files under `model.model.`. Noise level 1
is noise, 0 is music.
Sources: Peebles and Xie 2022 (adaptive norms); Burtsev et al. 2020 (memory tokens); V2M-Zero, section 3.3
(the event curve as one more channel of the input).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import torch
from torch import Tensor, nn

from v2m.backbones.stable_audio_3.attention import CrossAttention, SelfAttention, TextKV
from v2m.backbones.stable_audio_3.config import TransformerConfig
from v2m.backbones.stable_audio_3.embeddings import fourier_features
from v2m.backbones.stable_audio_3.feed_forward import FeedForward
from v2m.backbones.stable_audio_3.norms import token_norm
from v2m.backbones.stable_audio_3.rotary import Turn, rotated_of_transformer
from v2m.stages import Cancel, never_cancel

_LOG_SNR_SPAN: Final = (-12.0, 5.0)
"""Of the log signal-to-noise ratios that a noise level is told as, where the model wants it that way."""

_MANY: Final = 4
"""Rows from which a CPU's matrix product adds up in the same order for any number of them. What is computed
once here is computed for every frame by the original; so both are the same to the last bit."""

_NOT_QUITE: Final = 1e-7  # keeps the logarithm of a noise level of 0 or 1 finite


@dataclass(frozen=True)
class Condition:
    """What the rows are told, besides the noise level."""

    words: Tensor | None
    """(1 or w, n, text width) of the first `worded` rows; None where no row has any."""

    worded: int
    """Rows that have words, first in the batch."""

    length: Tensor
    """(1, global width) the embedding of the length."""

    local: Tensor
    """(1 or b, 1 or t, c + 1) mask and masked latents; zeros where nothing is known."""

    event: Tensor | None = None
    """(1 or b, t, d) what the event curve adds to the projected input."""


@dataclass(frozen=True)
class LayerTold:
    """What one layer is told at every step."""

    text: TextKV | None
    worded: int
    """Rows to which the text belongs, first in the batch."""

    local: Tensor
    """(1 or b, 1 or t, d) added to the frames."""

    frames: int
    """Last among the tokens."""


@dataclass(frozen=True)
class Told:
    """A `Condition` as the layers want it."""

    turn: Turn
    layers: tuple[LayerTold, ...]
    event: Tensor | None


class Layer(nn.Module):
    """Attention to all frames, to the words, what the mask adds, and the feed-forward."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width = config.width
        self.pre_norm = token_norm(config.norm, width, config.norm_eps)
        self.self_attn = SelfAttention(width, config.head_width, config.attention)
        self.cross_attend_norm = token_norm(config.norm, width, config.norm_eps)
        self.cross_attn = CrossAttention(width, config.head_width, config.context_width, config.attention)
        self.ff_norm = token_norm(config.norm, width, config.norm_eps)
        self.ff = FeedForward(width, config.feed_forward_ratio, bias=config.feed_forward_bias)
        self.to_scale_shift_gate = nn.Parameter(torch.zeros(6 * width))
        self.to_local_embed = nn.Sequential(
            nn.Linear(config.local_width, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, x: Tensor, level: Tensor, turn: Turn, told: LayerTold) -> Tensor:
        """One layer, (b, n, d) -> (b, n, d).

        Args:
            x: all tokens.
            level: (1 or b, 6 d) the noise level, for scale, shift and gate of both branches.
            turn: positions.
            told: what this layer is told at every step.
        """
        shaped = (self.to_scale_shift_gate + level).unsqueeze(1)  # (1 or b, 1, 6 d)
        scale, shift, gate, ff_scale, ff_shift, ff_gate = shaped.chunk(6, dim=-1)
        y = self.pre_norm(x) * (1 + scale) + shift
        x = x + self.self_attn(y, turn) * torch.sigmoid(1 - gate)
        if told.text is not None:
            x[: told.worded] += self.cross_attn(self.cross_attend_norm(x[: told.worded]), told.text)
        x[:, -told.frames :] += told.local
        y = self.ff_norm(x) * (1 + ff_scale) + ff_shift
        out: Tensor = x + self.ff(y) * torch.sigmoid(1 - ff_gate)
        return out


class LayerStack(nn.Module):
    """Latents in, layers, latents out; the part that the original calls `transformer`."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width = config.width
        self.project_in = nn.Linear(config.channels, width, bias=False)
        self.project_out = nn.Linear(width, config.channels, bias=False)
        self.global_cond_embedder = _two_layers(width, width, 6 * width, bias=True)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.memory = config.memory_tokens
        if self.memory:
            self.memory_tokens = nn.Parameter(torch.zeros(self.memory, width))

    def forward(self, latents: Tensor, level: Tensor, told: Told, cancel: Cancel) -> Tensor:
        """(b, t, c) -> (b, t, c)."""
        x = self.project_in(latents)
        if told.event is not None:
            x = x + told.event
        if self.memory:
            x = torch.cat((self.memory_tokens.expand(x.shape[0], -1, -1), x), dim=1)
        for layer, own in zip(self.layers, told.layers, strict=True):
            cancel()  # between layers: a step of a large model takes seconds on a CPU
            x = layer(x, level, told.turn, own)
        out: Tensor = self.project_out(x[:, self.memory :])
        return out


class DiffusionTransformer(nn.Module):
    """The whole model of the velocity."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.to_timestep_embed = _two_layers(config.time_features, width, width, bias=True)
        self.to_cond_embed = _two_layers(
            config.text_width, config.context_width, config.context_width, bias=False
        )
        global_width = width if config.project_global else config.global_width
        self.to_global_embed = _two_layers(config.global_width, global_width, global_width, bias=False)
        self.transformer = LayerStack(config)
        self.preprocess_conv = nn.Conv1d(config.channels, config.channels, 1, bias=False)
        self.postprocess_conv = nn.Conv1d(config.channels, config.channels, 1, bias=False)

    @property
    def number_format(self) -> torch.dtype:
        """In which the layers compute."""
        return self.preprocess_conv.weight.dtype

    def told(self, condition: Condition, frame_count: int) -> Told:
        """What stays the same at every step, for windows of `frame_count` frames."""
        kind = self.number_format
        words, often = None, None
        if condition.words is not None:
            once, often = without_repeats(condition.words)
            words = self.to_cond_embed(once.to(kind))
        local = condition.local.to(kind)

        def told(layer: Layer) -> LayerTold:
            text = None if words is None else layer.cross_attn.keys_values(words, often)
            added = _like_many(layer.to_local_embed, local)
            return LayerTold(text, condition.worded, added, frame_count)

        count = self.config.memory_tokens + frame_count
        turn = Turn.at(count, rotated_of_transformer(self.config.head_width), local.device)
        event = None if condition.event is None else condition.event.to(kind)
        return Told(turn, tuple(told(cast(Layer, layer)) for layer in self.transformer.layers), event)

    def levels(self, noise_levels: Tensor, length: Tensor) -> Tensor:
        """The noise levels of all steps, as `forward` wants them one by one.

        Args:
            noise_levels: (steps,) float32. They stay float32 up to their features, whose fastest turns
                thousands of times between 0 and 1.
            length: (1, global width).

        Returns:
            (steps, 6 d).
        """
        told = log_snr_told(noise_levels) if self.config.time_in_log_snr else noise_levels
        features = fourier_features(told, self.config.time_features).to(self.number_format)
        told_length = _like_many(self.to_global_embed, length.to(self.number_format))
        both = told_length + _like_many(self.to_timestep_embed, features)
        return _like_many(self.transformer.global_cond_embedder, both)

    def forward(self, latents: Tensor, level: Tensor, told: Told, cancel: Cancel = never_cancel) -> Tensor:
        """The velocity, from noise-free to noise.

        Args:
            latents: (b, t, c) float32.
            level: (1 or b, 6 d) out of `levels`.
            told: out of `told`.
            cancel: asked before every layer.

        Returns:
            (b, t, c) float32.
        """
        x = latents.to(self.number_format)
        x = _mixed(x, self.preprocess_conv)
        return _mixed(self.transformer(x, level, told, cancel), self.postprocess_conv).float()


def without_repeats(words: Tensor) -> tuple[Tensor, Tensor | None]:
    """Tokens without those that are as the one before, and how often each stood there.

    A short prompt is filled up with one learned token, some two hundred times. Attention gives as much to
    two equal tokens as to one that counts twice; so a CPU, where every key costs its time, has a fifth of
    them. On a GPU they cost next to nothing, and its fastest kernel knows no such weights.

    Args:
        words: (w, n, d).

    Returns:
        (w, m, d), and (m,) numbers; None where all stay.
    """
    if words.device.type != "cpu":
        return words, None
    is_new = (words[:, 1:] != words[:, :-1]).any(-1).any(0)  # (n - 1,) in any row
    starts = torch.cat((torch.zeros(1, dtype=torch.long), is_new.nonzero().flatten() + 1))
    if len(starts) == words.shape[1]:
        return words, None
    ends = torch.cat((starts[1:], torch.tensor([words.shape[1]])))
    return words[:, starts], ends - starts


def log_snr_told(noise_levels: Tensor) -> Tensor:
    """Noise levels by their log signal-to-noise ratio, its span brought to 0 … 1."""
    low, high = _LOG_SNR_SPAN
    levels = noise_levels.float().clamp(_NOT_QUITE, 1 - _NOT_QUITE)
    return (high - torch.log((1 - levels) / levels).clamp(low, high)) / (high - low)


def _mixed(x: Tensor, convolution: nn.Conv1d) -> Tensor:
    """X plus a mix of its channels: a convolution over one frame, (b, t, c)."""
    mix: Tensor = convolution(x.mT).mT
    return mix + x


def _like_many(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """A function of each row, (…, n, d), which rounds as it would among many rows; see `_MANY`."""
    count = rows.shape[-2]
    if count < _MANY:
        rows = torch.cat((rows, rows[..., :1, :].expand(*rows.shape[:-2], _MANY - count, -1)), dim=-2)
    return function(rows)[..., :count, :]


def _two_layers(before: int, between: int, after: int, *, bias: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(before, between, bias=bias), nn.SiLU(), nn.Linear(between, after, bias=bias)
    )
