"""What a model is told of words, the same whenever it is asked.

Text encoders speak in their own precision, as at inference, whatever that of the step around them; and what
they said is kept: a set has some thousand prompts, and each is met in many steps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from v2m_training.fit.trainable import Conditions, Trainable

_KEPT: Final = 512
"""Prompts; 256 tokens of 768 numbers each are 0.4 GB."""


def told(
    model: Trainable, prompts: Sequence[str | None], seconds: Sequence[float], device: torch.device
) -> Conditions:
    """What a model makes of prompts and lengths."""
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        return model.conditioning(prompts, seconds)


class Remembered:
    """An encoder of prompts that is asked once for each."""

    def __init__(self, encoder: Callable[[str], Any]) -> None:
        self._encoder = encoder
        self._known: OrderedDict[str, Any] = OrderedDict()

    def __call__(self, prompt: str) -> Any:  # noqa: ANN401 - a tensor or several, as the family has it
        """What the encoder says; tensors that take part in training, which the encoders' own do not."""
        if prompt not in self._known:
            self._known[prompt] = _copied(self._encoder(prompt))
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(prompt)
        return self._known[prompt]


def _copied(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, tuple):
        return tuple(_copied(one) for one in value)
    with torch.inference_mode(False):
        return value.clone() if isinstance(value, Tensor) else value
