"""The Oobleck autoencoder: stereo sound to latents and back, for every family that uses one.

A stack of strided convolutions whose strides are read from the folder: 2 · 4 · 4 · 6 · 10 = 1920 samples a
frame at 48 kHz (ACE-Step 1.5), or any other product, as 7 · 512 = 3584 at 44.1 kHz of the paper. The layers
are those of diffusers; here they are loaded strictly, their weight norms are folded once, and sound is
worked on piece by piece, each with as much on either side as the layers reach, so that memory does not grow
with the length and a piece does not depend on what lies far from it.

Conventions: latents (t, c) and sound (s, 2) float32, s = t * hop; encoding gives the mean of the posterior,
so the same sound gives the same latents. Layout of the folder: `config.json` and
`diffusion_pytorch_model.safetensors`, as `AutoencoderOobleck.save_pretrained` of diffusers leaves them.
Sources: Evans et al. 2024, "Stable Audio Open"; diffusers, `AutoencoderOobleck`.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from v2m.backbones.sound.checkpoint import load_strict, read_safetensors
from v2m.backbones.sound.config_file import known_keys, read_config
from v2m.errors import CheckpointError, MissingPartError

_PIECE_S: Final = 10.0
"""Sound that is worked on at once: the widest layers take about 0.15 GB a second of it."""

_UNIT_REACH: Final = 3 * (1 + 3 + 9)
"""Samples that the residual units of a block look to either side: kernels of 7, dilations 1, 3, 9."""


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
    def reach_frames(self) -> int:
        """How many latent frames to either side decide a sample, or a frame's latents."""
        reach, rate = 4.0, 1  # the innermost convolution of 7, and one frame for rounding
        for stride in reversed(self.downsampling_ratios):
            reach += 1 / rate
            rate *= stride
            reach += _UNIT_REACH / rate
        return math.ceil(reach + 3 / rate)


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


class Oobleck:
    """An autoencoder on a device, in float32: it is small, and half formats are heard as noise."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Load it.

        Raises:
            CheckpointError: an InputError; the files are broken or do not belong together.
            MissingPartError: diffusers is not installed.
        """
        self.config = read_oobleck_config(folder)
        self.device = device
        network = empty_oobleck(self.config)
        load_strict(network, read_safetensors(folder / "diffusion_pytorch_model.safetensors"))
        _fold_norms(network)
        self._network = network.float().to(device).eval()

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop, 2) of latents (t, c)."""
        whole = torch.from_numpy(np.ascontiguousarray(latents.T))[None]  # (1, c, t)
        hop = self.config.hop_samples
        parts = []
        with torch.inference_mode():
            for piece, before, count in self._pieces(whole, frame_samples=1):
                sound = self._network.decode(piece.to(self.device)).sample  # (1, 2, s)
                parts.append(sound[0, :, before * hop : (before + count) * hop].cpu())
        return _rows(parts, 2)

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2); the last frame is filled up with silence."""
        hop = self.config.hop_samples
        whole = torch.from_numpy(np.ascontiguousarray(samples.T))[None]  # (1, 2, s)
        whole = nn.functional.pad(whole, (0, -whole.shape[-1] % hop))
        parts = []
        with torch.inference_mode():
            for piece, before, count in self._pieces(whole, frame_samples=hop):
                mean = self._network.encode(piece.to(self.device)).latent_dist.mode()  # (1, c, t)
                parts.append(mean[0, :, before : before + count].cpu())
        return _rows(parts, self.config.decoder_input_channels)

    def _pieces(self, whole: Tensor, frame_samples: int) -> list[tuple[Tensor, int, int]]:
        """Pieces of (1, …, frames * frame_samples) with their surroundings; frames before, and of itself."""
        frames = whole.shape[-1] // frame_samples
        size = max(1, round(_PIECE_S * self.config.sampling_rate / self.config.hop_samples))
        reach = self.config.reach_frames
        pieces = []
        for start in range(0, frames, size):
            stop = min(start + size, frames)
            first, last = max(0, start - reach), min(frames, stop + reach)
            piece = whole[..., first * frame_samples : last * frame_samples]
            pieces.append((piece, start - first, stop - start))
        return pieces


def empty_oobleck(config: OobleckConfig) -> Any:  # noqa: ANN401 - a module of diffusers, which has no types
    """The layers without memory for their numbers.

    Raises:
        MissingPartError: diffusers is not installed.
    """
    with torch.device("meta"):
        return new_oobleck(config)


def new_oobleck(config: OobleckConfig) -> Any:  # noqa: ANN401 - a module of diffusers, which has no types
    """The layers with random numbers, for training.

    Raises:
        MissingPartError: diffusers is not installed.
    """
    try:
        import diffusers
    except ImportError as error:
        raise MissingPartError(
            "The Oobleck autoencoder needs diffusers, which is not installed.",
            hint='Run pip install "v2m[models]".',
        ) from error
    layers: Any = diffusers.AutoencoderOobleck
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(config).items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the kind of weight norm that the files have
        network: Any = layers(**values)
    for block in network.decoder.block:
        # An odd stride leaves one sample too few a frame's end; the layers of diffusers know even ones.
        block.conv_t1.output_padding = (block.conv_t1.stride[0] % 2,)
    return network


def _fold_norms(network: nn.Module) -> None:
    """Compute the weights behind the norms once instead of at every call."""
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d) and hasattr(module, "weight_g"):
            nn.utils.remove_weight_norm(module)


def _rows(parts: list[Tensor], channels: int) -> NDArray[np.float32]:
    """Parts (c, n) in a row as (n, c)."""
    if not parts:
        return np.zeros((0, channels), np.float32)
    joined: NDArray[np.float32] = torch.cat(parts, dim=-1).T.contiguous().numpy()
    return joined
