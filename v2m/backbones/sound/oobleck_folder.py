"""An Oobleck autoencoder from a folder as diffusers leaves it, for the families whose folders hold one.

Conventions: latents (t, c) and sound (s, 2) float32, s = t * hop. Layout of the folder: `config.json` and
`diffusion_pytorch_model.safetensors`, as `AutoencoderOobleck.save_pretrained` of diffusers writes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from v2m.backbones.sound.checkpoint import read_safetensors
from v2m.backbones.sound.config_file import known_keys, read_config
from v2m.backbones.sound.oobleck import OobleckShape, load_oobleck
from v2m.backbones.sound.oobleck_names import official_autoencoder
from v2m.errors import CheckpointError
from v2m.model.memory import loaded_bytes

WEIGHTS: Final = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class OobleckConfig:
    """The shape of an autoencoder, with the names of its `config.json`."""

    encoder_hidden_size: int = 128
    downsampling_ratios: tuple[int, ...] = (2, 4, 4, 8, 8)
    """Strides from the sound inwards."""

    channel_multiples: tuple[int, ...] = (1, 2, 4, 8, 16)
    decoder_channels: int = 128
    decoder_input_channels: int = 64
    """The size of axis c."""

    audio_channels: int = 2
    sampling_rate: int = 44_100

    def __post_init__(self) -> None:
        """Refuse a shape that no autoencoder can have.

        Raises:
            CheckpointError: a number out of range, or as many strides as there are multiples not given.
        """
        numbers = (self.encoder_hidden_size, self.decoder_channels, self.decoder_input_channels,
                   self.sampling_rate, *self.downsampling_ratios, *self.channel_multiples)  # fmt: skip
        if len(self.downsampling_ratios) != len(self.channel_multiples) or not all(
            isinstance(number, int) and 0 < number <= 1_000_000 for number in numbers
        ):
            raise CheckpointError(
                f"The autoencoder's strides are {self.downsampling_ratios} and its channel multiples "
                f"{self.channel_multiples}, expected as many of each and whole numbers above 0."
            )
        if self.audio_channels != 2:
            raise CheckpointError(f"The autoencoder has {self.audio_channels} channels, expected stereo.")

    @property
    def hop_samples(self) -> int:
        """Samples of one latent frame."""
        return math.prod(self.downsampling_ratios)

    @property
    def shape(self) -> OobleckShape:
        """The layers."""
        return OobleckShape(
            latent_channels=self.decoder_input_channels,
            encoder_channels=self.encoder_hidden_size,
            decoder_channels=self.decoder_channels,
            multiples=self.channel_multiples,
            strides=self.downsampling_ratios,
            audio_channels=self.audio_channels,
        )


def read_oobleck_config(folder: Path) -> OobleckConfig:
    """The shape that a folder's `config.json` says.

    Raises:
        CheckpointError: an InputError; it is not there or describes no Oobleck autoencoder.
    """
    path = folder / "config.json"
    values = known_keys(path, read_config(path), {field.name for field in fields(OobleckConfig)})
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    try:
        return OobleckConfig(**{**values, **lists})
    except TypeError as error:
        raise CheckpointError(f"{path} describes no Oobleck autoencoder: {error}.") from error


def decoding_bytes(folder: Path, frames: int, *, is_loaded: bool) -> int:
    """What decoding so many latent frames takes beyond what is in use, its weights counted until they are."""
    weights = 0 if is_loaded else loaded_bytes([folder / WEIGHTS], torch.float32.itemsize)
    return weights + read_oobleck_config(folder).shape.decoding_bytes(frames)


class Oobleck:
    """An autoencoder on a device, in float32."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Load it.

        Raises:
            CheckpointError: an InputError; the files are broken or do not belong together.
        """
        self.config, self.device = read_oobleck_config(folder), device
        stored = read_safetensors(folder / WEIGHTS)
        tensors = official_autoencoder(stored, len(self.config.downsampling_ratios))
        self._network = load_oobleck(self.config.shape, tensors).to(device)

    @torch.inference_mode()
    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop, 2) of latents (t, c)."""
        if not len(latents):
            return np.zeros((0, 2), np.float32)
        whole = torch.from_numpy(np.ascontiguousarray(latents.T))[None]  # (1, c, t)
        return np.ascontiguousarray(self._network.decode(whole.to(self.device))[0].T.cpu().numpy())

    @torch.inference_mode()
    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2); the last frame is filled up with silence."""
        if not len(samples):
            return np.zeros((0, self.config.decoder_input_channels), np.float32)
        whole = torch.from_numpy(np.ascontiguousarray(samples.T))[None]  # (1, 2, s)
        whole = functional.pad(whole, (0, -whole.shape[-1] % self.config.hop_samples))
        return np.ascontiguousarray(self._network.encode(whole.to(self.device))[0].T.cpu().numpy())
