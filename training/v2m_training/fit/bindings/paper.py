"""A model of the paper's kind as a `Trainable`: the same time and velocity as ours.

Its latents are divided by the scale of its configuration. Rows without words attend to the null token alone.
A column that the folder has is where the first curve's begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from v2m.backbones.paper.autoencoder import kind_of
from v2m.backbones.paper.config import read_paper_config
from v2m.backbones.paper.model import Paper
from v2m.backbones.paper.network import COLUMN, load_network
from v2m.backbones.paper.words import Words, text_encoder_folder
from v2m.backbones.sound.arithmetic import choose_arithmetic
from v2m.backbones.sound.model import LatentGrid
from v2m.model.conditioning import Conditioning
from v2m.model.dit import Block
from v2m_training.fit.column import NAME, EventColumn
from v2m_training.fit.config import FitConfig
from v2m_training.fit.objective import Objective
from v2m_training.fit.team import Early, with_weights
from v2m_training.fit.words import Remembered


class Bound:
    """See `Trainable`."""

    objective: Objective = "rectified_flow"
    column = NAME

    def __init__(self, folder: Path, name: str, device: torch.device, curves: int) -> None:
        self.name = name
        self._model = Paper(folder, name=name, device=str(device))
        config = read_paper_config(folder)
        self.latent_scale = config.latent_scale
        self._text_width = config.text_width
        self._device = device
        network = load_network(folder, config).float().to(device)
        self._event = EventColumn(network, network.input, config.width, curves)
        if network.curve_column is not None:
            with torch.no_grad():
                getattr(network, NAME)[0] = network.curve_column[0]
            network.curve_column = None  # ours stands for it
        self.module: nn.Module = network
        self._blocks = list(network.blocks)
        self._autoencoder = kind_of(folder / "autoencoder").load(folder / "autoencoder", device)
        # a text encoder answers once a prompt, so the format that is fast on the device does
        words = Words(text_encoder_folder(folder), choose_arithmetic(str(device), ""), config.text_tokens)
        self._text = Remembered(words.of)

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time."""
        return self._model.grid

    @property
    def weights_sha256(self) -> str:
        """Hash of the model without an adapter."""
        return self._model.base_sha256

    def blocks(self) -> list[nn.Module]:
        """The transformer's blocks."""
        return self._blocks

    def early(self) -> list[Early]:
        """What makes the words' keys, once for all steps."""
        made = (cast(Block, block).cross_attention for block in self._blocks)
        return [with_weights(attention.key_value, attention.key_norm) for attention in made]

    def store_in(self, dtype: torch.dtype) -> None:
        """All but the column, as at inference."""
        self.module.to(dtype)
        column = getattr(self.module, NAME)
        column.data = column.data.float()

    def conditioning(self, prompts: Sequence[str | None], seconds: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Embeddings (b, n, e), filled up, and which count, (b, n); the model is told no length."""
        empty = torch.zeros(1, self._text_width, device=self._device)
        rows = [empty if prompt is None else self._text(prompt)[0].float() for prompt in prompts]
        text = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        places = torch.arange(text.shape[1], device=text.device)
        lengths = [0 if prompt is None else len(row) for prompt, row in zip(prompts, rows, strict=True)]
        return text, places < torch.tensor(lengths, device=text.device)[:, None]

    def velocity(
        self, x_t: Tensor, time: Tensor, conditioning: tuple[Tensor, Tensor], curve: Tensor
    ) -> Tensor:
        """From noise to data."""
        text, counted = conditioning
        b, t, _ = x_t.shape
        asked = Conditioning(
            masked_latent=torch.zeros_like(x_t),
            mask=torch.zeros(b, t, 1, device=x_t.device),
            grid=torch.zeros(b, t, 0, device=x_t.device),
            text=text,
            text_mask=counted,
        )
        self._event.curve = curve
        predicted: Tensor = self.module(x_t, time, asked)
        return predicted

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents of sound, as the folder's autoencoder gives them."""
        return self._autoencoder.encode(samples)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound of latents."""
        return self._autoencoder.decode(latents)

    def official_name(self, parameter: str) -> str:
        """What a parameter of the module is called in the folder's `model.safetensors`."""
        return COLUMN if parameter == NAME else parameter


def load(config: FitConfig, folder: Path, device: torch.device) -> Bound:
    """The model of a folder."""
    return Bound(folder, config.family, device, len(config.curve.kernels_s))
