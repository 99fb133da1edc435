"""The Oobleck autoencoder: stereo sound to latents and back, for every family that uses one.

A stack of strided convolutions with Snake activations whose strides are read from a folder: 2 · 4 · 4 · 8 · 8
= 2048 samples a frame at 44.1 kHz (Stable Audio Open), 1920 at 48 kHz (ACE-Step 1.5), 3584 of the paper. The
weight norm of a checkpoint is folded into its weights as they are loaded, which changes nothing but speed.
Encoding gives the mean of the latents: the official code draws around it, but what is kept of a take must not
depend on chance. Both ways work on tiles of a fixed grid with as much on either side as the convolutions see,
so memory does not grow with the length and a tile's sound is that of the whole.

Conventions: n item, c channel, t latent frame, s sample; here channels come before time. Modules are named
as in the official checkpoint; `oobleck_names` brings those of diffusers to them.
Sources: Evans et al. 2024, "Fast timing-conditioned latent audio diffusion"; Kumar et al. 2023 (Snake in
autoencoders); Stability-AI/stable-audio-tools, `models/autoencoders.py`, `models/bottleneck.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from v2m.backbones.sound.checkpoint import load_strict
from v2m.backbones.sound.oobleck_names import folded

_DILATIONS: Final = (1, 3, 9)
_KERNEL: Final = 7
TILE_SAMPLES: Final = 256 * 2048
"""12 s at 44.1 kHz: the widest layer then holds 0.3 GB, and margins are a tenth of the work."""

_WIDEST_AT_ONCE: Final = 5
"""Of a tile in the widest layer: a residual unit's input, two in between, its output, and what a convolution
lays out for itself."""

_SOUND_AT_ONCE: Final = 3
"""Of the whole sound: in tiles, in one piece, and with its channels behind time."""

_FLOAT: Final = 4  # bytes

_LARGEST: Final = 1_000_000
"""Of a stride or a width: far beyond any such model."""

_SMALLEST_SCALE: Final = 1e-4
"""Of the latents' spread, in the bottleneck."""


