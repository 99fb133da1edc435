"""The gated feed-forward of a transformer layer, with a SiLU or, late in the decoder, a sine as its gate.

Conventions: parameter names are those of the original files (`ff.0.proj`, `ff.2`).
Sources: Shazeer 2020 (SwiGLU); arXiv 2605.18613 (sine gates).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GatedProjection(nn.Module):
    """Values times gates, each of their own half of one projection."""

    def __init__(self, width: int, inner: int, sine: bool) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)
        self._sine = sine

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) -> (…, inner)."""
        value, gate = self.proj(x).chunk(2, dim=-1)
        gated: Tensor = value * (torch.sin(math.pi * gate) if self._sine else F.silu(gate))
        return gated


class FeedForward(nn.Module):
    """Token by token."""

    def __init__(self, width: int, ratio: float, *, bias: bool = True, sine: bool = False) -> None:
        super().__init__()
        inner = int(width * ratio)
        self.ff = nn.Sequential(
            GatedProjection(width, inner, sine), nn.Identity(), nn.Linear(inner, width, bias=bias)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) -> the same shape."""
        out: Tensor = self.ff(x)
        return out
