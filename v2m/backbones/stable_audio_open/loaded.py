"""The parts of a Stable Audio Open model in memory, each read when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import torch
from torch import nn

from v2m.backbones.sound.oobleck import Autoencoder, load_oobleck
from v2m.backbones.stable_audio_open.config import OpenConfig
from v2m.backbones.stable_audio_open.controlnet import ControlNet
from v2m.backbones.stable_audio_open.files import (
    ModelFolder,
    load_controlnet,
    load_numbers,
    load_transformer,
    read_weights,
)
from v2m.backbones.stable_audio_open.numbers import NumberConditioner
from v2m.backbones.stable_audio_open.text import TextEncoder
from v2m.backbones.stable_audio_open.transformer import DiffusionTransformer, Trunk

_FLOAT = 4  # bytes

_BRANCHES = 3
"""Of the guidance, at most."""

_WIDTHS_AT_ONCE = 16
"""Of a layer: its input, and the gated feed-forward's two projections and their product."""


class Loaded:
    """A model's parts on a device.

    Args:
        files: where they are.
        config: what they look like.
        device: where to compute.
        dtype: number format of the transformer's layers; all else is float32.
        made_ready: told the layers of a transformer when they are where they will compute.
    """

    def __init__(
        self,
        files: ModelFolder,
        config: OpenConfig,
        device: torch.device,
        dtype: torch.dtype,
        made_ready: Callable[[Iterable[nn.Module]], None] = lambda layers: None,
    ) -> None:
        self.config, self.device, self.dtype = config, device, dtype
        self._files, self._made_ready = files, made_ready

    @cached_property
    def text(self) -> TextEncoder:
        """On the CPU whatever the device."""
        return self._files.text_encoder(self.config)

    @cached_property
    def transformer(self) -> DiffusionTransformer:
        """In the number format."""
        model = self._read[0]
        self._place(model)
        return model

    @cached_property
    def autoencoder(self) -> Autoencoder:
        """In float32: its Snake activations turn fast, and it is a small part of the work."""
        return self._read[1].to(self.device)

    @cached_property
    def numbers(self) -> dict[str, NumberConditioner]:
        """On the CPU, as the text."""
        return self._read[2]

    @cached_property
    def controlnet(self) -> ControlNet | None:
        """In the number format."""
        if self._files.controlnet is None:
            return None
        model = load_controlnet(self.config, self._files.controlnet)
        self._place(model)
        return model

    def _place(self, model: Trunk) -> None:
        model.cast(self.dtype)
        model.to(self.device)
        self._made_ready(model.transformer.layers)

    @cached_property
    def _read(self) -> tuple[DiffusionTransformer, Autoencoder, dict[str, NumberConditioner]]:
        """All that is in one file, read at once."""
        weights = read_weights(self._files, self.config)
        return (
            load_transformer(self.config, weights.transformer),
            load_oobleck(self.config.autoencoder, weights.autoencoder),
            load_numbers(self.config, weights.numbers),
        )

    def needed_bytes(self) -> int:
        """Of the device, beyond what is in use: what is not loaded, and the work on a window."""
        window = self.config.grid.longest_frames
        layer = _BRANCHES * window * self.config.transformer.width * _WIDTHS_AT_ONCE * self.dtype.itemsize
        return self._missing_bytes() + layer

    def decoding_bytes(self, frames: int) -> int:
        """Of the device, for decoding so many latent frames, what is not loaded counted too."""
        return self._missing_bytes() + self.config.autoencoder.decoding_bytes(frames)

    def _missing_bytes(self) -> int:
        """Of weights that are not loaded yet."""
        if "_read" in self.__dict__:
            return 0
        if self.device.type == "cpu":
            return self._files.weights_bytes()  # while they are read they are there as they are stored
        transformer, autoencoder = self._files.stored_numbers()
        return transformer * self.dtype.itemsize + autoencoder * _FLOAT
