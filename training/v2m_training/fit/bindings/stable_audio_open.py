"""Stable Audio Open 1.0 and small as a `Trainable`.

The model's time is 1 - time. What 1.0 predicts is `v_prediction` as it stands: its angle is the complement of
ours, so that its cosine of the data's share is our sine. Small follows the straight path towards noise and is
turned round. Rows without words are told tokens of zeros, those of the seconds too; the global seconds stay.
The model composes windows of its full length, 47.6 s and 11.9 s: `crop_s` near it suits it best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from v2m.backbones.sound.model import LatentGrid
from v2m.backbones.stable_audio_open.files import ModelFolder
from v2m.backbones.stable_audio_open.loaded import Loaded
from v2m.backbones.stable_audio_open.model import StableAudioOpen
from v2m.backbones.stable_audio_open.numbers import told_seconds
from v2m.backbones.stable_audio_open.transformer import DiffusionTransformer, Layer
from v2m.errors import UsageError
from v2m_training.fit.column import NAME
from v2m_training.fit.config import FitConfig
from v2m_training.fit.exact import compute_exactly
from v2m_training.fit.objective import Objective
from v2m_training.fit.team import Early, with_weights
from v2m_training.fit.words import Remembered

OFFICIAL: Final = "model.model."


@dataclass(frozen=True)
class Asked:
    """What the rows of a batch are told."""

    tokens: Tensor  # (b, m, token width)
    seconds: Tensor  # (b, global width)


class Network(nn.Module):
    """The transformer with the event curves' column, called as a whole."""

    def __init__(self, transformer: DiffusionTransformer, curves: int) -> None:
        super().__init__()
        self.transformer = transformer
        self.register_parameter(NAME, nn.Parameter(torch.zeros(curves, transformer.shape.width)))

    def forward(self, x: Tensor, time: Tensor, asked: Asked, curve: Tensor) -> Tensor:
        """What the transformer predicts, (b, t, c)."""
        encoded = self.transformer.encode(asked.tokens, asked.seconds, x.shape[1])
        event = curve @ getattr(self, NAME)
        predicted: Tensor = self.transformer(x, time, replace(encoded, event=event))
        return predicted


class Bound:
    """See `Trainable`."""

    column = NAME
    latent_scale = 1.0

    def __init__(self, folder: Path, name: str, device: torch.device, curves: int) -> None:
        self.name = name
        self._model = StableAudioOpen(folder, name=name, device=str(device), dtype="float32")
        files = ModelFolder(folder)
        self._config = files.config()
        self._parts = Loaded(files, self._config, device, torch.float32)
        self._device = device
        self.objective: Objective = "v_prediction" if self._config.objective == "v" else "rectified_flow"
        self.module = Network(self._parts.transformer.float(), curves).to(device)
        trunk = self.module.transformer
        compute_exactly(trunk.timestep_features, trunk.to_timestep_embed, trunk.to_global_embed)
        for conditioner in self._parts.numbers.values():
            conditioner.requires_grad_(False)
        self._text = Remembered(self._parts.text)

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time."""
        return self._model.grid

    @property
    def is_distilled(self) -> bool:
        """Whether it was post-trained for few steps."""
        return self._config.objective == "rf_denoiser"

    @property
    def weights_sha256(self) -> str:
        """Hash of the model without an adapter."""
        return self._model.base_sha256

    def blocks(self) -> list[nn.Module]:
        """The transformer's layers."""
        return list(self.module.transformer.transformer.layers)

    def early(self) -> list[Early]:
        """What makes the words' keys, once for all steps."""
        made = (cast(Layer, layer).cross_attn for layer in self.module.transformer.transformer.layers)
        return [with_weights(attention.to_kv, attention.k_norm) for attention in made]

    def store_in(self, dtype: torch.dtype) -> None:
        """The layers, as at inference; time and seconds stay as they are."""
        self.module.transformer.cast(dtype)

    def conditioning(self, prompts: Sequence[str | None], seconds: Sequence[float]) -> Asked:
        """Prompts and lengths."""
        rows = [self._row(prompt, length) for prompt, length in zip(prompts, seconds, strict=True)]
        return Asked(
            torch.stack([tokens for tokens, _ in rows]).to(self._device),
            torch.cat([whole for _, whole in rows]).to(self._device),
        )

    def _row(self, prompt: str | None, length_s: float) -> tuple[Tensor, Tensor]:
        told = told_seconds(0.0, length_s, length_s)
        numbers = {name: of(torch.tensor([told[name]])) for name, of in self._parts.numbers.items()}
        tokens = torch.cat([self._text(prompt or ""), *(numbers[span.name] for span in self._config.numbers)])
        whole = torch.cat([numbers[name] for name in self._config.global_numbers], dim=-1)
        return (tokens if prompt is not None else torch.zeros_like(tokens)), whole

    def velocity(self, x_t: Tensor, time: Tensor, conditioning: Asked, curve: Tensor) -> Tensor:
        """What the objective says, in our time."""
        predicted: Tensor = self.module(x_t, 1 - time, conditioning, curve)
        return predicted if self.objective == "v_prediction" else -predicted

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents of sound."""
        whole = np.pad(samples, ((0, -len(samples) % self.grid.hop_samples), (0, 0)))
        with torch.no_grad():
            given = torch.from_numpy(np.ascontiguousarray(whole.T, np.float32))[None].to(self._device)
            return self._parts.autoencoder.encode(given)[0].T.cpu().numpy()

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound of latents."""
        with torch.no_grad():
            given = torch.from_numpy(np.ascontiguousarray(latents.T, np.float32))[None].to(self._device)
            return np.ascontiguousarray(self._parts.autoencoder.decode(given)[0].T.cpu().numpy())

    def official_name(self, parameter: str) -> str:
        """What a parameter of the module is called in the folder's `model.safetensors`."""
        return OFFICIAL + parameter.removeprefix("transformer.")


def load(config: FitConfig, folder: Path, device: torch.device) -> Bound:
    """The model of a folder.

    Raises:
        UsageError: a distilled checkpoint shall forget how to compose in few steps.
    """
    bound = Bound(folder, config.family, device, len(config.curve.kernels_s))
    if config.trained != "column" and bound.is_distilled:
        raise UsageError(
            f"{config.family} is distilled for few steps, which this training would undo.",
            hint='Train another checkpoint, or the column alone (trained = "column").',
        )
    return bound
