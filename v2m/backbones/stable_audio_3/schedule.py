"""How the steps of sampling are spread over the noise levels.

    log SNR = end - t (end - start),   level = sigmoid(-log SNR),   ends exactly 1 and 0

for t from 1 to 0 in equal steps: steps are equal in the log of the signal-to-noise ratio. The published
models say no spread of their own and get this one, 2 to -6.2 whatever the length.

Conventions: noise level 1 is noise, 0 is music; float32, (steps + 1,). Lengths are in latent frames.
Sources: arXiv 2605.17991; Esser et al. 2024 (the spread `flux`); Hoogeboom et al. 2023 (the spread `full`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

from v2m.backbones.stable_audio_3.config import ShiftConfig
from v2m.errors import CheckpointError, InputError


def noise_levels(steps: int, shift: ShiftConfig, frame_count: int) -> Tensor:
    """The noise levels between which the steps lie.

    Args:
        steps: 1 to 1000.
        shift: of the checkpoint.
        frame_count: length of the music, for spreads that look at it.

    Raises:
        InputError: a number of steps outside its range.
    """
    if not 1 <= steps <= 1000:
        raise InputError(f"The sampler has {steps} steps, expected 1 to 1000.")
    even = torch.linspace(1.0, 0.0, steps + 1)
    options = _options(shift)
    levels = _SPREADS[shift.kind](even, float(max(frame_count, 1)), options)
    levels[0] = 1.0
    return levels


def _none(t: Tensor, frames: float, options: Mapping[str, float]) -> Tensor:
    return t.clone()


def _logsnr(t: Tensor, frames: float, options: Mapping[str, float]) -> Tensor:
    start = options["anchor_logsnr"] - options["rate"] * math.log2(frames / options["anchor_length"])
    end = options["logsnr_end"]
    levels = torch.sigmoid(-(end - t * (end - start)))
    levels = torch.where(t <= 0, 0.0, levels)
    return torch.where(t >= 1, 1.0, levels)


def _flux(t: Tensor, frames: float, options: Mapping[str, float]) -> Tensor:
    shortest, longest = options["min_length"], options["max_length"]
    low, high = (math.log(max(options[name], 1e-8)) for name in ("alpha_min", "alpha_max"))
    span = math.log(longest) - math.log(shortest) or 1e-8
    share = (math.log(min(max(frames, shortest), longest)) - math.log(shortest)) / span
    alpha = math.exp(low + share * (high - low))
    return alpha * t / (1 + (alpha - 1) * t)


def _full(t: Tensor, frames: float, options: Mapping[str, float]) -> Tensor:
    shortest, longest = options["min_length"], options["max_length"]
    share = (min(max(frames, shortest), longest) - shortest) / (longest - shortest)
    tilt = math.exp(-(options["base_shift"] + (options["max_shift"] - options["base_shift"]) * share))
    levels = 1 - tilt / (tilt + (1 / (1 - t) - 1))
    return torch.sin(levels * math.pi / 2) if options["use_sine"] else levels


_SPREADS: Final[dict[str, Callable[[Tensor, float, Mapping[str, float]], Tensor]]] = {
    "none": _none,
    "logsnr": _logsnr,
    "flux": _flux,
    "full": _full,
}

_DEFAULTS: Final[dict[str, dict[str, float]]] = {
    "none": {},
    "logsnr": {"anchor_length": 2000, "anchor_logsnr": -6.2, "rate": 1.0, "logsnr_end": 2.0},
    "flux": {"min_length": 256, "max_length": 4096, "alpha_min": 1.0, "alpha_max": 1.0},
    "full": {"base_shift": 0.5, "max_shift": 1.15, "max_length": 4096, "min_length": 256, "use_sine": 0},
}
"""What a checkpoint's configuration may leave unsaid."""


def _options(shift: ShiftConfig) -> Mapping[str, float]:
    defaults = _DEFAULTS[shift.kind]
    if unknown := sorted(set(shift.options) - set(defaults)):
        raise CheckpointError(
            f"The spread {shift.kind!r} of the noise levels has the options {', '.join(unknown)}, "
            f"expected {', '.join(defaults) or 'none'}.",
            hint="Check that the configuration belongs to the weights and is whole.",
        )
    return {**defaults, **shift.options}
