"""The length of the music in seconds as a token, and as what is told at every noise level.

Conventions: seconds are clamped to the range that training saw and brought to 0 … 1. Parameter names are
those of the original files.
Sources: Evans et al. 2024, "Fast timing-conditioned latent audio diffusion".
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from v2m.backbones.stable_audio_3.config import DurationConfig
from v2m.backbones.stable_audio_3.embeddings import fourier_features

_FEATURES: Final = 256  # the original's, which no configuration changes


class _Embedder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = nn.Sequential(nn.Identity(), nn.Linear(_FEATURES, width))


class DurationEmbedding(nn.Module):
    """A number of seconds as a vector, in float32."""

    def __init__(self, config: DurationConfig, width: int) -> None:
        super().__init__()
        self._config = config
        self.embedder = _Embedder(width)

    def forward(self, seconds: float) -> Tensor:
        """(1, width)."""
        low, high = self._config.low_s, self._config.high_s
        device = next(self.parameters()).device
        value = torch.tensor([seconds], dtype=torch.float32, device=device).clamp(low, high)
        embedded: Tensor = self.embedder.embedding(fourier_features((value - low) / (high - low), _FEATURES))
        return embedded
