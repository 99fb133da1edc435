"""Stable Audio 3 as a `Trainable`.

The model's noise level is 1 - time, and its velocity leads from data to noise, so both are turned round. Rows
without words are told tokens of zeros, whose keys and values are zeros: the attention to them adds nothing,
which is how the family leaves words out. Nothing is known of an excerpt: mask and masked latents are zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from v2m.backbones.sound.model import LatentGrid
from v2m.backbones.stable_audio_3.lora import read_lora
from v2m.backbones.stable_audio_3.model import StableAudio3
from v2m.backbones.stable_audio_3.text import TextEncoder, text_encoder_folder
from v2m.backbones.stable_audio_3.transformer import Condition, DiffusionTransformer, Layer
from v2m.backbones.stable_audio_3.weights import WEIGHTS, load_parts
from v2m.errors import UsageError
from v2m_training.fit.column import NAME
from v2m_training.fit.config import FitConfig
from v2m_training.fit.objective import Objective
from v2m_training.fit.team import Early, with_weights
from v2m_training.fit.words import Remembered

OFFICIAL: Final = "model.model."
"""Before the names of the transformer's weights in the official file."""


@dataclass(frozen=True)
class Asked:
    """What the rows of a batch are told."""

    words: Tensor  # (b, n, text width)
    length: Tensor  # (1, global width)


class Network(nn.Module):
    """The transformer with the event curves' column, called as a whole."""

    def __init__(self, transformer: DiffusionTransformer, curves: int) -> None:
        super().__init__()
        self.transformer = transformer
        self.register_parameter(NAME, nn.Parameter(torch.zeros(curves, transformer.config.width)))

    def forward(self, x: Tensor, level: Tensor, asked: Asked, curve: Tensor) -> Tensor:
        """The velocity from data to noise, (b, t, c)."""
        local = torch.zeros(1, 1, self.transformer.config.local_width, device=x.device)
        condition = Condition(asked.words, len(x), asked.length, local, curve @ getattr(self, NAME))
        told = self.transformer.told(condition, x.shape[1])
        predicted: Tensor = self.transformer(x, self.transformer.levels(level, asked.length), told)
        return predicted


class Bound:
    """See `Trainable`."""

    objective: Objective = "rectified_flow"
    column = NAME
    latent_scale = 1.0

    def __init__(self, folder: Path, name: str, device: torch.device, curves: int) -> None:
        self.name = name
        self._model = StableAudio3(folder, name=name, device=str(device), dtype="float32")
        config = self._model.config
        loras = [read_lora(path) for path in sorted((folder / "lora").glob("*.safetensors"))]
        parts = load_parts(folder / WEIGHTS, config, loras)
        self._conditioner = parts.conditioner.to(device, torch.float32).requires_grad_(False)
        self._autoencoder = parts.autoencoder.to(device, torch.float32).requires_grad_(False)
        self._device = device
        self.module = Network(parts.transformer.float(), curves).to(device)
        text = TextEncoder(text_encoder_folder(folder, config.text), config.text, device)
        self._text = Remembered(lambda prompt: text([prompt]))

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time."""
        return self._model.grid

    @property
    def weights_sha256(self) -> str:
        """Hash of the model without an adapter."""
        return self._model.base_sha256

    def blocks(self) -> list[nn.Module]:
        """The transformer's layers."""
        return list(self.module.transformer.transformer.layers)

    def early(self) -> list[Early]:
        """What makes the words' keys, and what the mask adds, once for all steps."""
        layers = [cast(Layer, layer) for layer in self.module.transformer.transformer.layers]
        asked = [layer.cross_attn for layer in layers]
        keys = [with_weights(attention.to_kv, attention.k_norm) for attention in asked]
        return [*keys, *((layer.to_local_embed,) for layer in layers)]

    def store_in(self, dtype: torch.dtype) -> None:
        """All of the transformer, as at inference; its levels of noise stay float32 up to their features."""
        self.module.transformer.to(dtype)

    def conditioning(self, prompts: Sequence[str | None], seconds: Sequence[float]) -> Asked:
        """Prompts and one length for all."""
        length = self._conditioner.length(seconds[0])
        rows = []
        for prompt in prompts:
            embeddings, words = self._text(prompt or "")
            tokens = self._conditioner.prompt(embeddings, words, seconds[0])
            rows.append(tokens if prompt is not None else torch.zeros_like(tokens))
        return Asked(torch.cat(rows), length)

    def velocity(self, x_t: Tensor, time: Tensor, conditioning: Asked, curve: Tensor) -> Tensor:
        """From noise to data."""
        predicted: Tensor = self.module(x_t, 1 - time, conditioning, curve)
        return -predicted

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents of sound."""
        with torch.no_grad():
            given = torch.from_numpy(np.ascontiguousarray(samples.T, np.float32)).to(self._device)
            return self._autoencoder.encode(given).float().cpu().numpy()

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound of latents."""
        with torch.no_grad():
            given = torch.from_numpy(np.ascontiguousarray(latents, np.float32)).to(self._device)
            return np.ascontiguousarray(self._autoencoder.decode(given).T.float().cpu().numpy())

    def official_name(self, parameter: str) -> str:
        """What a parameter of the module is called in the folder's `model.safetensors`."""
        return OFFICIAL + parameter.removeprefix("transformer.")


def load(config: FitConfig, folder: Path, device: torch.device) -> Bound:
    """The model of a folder.

    Raises:
        UsageError: a post-trained checkpoint shall forget how to compose in few steps.
    """
    bound = Bound(folder, config.family, device, len(config.curve.kernels_s))
    if config.trained != "column" and bound._model.config.objective != "rectified_flow":
        raise UsageError(
            f"{config.family} is post-trained for few steps, which this training would undo.",
            hint='Train its base checkpoint, or the column alone (trained = "column").',
        )
    return bound
