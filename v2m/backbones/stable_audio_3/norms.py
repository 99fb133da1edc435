"""Norms of tokens and of heads: root mean square, layer, and the saturating one of the autoencoder.

Conventions: over the last axis; torch computes norms in float32 whatever comes in, and gives back what came.
Parameter names are those of the original files.
Sources: Zhang and Sennrich 2019 (RMSNorm); Zhu et al. 2025, "Transformers without normalization" (DyT).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from v2m.backbones.stable_audio_3.config import HeadNormKind, NormKind


class RMSNorm(nn.Module):
    """Each token to a root mean square of one, then a gain a channel."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))
        self._eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) -> the same shape."""
        return F.rms_norm(x, x.shape[-1:], self.gamma.to(x.dtype), self._eps)


class LayerNorm(nn.Module):
    """Each token to mean zero and deviation one; `beta` is stored though it is never trained."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))
        self.register_buffer("beta", torch.zeros(width))
        self.beta: Tensor
        self._eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) -> the same shape."""
        return F.layer_norm(x, x.shape[-1:], self.gamma.to(x.dtype), self.beta.to(x.dtype), self._eps)


class DynamicTanh(nn.Module):
    """Instead of a norm, a saturation: gamma tanh(alpha x) + beta."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(…, d) -> the same shape."""
        return self.gamma * torch.tanh(self.alpha * x) + self.beta


class HeadLayerNorm(nn.LayerNorm):
    """Layer norm of queries or keys, under torch's own parameter names, as the original has it."""


def token_norm(kind: NormKind, width: int, eps: float) -> nn.Module:
    """The norm before a branch."""
    if kind == "dyt":
        return DynamicTanh(width)
    return RMSNorm(width, eps) if kind == "rms_norm" else LayerNorm(width, eps)


def head_norm(kind: HeadNormKind, width: int, eps: float) -> nn.Module:
    """The norm of queries or of keys."""
    if kind == "dyt":
        return DynamicTanh(width)
    if kind == "rms":
        return RMSNorm(width, eps)
    return HeadLayerNorm(width, eps=eps) if kind == "ln" else nn.Identity()
