"""Seconds as Stable Audio Open is told them: where the window begins, and how long the piece is.

Whole seconds, begin rounded down and length rounded up, as in the training data.
Conventions: n branch; embeddings are (n, token width). Modules are named as in the official checkpoint.
Sources: Stability-AI/stable-audio-tools, `models/conditioners.py` (NumberConditioner), `models/adp.py`
(NumberEmbedder), `data/utils.py` (PadCrop_Normalized_T).
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

from v2m.backbones.stable_audio_open.config import NumberRange

_FEATURES: Final = 256


class LearnedFourier(nn.Module):
    """A number, and its sines and cosines at learned frequencies."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.empty(_FEATURES // 2))

    def forward(self, x: Tensor) -> Tensor:
        """(n,) -> (n, 1 + features)."""
        angles = x[:, None] * self.weights[None] * 2 * math.pi
        return torch.cat([x[:, None], angles.sin(), angles.cos()], dim=-1)


class Embedder(nn.Module):
    """The features and a projection of them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = nn.Sequential(LearnedFourier(), nn.Linear(_FEATURES + 1, width))


class NumberConditioner(nn.Module):
    """A number of seconds to a token."""

    def __init__(self, span: NumberRange, width: int) -> None:
        super().__init__()
        self.span = span
        self.embedder = Embedder(width)

    def forward(self, seconds: Tensor) -> Tensor:
        """(n,) -> (n, token width); what is outside the range is brought to its end."""
        share = (seconds.clamp(self.span.low, self.span.high) - self.span.low) / (
            self.span.high - self.span.low
        )
        return self.embedder.embedding(share)  # type: ignore[no-any-return]


def told_seconds(start_s: float, window_s: float, total_s: float | None) -> dict[str, float]:
    """What the model is told of a window.

    Args:
        start_s: where the window begins in the programme.
        window_s: how long it is.
        total_s: how long the programme is; None tells of the window as a piece of its own, and so does a
            length that the window does not lie in.
    """
    slack_s = 1.0  # of the rounding of frames to seconds
    if total_s is None or start_s < 0 or start_s + window_s > total_s + slack_s:
        start_s, total_s = 0.0, window_s if total_s is None else total_s
    return {"seconds_start": float(math.floor(start_s)), "seconds_total": float(math.ceil(total_s))}
