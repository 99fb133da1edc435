"""Rotary positions of the first half of each head: angles made once, applied to queries and keys.

Conventions: n token, e head width, r rotated numbers; number i turns with number i + r / 2; float32.
Sources: Su et al. 2021; Wang and Komatsuzaki 2021 (a part of the head only).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_BASE: Final = 10_000.0
"""Longest wavelength in tokens, over 2 pi. Files hold the rates that follow from it as `inv_freq`."""

STORED_RATES: Final = "*.inv_freq"
"""Names of those rates in the files, which are passed over."""


@dataclass(frozen=True)
class Turn:
    """Cosine and sine of the angles at every token, each (n, r)."""

    cosine: Tensor
    sine: Tensor

    @staticmethod
    def at(count: int, rotated: int, device: torch.device) -> Turn:
        """Angles of tokens 0 to `count` - 1."""
        steps = torch.arange(0, rotated, 2).float() / rotated
        rates = (1.0 / (_BASE**steps)).to(device)
        angles = torch.arange(count, device=device).float()[:, None] * rates
        angles = torch.cat((angles, angles), dim=-1)
        return Turn(angles.cos(), angles.sin())

    def __call__(self, heads: Tensor) -> Tensor:
        """(…, n, e) turned, in the number format that came."""
        rotated = self.cosine.shape[-1]
        x, rest = heads[..., :rotated].float(), heads[..., rotated:]
        first, second = x.chunk(2, dim=-1)
        turned = x * self.cosine + torch.cat((-second, first), dim=-1) * self.sine
        return torch.cat((turned.to(heads.dtype), rest), dim=-1)


def rotated_of_transformer(head_width: int) -> int:
    """Numbers of a head that turn in the diffusion transformer: half of it, but no less than 32."""
    return max(head_width // 2, 32)


def rotated_of_resampler(head_width: int) -> int:
    """Numbers of a head that turn in the autoencoder: half of it."""
    return head_width // 2
