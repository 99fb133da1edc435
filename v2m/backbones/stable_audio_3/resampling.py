"""The transformer that makes patches of sound into latents, or latents into patches.

To read, each latent's patches get a new token behind them, which gathers what they hold; to write, each
latent gets as many new tokens behind it as it has patches. In between go layers of attention, which see
either a window of latents to both sides (SAME-L), or chunks, the later half of the layers with chunks moved
by half a chunk, so that what one half cannot see across the other can (SAME-S). At both ends the moved
chunks see the first and last tokens twice.

Conventions: b batch, t latent frame, p patch (stride a latent), n token (stride + 1 a latent), d width.
Parameter names are those of the original files, the convolution's weight norm already multiplied out.
Sources: arXiv 2605.18613.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from v2m.backbones.stable_audio_3.attention import SelfAttention, Window
from v2m.backbones.stable_audio_3.config import ResamplerConfig
from v2m.backbones.stable_audio_3.feed_forward import FeedForward
from v2m.backbones.stable_audio_3.norms import token_norm
from v2m.backbones.stable_audio_3.rotary import Turn, rotated_of_resampler

_NORM_EPS = 1e-3  # the original's, where the norm is no saturation


class LayerScale(nn.Module):
    """A gain for each channel of a branch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) -> the same shape."""
        return x * self.scale


class ResamplerLayer(nn.Module):
    """Attention and feed-forward."""

    def __init__(self, config: ResamplerConfig, *, sine: bool) -> None:
        super().__init__()
        width, head_width = config.width, min(config.head_width, config.width)
        self.pre_norm = token_norm(config.norm, width, _NORM_EPS)
        self.self_attn = SelfAttention(width, head_width, config.attention)
        self.self_attn_scale = LayerScale(width) if config.layer_scale else nn.Identity()
        self.ff_norm = token_norm(config.norm, width, _NORM_EPS)
        self.ff = FeedForward(width, config.feed_forward_ratio, sine=sine)
        self.ff_scale = LayerScale(width) if config.layer_scale else nn.Identity()

    def forward(self, x: Tensor, turn: Turn, window: Window | None) -> Tensor:
        """(b, n, d) -> (b, n, d)."""
        x = x + self.self_attn_scale(self.self_attn(self.pre_norm(x), turn, window))
        out: Tensor = x + self.ff_scale(self.ff(self.ff_norm(x)))
        return out


class Resampler(nn.Module):
    """Patches to tokens of latents, or back."""

    def __init__(self, config: ResamplerConfig, direction: Literal["read", "write"]) -> None:
        super().__init__()
        self._config = config
        self._reads = direction == "read"
        new = 1 if self._reads or config.shared_token else config.stride
        self.new_tokens = nn.Parameter(torch.zeros(1, new, config.width))
        ends = (config.patch_channels, config.width) if self._reads else (config.width, config.patch_channels)
        self.mapping: nn.Module = nn.Identity()
        if ends[0] != ends[1]:
            kernel = 3 if config.wide_mapping else 1
            self.mapping = nn.Conv1d(*ends, kernel, padding="same", bias=config.mapping_bias)
        self.transformers = nn.ModuleList(
            ResamplerLayer(config, sine=config.depth - i < config.sine_layers) for i in range(config.depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, p, patch channels) -> (b, t, d), or (b, t, d) -> (b, p, patch channels).

        A length that is no multiple of what is read together is filled up with zeros, and so comes out.
        """
        return self._read(x) if self._reads else self._write(x)

    def _read(self, patches: Tensor) -> Tensor:
        stride = self._config.stride
        x = self._mapped(_filled(patches, self._config.chunk_latents * stride))
        x = torch.unflatten(x, 1, (-1, stride))  # (b, t, stride, d)
        return self._layers(self._with_new(x, 1))[:, :, -1]

    def _write(self, latents: Tensor) -> Tensor:
        stride = self._config.stride
        x = _filled(latents, self._config.chunk_latents).unsqueeze(2)
        x = self._layers(self._with_new(x, stride))[:, :, -stride:]
        return self._mapped(x.flatten(1, 2))

    def _mapped(self, x: Tensor) -> Tensor:
        mapped: Tensor = self.mapping(x.transpose(1, 2)).transpose(1, 2)
        return mapped

    def _with_new(self, x: Tensor, count: int) -> Tensor:
        new = self.new_tokens.unsqueeze(1).expand(*x.shape[:2], count, -1)
        return torch.cat((x, new), dim=2)

    def _layers(self, x: Tensor) -> Tensor:
        """(b, t, stride + 1, d) -> the same shape."""
        config, group = self._config, x.shape[2]
        tokens = x.flatten(1, 2)
        if config.window is not None:
            tokens = self._run(self.transformers, tokens, Window(group, *config.window))
        elif config.midpoint_shift:
            chunk, half = config.chunk_latents * group, config.depth // 2
            tokens = self._in_chunks(self.transformers[:half], tokens, chunk)
            shift = chunk // 2
            tokens = torch.cat((tokens[:, :shift], tokens, tokens[:, -shift:]), dim=1)
            tokens = self._in_chunks(self.transformers[half:], tokens, chunk)[:, shift:-shift]
        else:
            tokens = self._in_chunks(self.transformers, tokens, config.chunk_latents * group)
        return torch.unflatten(tokens, 1, (-1, group))

    def _in_chunks(self, layers: Iterable[nn.Module], tokens: Tensor, chunk: int) -> Tensor:
        chunks = torch.unflatten(tokens, 1, (-1, chunk)).flatten(0, 1)
        done = self._run(layers, chunks, None)
        return torch.unflatten(done, 0, (tokens.shape[0], -1)).flatten(1, 2)

    def _run(self, layers: Iterable[nn.Module], tokens: Tensor, window: Window | None) -> Tensor:
        head_width = min(self._config.head_width, self._config.width)
        turn = Turn.at(tokens.shape[1], rotated_of_resampler(head_width), tokens.device)
        for layer in layers:
            tokens = cast(ResamplerLayer, layer)(tokens, turn, window)
        return tokens


def _filled(x: Tensor, multiple: int) -> Tensor:
    """(b, n, c) with zeros behind, up to a multiple of a length."""
    return F.pad(x, (0, 0, 0, -x.shape[1] % multiple))
