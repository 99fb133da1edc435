"""Attention, plain or differential, of tokens to each other, to a window around them, or to the words.

Differential attention has a second pair of queries and keys a head; what it attends to is subtracted. All
of it goes through torch's own fused kernels; no third library is needed, not for the window either: queries
go in groups as long as one latent's tokens, and each group sees only the groups that its window reaches, so
memory and work grow with the length times the window.

Conventions: b batch, n token, d width, h head, e head width, g group, w token of a window. Parameter names
are those of the original files, in which the queries and keys to subtract follow the values.
Sources: Ye et al. 2024 (differential transformer); Beltagy et al. 2020 (sliding windows).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from v2m.backbones.stable_audio_3.config import AttentionConfig
from v2m.backbones.stable_audio_3.norms import head_norm
from v2m.backbones.stable_audio_3.rotary import Turn
from v2m.model.attention import attend


@dataclass(frozen=True)
class Window:
    """How far a token sees: as many tokens as `before` and `after` groups hold, to each side."""

    group: int
    """Tokens of a group; lengths are multiples of it."""

    before: int
    after: int


@dataclass(frozen=True)
class TextKV:
    """Keys and values of the words for one layer, the same at every step."""

    keys: Tensor  # (parts, b, h, n, e)
    values: Tensor  # (b, h, n, e)
    weights: Tensor | None = None
    """(1, 1, 1, n) float32, added to the scores: the logarithm of how often a token counts."""


class SelfAttention(nn.Module):
    """Of tokens to tokens."""

    def __init__(self, width: int, head_width: int, config: AttentionConfig) -> None:
        super().__init__()
        self._heads = width // head_width
        self._parts = 5 if config.differential else 3
        self.to_qkv = nn.Linear(width, self._parts * width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)
        self.q_norm = head_norm(config.head_norm, head_width, config.head_norm_eps)
        self.k_norm = head_norm(config.head_norm, head_width, config.head_norm_eps)
        self._scales_features = config.feature_scale
        if config.feature_scale:
            self.lambda_dc = nn.Parameter(torch.zeros(width))
            self.lambda_hf = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, turn: Turn, window: Window | None = None) -> Tensor:
        """(b, n, d) -> (b, n, d)."""
        qkv = self.to_qkv(x).unflatten(-1, (self._parts, self._heads, -1))
        qkv = qkv.permute(2, 0, 3, 1, 4)  # (q k v [q k], b, h, n, e)
        q, k, v = turn(self.q_norm(qkv[0::3])), turn(self.k_norm(qkv[1::3])), qkv[2]
        out: Tensor = self.to_out(_differential(q, k, v, window))
        return self._featured(out) if self._scales_features else out

    def _featured(self, out: Tensor) -> Tensor:
        mean = out.mean(dim=-2, keepdim=True)
        return out + self.lambda_dc * mean + self.lambda_hf * (out - mean)


class CrossAttention(nn.Module):
    """Of tokens to the words."""

    def __init__(self, width: int, head_width: int, context_width: int, config: AttentionConfig) -> None:
        super().__init__()
        self._heads, self._context_heads = width // head_width, context_width // head_width
        self._parts = 2 if config.differential else 1
        self.to_q = nn.Linear(width, self._parts * width, bias=False)
        self.to_kv = nn.Linear(context_width, (self._parts + 1) * context_width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)
        self.q_norm = head_norm(config.head_norm, head_width, config.head_norm_eps)
        self.k_norm = head_norm(config.head_norm, head_width, config.head_norm_eps)

    def keys_values(self, context: Tensor, often: Tensor | None = None) -> TextKV:
        """What the words (b, n, context), which count as `often` (n,), are to this layer."""
        kv = self.to_kv(context).unflatten(-1, (self._parts + 1, self._context_heads, -1))
        kv = kv.permute(2, 0, 3, 1, 4)  # (k [k] v, b, h, n, e)
        shared_by = self._heads // self._context_heads
        keys = self.k_norm(kv[:-1]).repeat_interleave(shared_by, dim=2)
        values = kv[-1].repeat_interleave(shared_by, dim=1)
        weights = None if often is None else often.float().log()[None, None, None]
        return TextKV(keys.contiguous(), values.contiguous(), weights)

    def forward(self, x: Tensor, text: TextKV) -> Tensor:
        """(b, n, d) -> (b, n, d)."""
        q = self.to_q(x).unflatten(-1, (self._parts, self._heads, -1)).permute(2, 0, 3, 1, 4)
        out: Tensor = self.to_out(_differential(self.q_norm(q), text.keys, text.values, weights=text.weights))
        return out


def _differential(
    q: Tensor, k: Tensor, v: Tensor, window: Window | None = None, weights: Tensor | None = None
) -> Tensor:
    """(parts, b, h, n, e) of queries and keys, (b, h, n, e) of values -> (b, n, d)."""
    out = _attend(q[0], k[0], v, window, weights)
    if q.shape[0] > 1:
        out = out - _attend(q[1], k[1], v, window, weights)
    return out.transpose(1, 2).flatten(2)


def _attend(q: Tensor, k: Tensor, v: Tensor, window: Window | None, weights: Tensor | None) -> Tensor:
    if window is not None:
        return windowed_attention(q, k, v, window)
    k, v = (part.expand(q.shape[0], -1, -1, -1) for part in (k, v))
    return attend(q, k, v, weights)


def windowed_attention(q: Tensor, k: Tensor, v: Tensor, window: Window) -> Tensor:
    """Attention within a window, (b, h, n, e) each, n a multiple of the window's group.

    The same as attention under a mask that is a band along the diagonal.
    """
    count = q.shape[2] // window.group
    mask = _band(count, window, q.device)
    reach = window.before + 1 + window.after  # groups
    around = (0, 0, window.before * window.group, window.after * window.group)
    grouped = torch.unflatten(q, 2, (count, window.group)).transpose(1, 2).flatten(0, 1)  # (b g, h, group, e)
    k, v = (
        F.pad(part, around)
        .unfold(2, reach * window.group, window.group)  # (b, h, g, e, w), a view
        .permute(0, 2, 1, 4, 3)
        .flatten(0, 1)  # (b g, h, w, e)
        for part in (k, v)
    )
    out = F.scaled_dot_product_attention(grouped, k, v, attn_mask=mask.repeat(q.shape[0], 1, 1, 1))
    return torch.unflatten(out, 0, (-1, count)).transpose(1, 2).flatten(2, 3)


def _band(count: int, window: Window, device: torch.device) -> Tensor:
    """Which of its window's tokens each token of a group sees, (g, 1, group, w): none beyond the ends."""
    reach = (window.before + 1 + window.after) * window.group
    token = torch.arange(window.group, device=device)[:, None]
    seen = torch.arange(reach, device=device)
    span = (window.before + window.after) * window.group
    within = (seen >= token) & (seen <= token + span)
    place = seen + (torch.arange(count, device=device)[:, None] - window.before) * window.group  # (g, w)
    inside = (place >= 0) & (place < count * window.group)
    return (within & inside[:, None]).unsqueeze(1)
