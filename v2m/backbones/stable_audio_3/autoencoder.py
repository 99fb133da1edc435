"""SAME, the autoencoder: sound to latents and back, of any length in little memory.

Long sound is done in stretches of 128 latents that overlap by 32, of which each gives up half the overlap to
its neighbour, as the original does by default. What a latent sees is less than that half, so the stretches
meet without a trace. Roughening that the original can add to latents before it decodes is left out: the same
latents are the same sound.

Conventions: t latent frame, c latent channel, s audio sample, a audio channel, p patch. A patch holds its
samples channel after channel. Parameter names are those of the original files under `pretransform.model.`.
Sources: arXiv 2605.18613.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from v2m.backbones.stable_audio_3.config import AutoencoderConfig, ResamplerConfig
from v2m.backbones.stable_audio_3.resampling import Resampler

STRETCH: Final = 128  # latents done together
_OVERLAP: Final = 32  # latents that neighbours share


class Bottleneck(nn.Module):
    """A gain and an offset a channel, and one deviation for all."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        channels = config.encoder.latent_channels
        self.scaling_factor = nn.Parameter(torch.ones(1, channels, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1))
        self.noise_scaling_factor = nn.Parameter(torch.ones(1, config.noise_channels, 1))
        self.running_std = nn.Parameter(torch.ones(1)) if config.scaled_by_deviation else None

    def encode(self, x: Tensor) -> Tensor:
        """(b, t, c) -> (b, t, c)."""
        x = x * self.scaling_factor.transpose(1, 2) + self.bias.transpose(1, 2)
        return x if self.running_std is None else x / self.running_std

    def decode(self, latents: Tensor) -> Tensor:
        """(b, t, c) -> (b, t, c)."""
        return latents if self.running_std is None else latents * self.running_std


class Encoder(nn.Module):
    """Patches to latents."""

    def __init__(self, config: ResamplerConfig) -> None:
        super().__init__()
        last = nn.Linear(config.width, config.latent_channels)
        # the original's layers 1 and 3 turn the axes
        self.layers = nn.ModuleList((Resampler(config, "read"), nn.Identity(), last, nn.Identity()))

    def forward(self, patches: Tensor) -> Tensor:
        """(b, p, patch channels) -> (b, t, c)."""
        for layer in self.layers:
            patches = layer(patches)
        return patches


class Decoder(nn.Module):
    """Latents to patches."""

    def __init__(self, config: ResamplerConfig) -> None:
        super().__init__()
        first = nn.Linear(config.latent_channels, config.width)
        self.layers = nn.ModuleList((nn.Identity(), first, nn.Identity(), Resampler(config, "write")))

    def forward(self, latents: Tensor) -> Tensor:
        """(b, t, c) -> (b, p, patch channels)."""
        for layer in self.layers:
            latents = layer(latents)
        return latents


@dataclass(frozen=True)
class Stretch:
    """A part of a long sequence that is done at once, in latents."""

    start: int
    stop: int
    kept: tuple[int, int]
    """Of the whole sequence, what this part decides."""


def stretches(count: int) -> Iterator[Stretch]:
    """How a sequence of `count` latents is divided; the last part is as long as the others."""
    starts = list(range(0, max(count - STRETCH, 0) + 1, STRETCH - _OVERLAP))
    if starts[-1] + STRETCH < count:
        starts.append(count - STRETCH)
    for i, start in enumerate(starts):
        stop = min(start + STRETCH, count)
        is_last = i == len(starts) - 1
        kept = (start + _OVERLAP // 2 if i else 0, count if is_last else stop - _OVERLAP // 2)
        yield Stretch(start, stop, kept)


class Autoencoder(nn.Module):
    """Sound to latents and back."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.encoder)
        self.decoder = Decoder(config.decoder)
        self.bottleneck = Bottleneck(config)

    def encode(self, sound: Tensor) -> Tensor:
        """(a, s) -> (t, c); s / hop is rounded up."""
        count = -(-sound.shape[1] // self.config.hop_samples)
        latents = sound.new_zeros(count, self.config.encoder.latent_channels)
        sound, whole = self._filled(sound, self.config.hop_samples, self.config.encoder)
        for part in stretches(whole):
            piece = sound[:, part.start * self.config.hop_samples : part.stop * self.config.hop_samples]
            encoded = self.bottleneck.encode(self.encoder(self._patches(piece)))[0]
            low, high = part.kept
            taken = encoded[low - part.start : high - part.start]
            latents[low:high] = taken[: max(count - low, 0)]
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """(t, c) -> (a, t * hop)."""
        hop, count = self.config.hop_samples, latents.shape[0]
        sound = latents.new_zeros(self.config.audio_channels, count * hop)
        filled, whole = self._filled(latents.T, 1, self.config.decoder)
        for part in stretches(whole):
            piece = self.bottleneck.decode(filled.T[None, part.start : part.stop])
            decoded = self._sound(self.decoder(piece))
            low, high = part.kept
            taken = decoded[:, (low - part.start) * hop : (high - part.start) * hop]
            sound[:, low * hop : high * hop] = taken[:, : max(count - low, 0) * hop]
        return torch.tanh(sound) if self.config.soft_clip else sound

    @staticmethod
    def _filled(x: Tensor, unit: int, config: ResamplerConfig) -> tuple[Tensor, int]:
        """(…, n) with zeros behind, to whole chunks of latents, and how many latents these are."""
        chunk = config.chunk_latents
        whole = -(-x.shape[-1] // (unit * chunk)) * chunk
        return F.pad(x, (0, whole * unit - x.shape[-1])), whole

    def _patches(self, sound: Tensor) -> Tensor:
        """(a, s) -> (1, p, patch channels)."""
        patches = torch.unflatten(sound, 1, (-1, self.config.patch_samples))
        return patches.transpose(0, 1).flatten(1)[None]

    def _sound(self, patches: Tensor) -> Tensor:
        """(1, p, patch channels) -> (a, s)."""
        channels = torch.unflatten(patches[0], 1, (self.config.audio_channels, -1))
        return channels.transpose(0, 1).flatten(1)
