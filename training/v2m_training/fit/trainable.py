"""What a family of sound models must offer to be fine-tuned.

Conventions: b batch, t latent frame, c channel, k curve, d width; times run from 0, noise, to 1, data, in
every family: a binding turns them round where its model counts the other way (see `objective`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from v2m.backbones.sound.model import LatentGrid
from v2m_training.fit.objective import Objective
from v2m_training.fit.team import Early

Conditions = Any
"""What a family makes of prompts and lengths; looked at by that family alone."""


class Trainable(Protocol):
    """A pretrained model of sound, with the event curve's column, as `fit` sees it."""

    name: str
    """As `--backbone` says it."""

    objective: Objective
    """What its network predicts."""

    module: nn.Module
    """The network of velocities. Everything that is trained is a parameter of it; text encoder and codec are
    not. It is always called as a whole, so that its weights may lie spread over several machines."""

    column: str
    """Name of the parameter of `module` that is the event curves' column, (k, d), zeros at first."""

    latent_scale: float
    """Latents are divided by this before noise is added to them."""

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Hash of the model without an adapter, as `SoundModel` has it."""
        ...

    def blocks(self) -> Sequence[nn.Module]:
        """The repeated layers of `module`: where they take memory, computed again in the backward pass."""
        ...

    def early(self) -> Sequence[Early]:
        """What of the blocks is called before it is their turn, such as what makes the words' keys."""
        ...

    def store_in(self, dtype: torch.dtype) -> None:
        """Keep the network's weights in a number format, but the column and what needs every digit."""
        ...

    def conditioning(self, prompts: Sequence[str | None], seconds: Sequence[float]) -> Conditions:
        """Prompts and lengths as the network takes them; None is the null text. No gradient flows here."""
        ...

    def velocity(self, x_t: Tensor, time: Tensor, conditioning: Conditions, curve: Tensor) -> Tensor:
        """What the network predicts, (b, t, c), of x_t (b, t, c) at times (b,) with curves (b, t, k).

        Curves of zeros are the null curve.
        """
        ...

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2) in the grid's sample rate."""
        ...

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop_samples, 2) of latents (t, c)."""
        ...

    def official_name(self, parameter: str) -> str:
        """What a parameter of `module` is called in the model's own file of weights."""
        ...
