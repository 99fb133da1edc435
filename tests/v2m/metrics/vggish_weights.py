"""Weights of VGGish drawn by a rule, and a sound: what the golden values were made with."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.metrics.vggish import expected_shapes


def drawn_weights() -> dict[str, torch.Tensor]:
    """A sawtooth over the numbers of each tensor, as large as keeps a signal's size from layer to layer."""
    tensors = {}
    for index, (name, shape) in enumerate(expected_shapes().items()):
        count = int(np.prod(shape))
        fan_in = count // shape[0] if len(shape) > 1 else 100
        # steps of the golden ratio fill -1..1 evenly and never repeat
        ramp = (np.arange(1, count + 1, dtype=np.float64) * 0.6180339887498949 + 0.1 * index) % 1
        values = (2 * ramp - 1) * np.sqrt(6 / fan_in)
        tensors[name] = torch.from_numpy(values.astype(np.float32)).reshape(shape)
    return tensors


def sound() -> NDArray[np.float64]:
    """2.1 s at 16 kHz: a rising tone in noise."""
    at = np.arange(33_600) / 16_000
    return np.asarray(
        0.3 * np.sin(2 * np.pi * (200 + 400 * at) * at) + np.random.default_rng(0).normal(0, 0.05, len(at))
    )
