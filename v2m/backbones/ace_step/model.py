"""ACE-Step 1.5 as a `SoundModel`: loaded when first asked, given back when told.

Conventions: 25 latent frames a second of 64 channels, 48 kHz stereo; from 10 s, what the model was trained
on at least, to 600 s at once. A shorter window is composed as one of 10 s and cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.backbones.ace_step.conditions import Conditions
from v2m.backbones.ace_step.layers import load_transformer
from v2m.backbones.ace_step.layout import AceStepFolder, find_folder
from v2m.backbones.ace_step.sampler import Painting, Solving, solve
from v2m.backbones.ace_step.transformer import Velocity
from v2m.backbones.ace_step.words import COMPOSE, REPAINT, text_of
from v2m.backbones.sound.adapter import load_adapter
from v2m.backbones.sound.arithmetic import telling_memory
from v2m.backbones.sound.guidance import curve_scale_at
from v2m.backbones.sound.model import LatentGrid, SoundWindow
from v2m.backbones.sound.oobleck_folder import Oobleck, decoding_bytes, read_oobleck_config
from v2m.backbones.sound.pretrained import Asked, Pretrained
from v2m.errors import CheckpointError, InputError
from v2m.model.noise import latent_noise
from v2m.stages import Cancel, FractionDone

SHORTEST_S: Final = 10
LONGEST_S: Final = 600

TURBO_STEPS: Final = 8
BASE_STEPS: Final = 32
SFT_STEPS: Final = 50
TEXT_SCALE: Final = 7.0
"""Of base and sft; turbo has the guidance in its weights and is asked plainly."""

_BRANCHES: Final = 3
"""Most predictions of one step: nothing, words, words and curve."""

_BAND_ITEMSIZE: Final = 20
"""Bytes that diffusers takes for each pair of tokens while it lays out which of them see each other."""


@dataclass
class _Loaded:
    """What lies in memory."""

    conditions: Conditions
    ask: Velocity


class AceStep(Pretrained):
    """Base, sft or turbo, as the folder's configuration says; see `layout` for its files."""

    def __init__(self, folder: Path, *, name: str, **asked: Unpack[Asked]) -> None:
        super().__init__(folder, name=name, **asked)
        self._loaded: _Loaded | None = None
        self._autoencoder: Oobleck | None = None

    @cached_property
    def _folder(self) -> AceStepFolder:
        return find_folder(self._root)

    @cached_property
    def grid(self) -> LatentGrid:
        """How its latents lie in time; known without loading the weights."""
        shape = read_oobleck_config(self._folder.autoencoder)
        longest = LONGEST_S * shape.sampling_rate // shape.hop_samples
        return LatentGrid(shape.sampling_rate, shape.hop_samples, shape.decoder_input_channels, longest)

    def _deciding_files(self) -> Iterable[Path]:
        return self._folder.files

    @cached_property
    def is_turbo(self) -> bool:
        """Whether it is distilled to few steps without guidance."""
        said = self._folder.transformer_config()
        if "is_turbo" in said:
            return bool(said["is_turbo"])
        return "turbo" in str(said.get("model_version") or self.name)

    @property
    def default_steps(self) -> int:
        """Steps that it is meant for."""
        if self.is_turbo:
            return TURBO_STEPS
        version = str(self._folder.transformer_config().get("model_version") or "")
        return SFT_STEPS if "sft" in f"{self.name} {version}" else BASE_STEPS

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
                f"{self.grid.longest_frames} ({LONGEST_S} s)."
            )
        cancel()
        with telling_memory(self.name, window.frame_count):
            solving, loaded = self._solving(window), self._load()
            words, nothing = self._words(window, loaded.conditions)
            takes = []
            for i in range(len(window.seeds)):
                report = _Report(i, len(window.seeds), solving.steps, on_progress, cancel)
                painting = self._painting(window, i, loaded)
                takes.append(solve(loaded.ask, words, nothing, painting, solving, report, window.steering))
            latents: NDArray[np.float32] = torch.cat(takes)[:, : window.frame_count].float().cpu().numpy()
            return latents

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop_samples, 2) of latents (t, c), at 48 kHz."""
        with telling_memory(self.name, len(latents)):
            return self._load_autoencoder().decode(latents)

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2) at 48 kHz; t is s / hop_samples, rounded up."""
        with telling_memory(self.name, len(samples) // self.grid.hop_samples):
            return self._load_autoencoder().encode(samples)

    def unload(self) -> None:
        """Give the memory back; the next call loads again."""
        self._loaded = self._autoencoder = None
        self._arithmetic.give_back()

    def needed_bytes(self, frame_count: int, takes: int) -> int:
        """What composing takes beyond what is in use now; takes come one after the other."""
        weights = sum(path.stat().st_size for path in self._folder.files if path.suffix == ".safetensors")
        stored_itemsize = 2  # the official files are bfloat16
        loading = 0 if self._loaded else weights * self._dtype.itemsize // stored_itemsize
        said = self._folder.transformer_config()
        tokens = max(frame_count, SHORTEST_S * 25) // 2
        widest: int = 3 * said.get("intermediate_size", 6144) + 8 * said.get("hidden_size", 2048)
        band = _BAND_ITEMSIZE * tokens**2  # of the layers that see their neighbourhood only
        return loading + band + _BRANCHES * tokens * widest * self._dtype.itemsize

    def decoding_bytes(self, frame_count: int) -> int:
        """What decoding takes beyond what is in use now."""
        is_loaded = self._autoencoder is not None
        return decoding_bytes(self._folder.autoencoder, frame_count, is_loaded=is_loaded)

    def _load(self) -> _Loaded:
        if self._loaded is None:
            transformer, encoder = self._folder.tensors()
            network = load_transformer(self._folder.transformer_config(), transformer)
            network = torch.nn.Module.to(network, self._device, self._dtype).eval()
            ask = Velocity(network, self._column(network.proj_in_conv))
            self._arithmetic.make_fast(network.layers)
            self._loaded = _Loaded(Conditions(self._folder, encoder, self._device, self._dtype), ask)
        return self._loaded

    def _column(self, projection: torch.nn.Conv1d) -> Tensor | None:
        if self._adapter_path is None:
            return None
        adapter = load_adapter(
            self._adapter_path, base_sha256=self.base_sha256, grid=self.grid, width=projection.out_channels
        )
        taps = projection.kernel_size[0]
        if adapter.column.shape != (projection.out_channels, taps):
            raise CheckpointError(
                f"The adapter {self._adapter_path.name} has a column of {adapter.column.shape}, expected "
                f"({projection.out_channels}, {taps}): this model takes {taps} frames at once."
            )
        # zeros say nothing, and without them a step has the branches of the base: the same bits
        return torch.from_numpy(adapter.column).to(self._device) if adapter.column.any() else None

    def _load_autoencoder(self) -> Oobleck:
        if self._autoencoder is None:
            self._autoencoder = Oobleck(self._folder.autoencoder, self._device)
        return self._autoencoder

    def _solving(self, window: SoundWindow) -> Solving:
        text_scale = 1.0 if self.is_turbo else TEXT_SCALE
        if window.text_scale is not None:
            text_scale = window.text_scale
        return Solving(
            steps=window.steps or self.default_steps,
            text_scale=text_scale,
            curve_scale=curve_scale_at(window.adherence, text_scale),
        )

    def _words(self, window: SoundWindow, conditions: Conditions) -> tuple[Tensor, Tensor]:
        """Conditions of the words and of nothing, or of what is not wanted."""
        duration_s = window.total_s or float(window.frame_count / self.grid.rate_hz)
        instruction = COMPOSE if window.known is None or not window.known.any() else REPAINT
        words = conditions.of(text_of(window.prompt, duration_s, instruction=instruction))
        if not window.negative_prompt:
            return words, conditions.null(words)
        return words, conditions.of(text_of(window.negative_prompt, duration_s, instruction=instruction))

    def _painting(self, window: SoundWindow, take: int, loaded: _Loaded) -> Painting:
        """A take's work on the device, in a window that is no shorter than the model knows."""
        shortest = SHORTEST_S * self.grid.sample_rate_hz // self.grid.hop_samples
        count = max(window.frame_count, shortest)
        fill = (0, count - window.frame_count)
        noise = latent_noise(window.seeds[take], window.first_frame, count, self.grid.channels)
        curve = np.pad(window.curve, fill) if loaded.ask.has_column and window.adherence > 0 else None
        kept = source = None
        if window.known is not None and window.known_latents is not None:
            kept = torch.from_numpy(np.pad(window.known, fill)).to(self._device)
            source = self._batch(np.pad(window.known_latents[take], (fill, (0, 0))))
        return Painting(
            noise=self._batch(noise),
            silence=loaded.conditions.silence(count).float(),
            curve=None if curve is None else self._batch(curve),
            kept=kept,
            source=source,
        )

    def _batch(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))[None].to(self._device)


class _Report:
    """Tells how far all takes are, and lets the user stop, before every step."""

    def __init__(
        self, take: int, takes: int, steps: int, on_progress: FractionDone, cancel: Callable[[], None]
    ) -> None:
        self._take, self._takes, self._steps = take, takes, steps
        self._on_progress, self._cancel = on_progress, cancel

    def __call__(self, step: int) -> None:
        self._cancel()
        self._on_progress((self._take + step / self._steps) / self._takes)
