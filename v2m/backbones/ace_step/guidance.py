"""Guidance as ACE-Step's base and sft models were tuned for: projected, limited, and with a memory.

What guidance adds to the prediction b is averaged against the steps before (momentum below 0 damps what
keeps its direction), made no longer than a limit over time for each channel, and only the part at right
angles to b is kept: the part along it makes the sound louder, not closer. Branches as in
`v2m.backbones.sound.guidance`: u without words and curve, t with the words, b with both.
Sources: Sadat et al. 2024 (APG); ACE-Step 1.5, whose limit, momentum and axis these are.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from v2m.backbones.sound.guidance import guided

_MOMENTUM: Final = -0.75
_LONGEST: Final = 2.5
_TIME: Final = (1,)
"""Axis of (b, t, c) over which lengths and angles are taken."""


class ProjectedGuidance:
    """Guidance over the steps of one solution."""

    def __init__(self, text_scale: float, curve_scale: float) -> None:
        self._text_scale, self._curve_scale = text_scale, curve_scale
        self._average: Tensor | None = None

    def __call__(self, unconditional: Tensor, text: Tensor, both: Tensor) -> Tensor:
        """The guided velocity of velocities (b, t, c); call it once a step, in their order."""
        unit = self._text_scale - 1
        if self._curve_scale == self._text_scale:
            push = both - unconditional  # words and curve as one: exact, where the sum below would round
        else:
            wanted = guided(unconditional, text, both,
                            text_scale=self._text_scale, curve_scale=self._curve_scale)  # fmt: skip
            push = (wanted - both) / unit
        if self._average is not None:
            push = push + _MOMENTUM * self._average
        self._average = push
        length = push.norm(p=2, dim=_TIME, keepdim=True)
        push = (push * torch.minimum(torch.ones_like(push), _LONGEST / length)).double()
        direction = F.normalize(both.double(), dim=_TIME[0])
        across = push - (push * direction).sum(_TIME, keepdim=True) * direction
        return both + unit * across.to(both.dtype)
