"""`paper` as a `SoundModel`: loaded when first asked, given back when told."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Final, Unpack

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from v2m.backbones.paper.autoencoder import Autoencoder, kind_of
from v2m.backbones.paper.config import PaperConfig, read_paper_config
from v2m.backbones.paper.network import load_network, weight_files
from v2m.backbones.paper.words import Words, text_encoder_folder
from v2m.backbones.sound.adapter import load_adapter
from v2m.backbones.sound.arithmetic import telling_memory
from v2m.backbones.sound.guidance import curve_scale_at
from v2m.backbones.sound.head import Steering
from v2m.backbones.sound.model import LatentGrid, SoundWindow
from v2m.backbones.sound.pretrained import Asked, Pretrained
from v2m.errors import CheckpointError, InputError
from v2m.model.conditioning import Conditioning
from v2m.model.dit import DiT
from v2m.model.noise import latent_noise
from v2m.model.sampler import Lead, SamplerSettings, sample
from v2m.stages import Cancel, FractionDone

_BRANCHES: Final = 3
"""Most predictions of one step: nothing, words, words and curve."""


class Paper(Pretrained):
    """A model that somebody trained, of any size of this family."""

    def __init__(self, folder: Path, *, name: str, **asked: Unpack[Asked]) -> None:
        super().__init__(folder, name=name, **asked)
        self._network: DiT | None = None
        self._words: Words | None = None
        self._autoencoder: Autoencoder | None = None

    @cached_property
    def config(self) -> PaperConfig:
        """Its shape and how it is sampled."""
        return read_paper_config(self._root)

    @cached_property
    def grid(self) -> LatentGrid:
        """How its latents lie in time; known without loading the weights."""
        folder = self._autoencoder_folder
        grid = kind_of(folder).grid(folder, self.config.longest_frames)
        if grid.channels != self.config.latent_channels:
            raise CheckpointError(
                f"The autoencoder of {self._root} has {grid.channels} channels, the model was trained on "
                f"{self.config.latent_channels}."
            )
        return grid

    def _deciding_files(self) -> list[Path]:
        parts = (self._autoencoder_folder, text_encoder_folder(self._root))
        beside = chain.from_iterable(sorted(part.glob("*.safetensors")) for part in parts)
        configs = (self._root / "config.json", *(part / "config.json" for part in parts))
        return [*weight_files(self._root), *configs, *beside]

    def compose(self, window: SoundWindow, on_progress: FractionDone, cancel: Cancel) -> NDArray[np.float32]:
        """Latents (b, t, c) of a window; where `known` they are `known_latents`, the same numbers.

        Raises:
            CancelledError: `cancel` said so.
            OutOfMemoryError: memory did not suffice.
            InputError: the window is longer than the model composes at once.
        """
        if not 0 < window.frame_count <= self.grid.longest_frames:
            raise InputError(
                f"A window of {window.frame_count} frames was asked for, expected 1 to "
                f"{self.grid.longest_frames}."
            )
        cancel()
        with telling_memory(self.name, window.frame_count):
            network = self._load_network()
            # a column of zeros says nothing, and without a curve a step has the branches of the base
            hears_curve = network.curve_column is not None and bool(network.curve_column.any())
            conditioning, unwanted = self._conditioning(window, window.curve if hears_curve else None)

            def stopped() -> bool:
                cancel()  # raises
                return False

            composed = sample(
                network, conditioning, self._noise(window), self._settings(window),
                progress=on_progress, cancelled=stopped, unwanted=unwanted, lead=_lead(window.steering),
            )  # fmt: skip
            latents: NDArray[np.float32] = composed.cpu().numpy() * np.float32(self.config.latent_scale)
        if window.known is not None and window.known_latents is not None:
            latents[:, window.known] = window.known_latents[:, window.known]  # past the rounding of the scale
        return latents

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop_samples, 2) of latents (t, c)."""
        with telling_memory(self.name, len(latents)):
            return self._load_autoencoder().decode(latents)

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2); t is s / hop_samples, rounded up."""
        with telling_memory(self.name, len(samples) // self.grid.hop_samples):
            return self._load_autoencoder().encode(samples)

    def unload(self) -> None:
        """Give the memory back; the next call loads again."""
        self._network = self._words = self._autoencoder = None
        self._arithmetic.give_back()

    def needed_bytes(self, frame_count: int, takes: int) -> int:
        """What composing takes beyond what is in use now; takes come one after the other."""
        itemsize = self._dtype.itemsize
        files = [] if self._network else weight_files(self._root)
        if self._words is None:
            files = [*files, *text_encoder_folder(self._root).glob("*.safetensors")]
        stored_itemsize = 2  # bfloat16, as `save_network` and Gemma's files have it
        weights = sum(path.stat().st_size for path in files) * itemsize // stored_itemsize
        widest = 3 * self.config.ff_width + 8 * self.config.width
        return weights + _BRANCHES * frame_count * widest * itemsize

    def decoding_bytes(self, frame_count: int) -> int:
        """What decoding takes beyond what is in use now."""
        folder = self._autoencoder_folder
        is_loaded = self._autoencoder is not None
        return kind_of(folder).decoding_bytes(folder, frame_count, is_loaded=is_loaded)

    @property
    def _autoencoder_folder(self) -> Path:
        return self._root / "autoencoder"

    def _load_network(self) -> DiT:
        if self._network is None:
            column = None
            if self._adapter_path is not None:
                column = torch.from_numpy(self._adapters_column(self._adapter_path))
            network = load_network(self._root, self.config, column)
            network = network.to(self._device, self._dtype)
            self._arithmetic.make_fast(network.blocks)
            self._network = network
        return self._network

    def _adapters_column(self, path: Path) -> NDArray[np.float32]:
        adapter = load_adapter(path, base_sha256=self.base_sha256, grid=self.grid, width=self.config.width)
        if adapter.column.ndim != 1:
            raise CheckpointError(
                f"The adapter {path.name} has a column of {adapter.column.shape}, expected "
                f"({self.config.width},): this model takes one frame at a time."
            )
        return adapter.column

    def _load_autoencoder(self) -> Autoencoder:
        if self._autoencoder is None:
            folder = self._autoencoder_folder
            self._autoencoder = kind_of(folder).load(folder, self._device)
        return self._autoencoder

    def _settings(self, window: SoundWindow) -> SamplerSettings:
        text_scale = self.config.text_scale if window.text_scale is None else window.text_scale
        return SamplerSettings(
            steps=window.steps or self.config.steps,
            text_scale=text_scale,
            curve_scale=curve_scale_at(window.adherence, text_scale),
        )

    def _noise(self, window: SoundWindow) -> Tensor:
        drawn = [
            latent_noise(seed, window.first_frame, window.frame_count, self.grid.channels)
            for seed in window.seeds
        ]
        return torch.from_numpy(np.stack(drawn)).to(self._device)

    def _conditioning(
        self, window: SoundWindow, curve: NDArray[np.float32] | None
    ) -> tuple[Conditioning, Conditioning | None]:
        """What is asked for, a row a take, and what is not wanted in place of no words."""
        takes, frames = len(window.seeds), window.frame_count
        masked = np.zeros((takes, frames, self.grid.channels), np.float32)
        mask = np.zeros((takes, frames, 1), np.float32)
        if window.known is not None and window.known_latents is not None:
            mask[:, window.known] = 1
            masked[:, window.known] = window.known_latents[:, window.known] / self.config.latent_scale
        asked = Conditioning(
            masked_latent=torch.from_numpy(masked),
            mask=torch.from_numpy(mask),
            grid=torch.zeros(takes, frames, 0),
            curve=None if curve is None else torch.from_numpy(np.tile(curve, (takes, 1))),
        ).to(self._device)
        if self._words is None:
            folder = text_encoder_folder(self._root)
            self._words = Words(folder, self._arithmetic, self.config.text_tokens)
        prompt = self._words.of(window.prompt)
        if not window.negative_prompt:
            return _saying(asked, prompt, prompt.shape[1]), None
        negative = self._words.of(window.negative_prompt)
        longest = max(prompt.shape[1], negative.shape[1])
        return _saying(asked, prompt, longest), _saying(asked.without_curve(), negative, longest)


def _lead(steering: Steering | None) -> Lead | None:
    """Steering, whose velocity is noise less music and whose time runs the other way."""
    if steering is None:
        return None
    return lambda x, velocity, time: -steering.velocity(x, -velocity, 1 - time)


def _saying(asked: Conditioning, text: Tensor, longest: int) -> Conditioning:
    """The same with words (1, n, e), filled up to the length of the longest of a batch."""
    takes, count = asked.mask.shape[0], text.shape[1]
    counts = torch.arange(longest, device=text.device) < count
    return Conditioning(
        **{
            **vars(asked),
            "text": F.pad(text.float(), (0, 0, 0, longest - count)).expand(takes, -1, -1),
            "text_mask": counts.expand(takes, -1),
        }
    )
