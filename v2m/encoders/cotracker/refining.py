"""The transformer that moves points to where they are: attention over time, and over points by way of a few.

Conventions: tokens (b, p, t, d); virtual tracks are learned tokens that stand between the points, so that
attention over points is not quadratic in their number. Keys are those of CoTracker's checkpoint, its slips of
the pen included. Source: facebookresearch/co-tracker, `models/core/cotracker/cotracker.py`.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEADS: Final = 8


class Refiner(nn.Module):
    """Tokens of points to changes of place (2), visibility (1) and confidence (1)."""

    def __init__(self, width_in: int, width: int, feed_forward: int, depth: int, virtual: int) -> None:
        super().__init__()
        self.input_transform = nn.Linear(width_in, width)
        self.flow_head = nn.Linear(width, 2)
        self.vis_conf_head = nn.Linear(width, 2)
        self.virual_tracks = nn.Parameter(torch.zeros(1, virtual, 1, width))
        self.time_blocks = nn.ModuleList(_Block(width, feed_forward) for _ in range(depth))
        self.space_virtual_blocks = nn.ModuleList(_Block(width, feed_forward) for _ in range(depth))
        self.space_point2virtual_blocks = nn.ModuleList(
            _CrossBlock(width, feed_forward) for _ in range(depth)
        )
        self.space_virtual2point_blocks = nn.ModuleList(
            _CrossBlock(width, feed_forward) for _ in range(depth)
        )

    def forward(self, values: Tensor) -> Tensor:
        """Changes (b, p, t, 4) of values (b, p, t, width_in)."""
        batch, points, times, _ = values.shape
        virtual = self.virual_tracks.expand(batch, -1, times, -1)
        tokens = torch.cat([self.input_transform(values), virtual], dim=1)
        for number, block in enumerate(self.time_blocks):
            tokens = block(tokens.flatten(0, 1)).reshape(tokens.shape)  # over time
            across = tokens.transpose(1, 2).flatten(0, 1)  # (b t, p, d)
            real, between = across[:, :points], across[:, points:]
            between = self.space_virtual2point_blocks[number](between, real)
            between = self.space_virtual_blocks[number](between)
            real = self.space_point2virtual_blocks[number](real, between)
            tokens = (
                torch.cat([real, between], dim=1).view(batch, times, -1, tokens.shape[-1]).transpose(1, 2)
            )
        real = tokens[:, :points]
        return torch.cat([self.flow_head(real), self.vis_conf_head(real)], dim=-1)


class _Block(nn.Module):
    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__()
        self.attn = _Attention(width)
        self.mlp = FeedForward(width, feed_forward, width, approximate="tanh")

    def forward(self, tokens: Tensor) -> Tensor:
        normed = _norm(tokens)
        tokens = tokens + self.attn(normed, normed)
        result: Tensor = tokens + self.mlp(_norm(tokens))
        return result


class _CrossBlock(nn.Module):
    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__()
        self.norm_context = nn.LayerNorm(width)
        self.cross_attn = _Attention(width)
        self.mlp = FeedForward(width, feed_forward, width, approximate="tanh")

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        tokens = tokens + self.cross_attn(_norm(tokens), self.norm_context(context))
        result: Tensor = tokens + self.mlp(_norm(tokens))
        return result


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(width, 2 * width)
        self.to_out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        parts = (self.to_q(tokens), *self.to_kv(context).chunk(2, dim=-1))
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in parts)  # (b, heads, n, d)
        mixed = F.scaled_dot_product_attention(q, k, v)
        result: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return result


class FeedForward(nn.Module):
    """Two linear layers."""

    def __init__(self, width_in: int, width: int, width_out: int, approximate: str = "none") -> None:
        super().__init__()
        self.fc1 = nn.Linear(width_in, width)
        self.fc2 = nn.Linear(width, width_out)
        self._approximate = approximate

    def forward(self, values: Tensor) -> Tensor:
        """Values of another width."""
        result: Tensor = self.fc2(F.gelu(self.fc1(values), approximate=self._approximate))
        return result


def _norm(tokens: Tensor) -> Tensor:
    return F.layer_norm(tokens, tokens.shape[-1:], eps=1e-6)