@dataclass(frozen=True)
class OobleckShape:
    """What an autoencoder looks like."""

    latent_channels: int
    encoder_channels: int
    decoder_channels: int
    multiples: tuple[int, ...]
    """Of the channels, from the sound to the latents."""

    strides: tuple[int, ...]
    audio_channels: int = 2
    final_tanh: bool = False
    scale: float = 1.0
    """Latents are divided by it."""

    def __post_init__(self) -> None:
        """Refuse what no autoencoder can be.

        Raises:
            ValueError: a number out of range, or another number of strides than of multiples.
        """
        numbers = (
            self.latent_channels, self.encoder_channels, self.decoder_channels, self.audio_channels,
            *self.multiples, *self.strides,
        )  # fmt: skip
        if len(self.strides) != len(self.multiples) or not all(
            isinstance(number, int) and 0 < number <= _LARGEST for number in numbers
        ):
            raise ValueError(f"strides of {self.strides} and channels of {numbers} make no autoencoder")

    @property
    def hop_samples(self) -> int:
        """Samples of one latent frame."""
        return math.prod(self.strides)

    @property
    def tile_frames(self) -> int:
        """Latent frames that are worked on at once."""
        return max(1, TILE_SAMPLES // self.hop_samples)

    @property
    def decoding_margin(self) -> int:
        """Latent frames on either side that a sample depends on."""
        seen = _KERNEL // 2
        for stride in self.strides:
            # two frames more: a transposed kernel spans two, and rounding may begin in the one before
            seen = -(-(seen + _units_see()) // stride) + 2
        return seen + _KERNEL // 2

    @property
    def encoding_margin(self) -> int:
        """Latent frames on either side whose samples a latent depends on."""
        seen = 1
        for stride in reversed(self.strides):
            seen = seen * stride + 2 * stride + _units_see()
        return -(-(seen + _KERNEL // 2) // self.hop_samples)

    def decoding_bytes(self, frames: int) -> int:
        """What decoding so many latent frames takes beside the weights."""
        tile = min(frames, self.tile_frames + 2 * self.decoding_margin)
        widest = tile * self.decoder_channels * self.multiples[0]
        sound = frames * self.audio_channels
        return (_WIDEST_AT_ONCE * widest + _SOUND_AT_ONCE * sound) * self.hop_samples * _FLOAT


class Snake(nn.Module):
    """x + sin^2(alpha x) / beta, both learned as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, s) -> (n, c, s)."""
        alpha, beta = self.alpha.exp()[:, None], self.beta.exp()[:, None]
        return x + (1.0 / (beta + 1e-9)) * torch.sin(x * alpha).pow(2)


class ResidualUnit(nn.Module):
    """A dilated convolution and one over channels, added to the input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        padding = dilation * (_KERNEL - 1) // 2
        self.layers = nn.Sequential(
            Snake(channels),
            nn.Conv1d(channels, channels, _KERNEL, dilation=dilation, padding=padding),
            Snake(channels),
            nn.Conv1d(channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, s) -> (n, c, s)."""
        return x + self.layers(x)  # type: ignore[no-any-return]


class Stage(nn.Module):
    """A change of rate, with three residual units on the side of the sound."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, s) -> (n, c', s')."""
        return self.layers(x)  # type: ignore[no-any-return]


def _encoder(shape: OobleckShape) -> Stage:
    widths = [shape.encoder_channels * multiple for multiple in (1, *shape.multiples)]
    stages = (
        Stage(
            *_units(low),
            Snake(low),
            nn.Conv1d(low, high, 2 * stride, stride=stride, padding=-(-stride // 2)),
        )
        for low, high, stride in zip(widths, widths[1:], shape.strides, strict=False)
    )
    return Stage(
        nn.Conv1d(shape.audio_channels, widths[0], _KERNEL, padding=_KERNEL // 2),
        *stages,
        Snake(widths[-1]),
        nn.Conv1d(widths[-1], 2 * shape.latent_channels, 3, padding=1),
    )


def _decoder(shape: OobleckShape) -> Stage:
    widths = [shape.decoder_channels * multiple for multiple in (1, *shape.multiples)]
    stages = [
        Stage(
            Snake(high),
            nn.ConvTranspose1d(
                high,
                low,
                2 * stride,
                stride=stride,
                padding=-(-stride // 2),
                output_padding=stride % 2,  # an odd stride would give one sample too few
            ),
            *_units(low),
        )
        for low, high, stride in zip(widths, widths[1:], shape.strides, strict=False)
    ]
    return Stage(
        nn.Conv1d(shape.latent_channels, widths[-1], _KERNEL, padding=_KERNEL // 2),
        *reversed(stages),
        Snake(widths[0]),
        nn.Conv1d(widths[0], shape.audio_channels, _KERNEL, padding=_KERNEL // 2, bias=False),
        nn.Tanh() if shape.final_tanh else nn.Identity(),
    )


def _units(channels: int) -> Iterator[ResidualUnit]:
    return (ResidualUnit(channels, dilation) for dilation in _DILATIONS)


class Autoencoder(nn.Module):
    """Sound to latents and back."""

    def __init__(self, shape: OobleckShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = _encoder(shape)
        self.decoder = _decoder(shape)

    def distribution(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and spread (n, c, t) of the latents of sound (n, audio channels, s), all at once."""
        mean, scale = self.encoder(sound).chunk(2, dim=1)
        return mean / self.shape.scale, (functional.softplus(scale) + _SMALLEST_SCALE) / self.shape.scale

    def encode(self, sound: Tensor) -> Tensor:
        """Mean latents (1, c, t) of sound (1, audio channels, t * hop), tile by tile."""
        margin, hop = self.shape.encoding_margin, self.shape.hop_samples
        return self._tiled(sound, lambda tile: self.distribution(tile)[0], margin, (hop, 1))

    def decode(self, latents: Tensor) -> Tensor:
        """Sound (1, audio channels, s) of latents (1, c, t), tile by tile."""
        margin, hop = self.shape.decoding_margin, self.shape.hop_samples
        return self._tiled(latents, lambda tile: self.decoder(tile * self.shape.scale), margin, (1, hop))

    def _tiled(
        self, x: Tensor, work: Callable[[Tensor], Tensor], margin: int, places: tuple[int, int]
    ) -> Tensor:
        """Work on tiles of latent frames along the last axis; a frame has so many places before and after."""
        unit_in, unit_out = places
        frames, size = x.shape[-1] // unit_in, self.shape.tile_frames
        done = []
        for start in range(0, frames, size):
            stop = min(start + size, frames)
            low, high = max(start - margin, 0), min(stop + margin, frames)
            tile = work(x[..., low * unit_in : high * unit_in])
            done.append(tile[..., (start - low) * unit_out : (stop - low) * unit_out])
        return torch.cat(done, dim=-1)


def _units_see() -> int:
    return sum(_DILATIONS) * (_KERNEL // 2)


def load_oobleck(shape: OobleckShape, tensors: Mapping[str, Tensor]) -> Autoencoder:
    """An autoencoder with weights of the official names, on the CPU, in float32, in evaluation mode.

    Half formats would be heard as noise, and it is a small part of the work.

    Raises:
        CheckpointError: an InputError; the weights do not fit the shape.
    """
    with torch.device("meta"):
        model = Autoencoder(shape)
    load_strict(model, {name: value.float() for name, value in folded(tensors).items()})
    return model.eval().requires_grad_(False)
