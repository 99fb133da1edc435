"""MusicFM's network: two residual convolutions and a conformer, with the keys of its checkpoint.

    mel (b, 128, 4 t) -> convolutions (b, 512, 32, t) -> linear (b, t, 1024) = hidden state 0
                      -> conformer layer 1 … 12 = hidden states 1 … 12, the last one normalised

Conventions: a hidden state every 40 ms, centred at 0, 40, 80 ms …. Sources: M. Won, Y.-N. Hung and D. Le, "A
Foundation Model for Music Informatics" (2023); minzwon/musicfm; A. Gulati et al., "Conformer" (2020).
The configuration is that of facebook/wav2vec2-conformer-rope-large-960h-ft, which the official code asks the
hub for; what the shapes of the tensors do not say is written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from v2m.backbones.sound.checkpoint import load_strict
from v2m.errors import CheckpointError

HEADS: Final = 16
ROTARY_BASE: Final = 10_000.0

LAYER: Final = 7
"""Hidden state that the authors' README takes."""

_UNUSED: Final = (
    "conformer.pos_conv_embed.*",  # in the file in either style of weight normalisation, and never called
    "conformer.embed_positions.*",  # the rotary frequencies, a buffer in older versions
    "preprocessor_melspec_2048.*",  # window and filters
    "quantizer_*",  # targets of the training
    "linear.*",
    "cls_token",
    "mask_emb",
)


