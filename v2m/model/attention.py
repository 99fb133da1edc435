"""Attention of frames to frames and of frames to words.

Conventions: b batch, t latent frame, d width, h head, e head width, n key (frame or text token).
Sources: Su et al. 2021 (rotary positions); Henry et al. 2020 (normalised queries and keys).
"""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PLAIN_ATTENTION: Final = 1024
"""Keys up to which plain matrix products beat torch's fused kernel on a CPU in bf16: 1.5 x at 512 keys, 4 x
over the few words, forward and backward (Zen 4, torch 2.13); past it the matrix of scores costs memory."""


class HeadNorm(nn.Module):
    """Root-mean-square norm of queries or keys, (b, h, t, e), in their own number format."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, heads: Tensor) -> Tensor:
        """(b, h, t, e) -> the same shape."""
        return F.rms_norm(heads, heads.shape[-1:], self.weight.to(heads.dtype), eps=1e-6)


class SelfAttention(nn.Module):
    """Attention of frames to frames."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.query_norm = HeadNorm(width // heads)
        self.key_norm = HeadNorm(width // heads)
        self.out = nn.Linear(width, width)

    def forward(self, y: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """(b, t, d) -> (b, t, d)."""
        q, k, v = self.qkv(y).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # 3 of (b, h, t, e)
        q, k = rotate(self.query_norm(q), turn), rotate(self.key_norm(k), turn)
        out: Tensor = self.out(attend(q, k, v).transpose(1, 2).flatten(2))
        return out


class CrossAttention(nn.Module):
    """Attention of frames to words."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.query_norm = HeadNorm(width // heads)
        self.key_norm = HeadNorm(width // heads)
        self.out = nn.Linear(width, width)

    def keys_values(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(b, n, d) -> two of (b, h, n, e)."""
        k, v = self.key_value(tokens).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.key_norm(k), v

    def forward(
        self, y: Tensor, kv: tuple[Tensor, Tensor], allowed: Tensor, wordless_rows: int = 0
    ) -> Tensor:
        """(b, t, d) -> (b, t, d).

        Whoever may attend to one token alone gets its value whatever is asked: for the first `wordless_rows`,
        whose one token is the first, only that is computed.
        """
        words = [part[wordless_rows:] for part in kv]
        q = self.query(y[wordless_rows:]).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (b, h, t, e)
        seen = attend(self.query_norm(q), words[0], words[1], allowed[wordless_rows:])
        out: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        if not wordless_rows:
            return out
        null = self.out(kv[1][:wordless_rows, :, :1].transpose(1, 2).flatten(2))  # (b, 1, d)
        return torch.cat([null.expand(-1, y.shape[1], -1), out])


def attend(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Softmax attention, (b, h, t, e) x (b, h, n, e) -> (b, h, t, e).

    Args:
        query: of t frames.
        key: of n frames or words.
        value: as the keys.
        allowed: (…, t or 1, n) True where t may see n, or float32 that is added to the scores.
    """
    if query.device.type == "cpu" and query.dtype == torch.bfloat16 and key.shape[2] <= _PLAIN_ATTENTION:
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # (b, h, t, n)
        if allowed is None:
            weights = scores.softmax(-1)
        elif allowed.dtype == torch.bool:
            weights = scores.masked_fill(~allowed, -math.inf).softmax(-1)
        else:
            weights = (scores + allowed).softmax(-1).to(value.dtype)  # float32: the sum keeps its digits
        return torch.matmul(weights, value)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)


def rotations(frame_count: int, head_width: int, base: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine, each (t, e / 2), of the rotary angles of frames 0 … t - 1."""
    half = head_width // 2
    frequency = base ** (-torch.arange(half, device=device) / half)
    angle = torch.arange(frame_count, device=device)[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(heads: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the pairs (i, i + e/2) of (b, h, t, e) by the angle of their frame."""
    cos, sin = (part.to(heads.dtype) for part in turn)
    first, second = heads.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
