"""Numbers between 0 and 1 as features: cosines and sines at frequencies that rise by a constant ratio.

Conventions: float32, since the highest frequency would turn the rounding of a half format into noise.
Sources: Tancik et al. 2020 (Fourier features).
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

_LOWEST: Final = 0.5  # periods between 0 and 1
_HIGHEST: Final = 10_000.0


def fourier_features(values: Tensor, width: int) -> Tensor:
    """(b,) -> (b, width) float32."""
    ramp = torch.linspace(0, 1, width // 2, device=values.device, dtype=torch.float32)
    low, high = math.log(_LOWEST), math.log(_HIGHEST)
    angles = values.float()[:, None] * torch.exp(ramp * (high - low) + low) * 2 * math.pi
    return torch.cat((angles.cos(), angles.sin()), dim=-1)