@dataclass(frozen=True)
class Shape:
    """What the shapes of the tensors say."""

    bands: int
    channels: int
    width: int
    feed_forward: int
    kernel: int
    layers: int

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Shape:
        """Read from a checkpoint.

        Raises:
            CheckpointError: it is none of MusicFM.
        """
        try:
            width, flat = tensors["conv.linear.weight"].shape
            channels = len(tensors["conv.conv.0.conv1.weight"])
            feed_forward = len(tensors["conformer.layers.0.ffn1.intermediate_dense.weight"])
            kernel = tensors["conformer.layers.0.conv_module.depthwise_conv.weight"].shape[-1]
        except (KeyError, ValueError) as error:
            raise CheckpointError(
                f"The weights are no MusicFM: {error} is missing or has another shape.",
                hint="Fetch pretrained_msd.pt again with `v2m models add musicfm`.",
            ) from error
        numbers = [
            int(found[1]) for key in tensors if (found := re.match(r"conformer\.layers\.(\d+)\.", key))
        ]
        if not channels or width % (2 * HEADS) or flat % channels or kernel % 2 == 0:
            raise CheckpointError("The weights are no MusicFM: their widths do not fit together.")
        return cls(flat // channels * 4, channels, width, feed_forward, kernel, max(numbers) + 1)


class MusicFM(nn.Module):
    """The network up to one of its hidden states."""

    def __init__(self, shape: Shape, layers: int) -> None:
        super().__init__()
        self.shape = shape
        self.conv = _Front(shape)
        self.conformer = _Conformer(shape, layers)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], layer: int = LAYER) -> MusicFM:
        """The network of a checkpoint as its authors save it, up to hidden state `layer`.

        Raises:
            CheckpointError: it is none of MusicFM, or has fewer layers.
        """
        plain = {key.removeprefix("model."): value for key, value in tensors.items()}
        shape = Shape.of(plain)
        if not 0 <= layer <= shape.layers:
            raise CheckpointError(f"Hidden state {layer} is asked for, expected one of 0-{shape.layers}.")
        with torch.device("meta"):
            network = cls(shape, layer)
        above = tuple(f"conformer.layers.{number}.*" for number in range(layer, shape.layers))
        load_strict(network, plain, allowed_unexpected=(*_UNUSED, *above))
        return network.float()

    def forward(self, mel: Tensor) -> list[Tensor]:
        """Hidden states (b, t, width) from 0 on, of a normalised spectrogram (b, bands, 4 t)."""
        states = self.conv(mel)
        hidden = [states]
        turn = _rotation(states.shape[1], self.shape.width // HEADS, states)
        for layer in self.conformer.layers:
            states = layer(states, turn)
            hidden.append(states)
        if len(hidden) == self.shape.layers + 1:
            hidden[-1] = self.conformer.layer_norm(states)
        return hidden


class _Conformer(nn.Module):
    """What the checkpoint calls so; `MusicFM` goes through it."""

    def __init__(self, shape: Shape, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(layers))
        self.layer_norm = nn.LayerNorm(shape.width)


class _Front(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv = nn.Sequential(_Residual(1, shape.channels), _Residual(shape.channels, shape.channels))
        self.linear = nn.Linear(shape.channels * (shape.bands // 4), shape.width)

    def forward(self, mel: Tensor) -> Tensor:
        maps = self.conv(mel[:, None])  # (b, c, bands / 4, t)
        states: Tensor = self.linear(maps.permute(0, 3, 1, 2).flatten(2))  # (b, t, width)
        return states


class _Residual(nn.Module):
    """Halves both axes."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, stride=2)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels_in, channels, 3, padding=1, stride=2)
        self.bn3 = nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(maps)))))
        return F.relu(self.bn3(self.conv3(maps)) + inner)


class _Layer(nn.Module):
    """Half a feed-forward, attention, convolution, half a feed-forward, norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.ffn1_layer_norm = nn.LayerNorm(shape.width)
        self.ffn1 = _FeedForward(shape)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.self_attn = _Attention(shape)
        self.conv_module = _Convolution(shape)
        self.ffn2_layer_norm = nn.LayerNorm(shape.width)
        self.ffn2 = _FeedForward(shape)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, states: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        states = self.ffn1(self.ffn1_layer_norm(states)) * 0.5 + states
        states = self.self_attn(self.self_attn_layer_norm(states), turn) + states
        states = states + self.conv_module(states)
        states = self.ffn2(self.ffn2_layer_norm(states)) * 0.5 + states
        result: Tensor = self.final_layer_norm(states)
        return result


class _FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(shape.width, shape.feed_forward)
        self.output_dense = nn.Linear(shape.feed_forward, shape.width)

    def forward(self, states: Tensor) -> Tensor:
        result: Tensor = self.output_dense(F.silu(self.intermediate_dense(states)))
        return result


class _Attention(nn.Module):
    """Queries and keys are projected from turned states: the turn comes before the projection here."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.linear_q, self.linear_k, self.linear_v, self.linear_out = (
            nn.Linear(shape.width, shape.width) for _ in range(4)
        )

    def forward(self, states: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        heads = states.reshape(*states.shape[:2], HEADS, -1)  # (b, t, heads, d)
        half = heads.shape[-1] // 2
        crossed = torch.cat([-heads[..., half:], heads[..., :half]], dim=-1)
        turned = (heads * turn[0] + crossed * turn[1]).flatten(2)
        q, k, v = (
            linear(source).view(heads.shape).transpose(1, 2)  # (b, heads, t, d)
            for linear, source in ((self.linear_q, turned), (self.linear_k, turned), (self.linear_v, states))
        )
        mixed = F.scaled_dot_product_attention(q, k, v)
        result: Tensor = self.linear_out(mixed.transpose(1, 2).flatten(2))
        return result


class _Convolution(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.layer_norm = nn.LayerNorm(width)
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(
            width, width, shape.kernel, padding=shape.kernel // 2, groups=width, bias=False
        )
        self.batch_norm = nn.BatchNorm1d(width)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        inner = F.glu(self.pointwise_conv1(self.layer_norm(states).transpose(1, 2)), dim=1)  # (b, d, t)
        inner = F.silu(self.batch_norm(self.depthwise_conv(inner)))
        result: Tensor = self.pointwise_conv2(inner).transpose(1, 2)
        return result


def _rotation(count: int, head_width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines (t, 1, d) by position."""
    exponent = torch.arange(0, head_width, 2, dtype=torch.float32, device=like.device) / head_width
    frequencies = 1.0 / (ROTARY_BASE**exponent)
    angles = torch.arange(count, dtype=torch.float32, device=like.device)[:, None] * frequencies
    both = torch.cat([angles, angles], dim=-1)[:, None]
    return both.cos().to(like.dtype), both.sin().to(like.dtype)
