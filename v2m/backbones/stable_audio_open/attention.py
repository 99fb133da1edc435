"""Attention of Stable Audio Open: rotary over half of each head, grouped keys in cross-attention.

Conventions: n branch, t position, d width, h head; positions count from the token that is put before the
latents. Modules are named as in the official checkpoint, so that weights load key for key.
Sources: Su et al. 2021 (rotary positions); Ainslie et al. 2023 (grouped queries); Stability-AI/
stable-audio-tools, `models/transformer.py`.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

_QUERY_NORM_EPSILON: Final = 1e-6
_ROTARY_BASE: Final = 10_000
_SMALLEST_ROTARY: Final = 32
"""Features of a head that are turned: half of them, but no fewer than these."""

KeyValue = tuple[Tensor, Tensor]
"""(n, h, m, head) keys and values."""

Rotary = tuple[Tensor, Tensor]
"""(t, r) cosines and sines, float32."""


def rotary_frequencies(head_width: int) -> Tensor:
    """(r / 2,) radians a position."""
    turned = max(head_width // 2, _SMALLEST_ROTARY)
    return 1.0 / (_ROTARY_BASE ** (torch.arange(0, turned, 2).float() / turned))


def rotary(frequencies: Tensor, positions: int) -> Rotary:
    """Cosines and sines of the first positions."""
    angles = torch.arange(positions, device=frequencies.device).float()[:, None] * frequencies.float()
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def turned(x: Tensor, by: Rotary) -> Tensor:
    """(n, h, t, head), its first features turned by position; in float32, as the angles need."""
    cosine, sine = by
    width = cosine.shape[-1]
    head, rest = x[..., :width].float(), x[..., width:]
    first, second = head.chunk(2, dim=-1)
    head = head * cosine + torch.cat([-second, first], dim=-1) * sine
    return torch.cat([head.to(x.dtype), rest], dim=-1)


class SelfAttention(nn.Module):
    """Every position looks at every other."""

    def __init__(self, width: int, heads: int, norms_queries: bool) -> None:
        super().__init__()
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)
        self.q_norm, self.k_norm = _norms(width // heads, norms_queries)
        self._heads = heads

    def forward(self, x: Tensor, by: Rotary) -> Tensor:
        """(n, t, d) -> (n, t, d)."""
        q, k, v = (_heads_first(part, self._heads) for part in self.to_qkv(x).chunk(3, dim=-1))
        q, k = turned(self.q_norm(q), by), turned(self.k_norm(k), by)
        return self.to_out(_attended(q, k, v))  # type: ignore[no-any-return]


class CrossAttention(nn.Module):
    """Every position looks at the text and at the seconds, whose keys and values are made once."""

    def __init__(self, width: int, heads: int, context_width: int, norms_queries: bool) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_kv = nn.Linear(context_width, 2 * context_width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)
        self.q_norm, self.k_norm = _norms(width // heads, norms_queries)
        self._heads, self._key_heads = heads, context_width // (width // heads)

    def key_value(self, tokens: Tensor) -> KeyValue:
        """Of tokens (n, m, context width); each key head serves several query heads in a row."""
        k, v = (_heads_first(part, self._key_heads) for part in self.to_kv(tokens).chunk(2, dim=-1))
        share = self._heads // self._key_heads
        return self.k_norm(k).repeat_interleave(share, dim=1), v.repeat_interleave(share, dim=1)

    def forward(self, x: Tensor, seen: KeyValue) -> Tensor:
        """(n, t, d) -> (n, t, d)."""
        q = self.q_norm(_heads_first(self.to_q(x), self._heads))
        return self.to_out(_attended(q, *seen))  # type: ignore[no-any-return]


def _norms(head_width: int, wanted: bool) -> tuple[nn.Module, nn.Module]:
    if not wanted:
        return nn.Identity(), nn.Identity()
    return nn.LayerNorm(head_width, _QUERY_NORM_EPSILON), nn.LayerNorm(head_width, _QUERY_NORM_EPSILON)


def _heads_first(x: Tensor, heads: int) -> Tensor:
    n, t, _ = x.shape
    return x.reshape(n, t, heads, -1).transpose(1, 2)  # (n, t, h head) -> (n, h, t, head)


def _attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
