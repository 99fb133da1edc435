"""A latent head as something to train: it belongs to a space of latents and needs no model of sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from v2m.backbones.sound.head import HeadConfig, LatentHead
from v2m.backbones.sound.model import LatentGrid
from v2m.errors import UsageError
from v2m_training.fit.config import HeadShape
from v2m_training.fit.objective import Objective
from v2m_training.fit.team import Early
from v2m_training.prepare.prepared import SetFacts


class HeadModel:
    """See `Trainable`; it is told nothing and composes nothing."""

    objective: Objective = "rectified_flow"
    column = ""
    latent_scale = 1.0

    def __init__(self, facts: SetFacts, shape: HeadShape, seed: int, longest_frames: int) -> None:
        self.name = facts.model
        self.weights_sha256 = facts.weights_sha256
        self.grid = LatentGrid(facts.sample_rate_hz, facts.hop_samples, facts.channels, longest_frames)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module: nn.Module = LatentHead(HeadConfig(facts.channels, shape.width, shape.depth))

    def blocks(self) -> list[nn.Module]:
        """None that would be worth computing twice."""
        return []

    def early(self) -> list[Early]:
        """Nothing: there are no blocks."""
        return []

    def store_in(self, dtype: torch.dtype) -> None:
        """All of a head is trained, so it stays float32."""

    def conditioning(self, prompts: Sequence[str | None], seconds: Sequence[float]) -> None:
        """A head hears no words."""

    def velocity(self, x_t: Tensor, time: Tensor, conditioning: None, curve: Tensor) -> Tensor:
        """A head composes nothing.

        Raises:
            UsageError: always.
        """
        raise _nothing_to_compose()

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """A head has no codec.

        Raises:
            UsageError: always.
        """
        raise _nothing_to_compose()

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """A head has no codec.

        Raises:
            UsageError: always.
        """
        raise _nothing_to_compose()

    def official_name(self, parameter: str) -> str:
        """A head has a file of its own."""
        return parameter


def _nothing_to_compose() -> UsageError:
    return UsageError("A head composes no samples.", hint="Set samples = 0 under [measuring].")
