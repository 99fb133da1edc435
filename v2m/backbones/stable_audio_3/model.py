"""A Stable Audio 3 checkpoint as a `SoundModel`.

A window is composed with six seconds more behind it than are asked for, as far as the model reaches, and
these are cut off: so the music does not end with the window. Only frames that are heard are composed, with no
filling behind them that would have to be masked. Where frames are known the transformer is told so, and the
result holds them unchanged.

The folder holds the original `model.safetensors` and `model_config.json`; the text encoder lies in a folder
of its own in there or in the store, and LoRA files that are to be merged in `lora/`.

Conventions: b take, t latent frame, c channel, s sample; noise of stream 0 begins, that of stream i + 1 is
added after step i.
Sources: https://github.com/Stability-AI/stable-audio-3, for headroom, steps and guidance.
"""

from __future__ import annotations

import gc
import hashlib
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.backbones import LORA_FOLDER
from v2m.backbones.sound.adapter import EventAdapter, load_adapter
from v2m.backbones.sound.checkpoint import folder_hash
from v2m.backbones.sound.model import LatentGrid, SoundWindow
from v2m.backbones.sound.pretrained import Asked, Pretrained
from v2m.backbones.stable_audio_3.config import StableAudioConfig
from v2m.backbones.stable_audio_3.config_file import read_config
from v2m.backbones.stable_audio_3.lora import read_lora
from v2m.backbones.stable_audio_3.memory import (
    decoding_bytes,
    telling_memory,
    weights_bytes,
    working_bytes,
)
from v2m.backbones.stable_audio_3.sampler import Guidance, Prompted, sample
from v2m.backbones.stable_audio_3.schedule import noise_levels
from v2m.backbones.stable_audio_3.text import TextEncoder, text_encoder_folder
from v2m.backbones.stable_audio_3.weights import CONFIG, WEIGHTS, Parts, load_parts
from v2m.errors import CheckpointError, InputError
from v2m.model.noise import latent_noise
from v2m.stages import Cancel, FractionDone

HEADROOM_S: Final = 6
"""Composed behind a window and cut off, as in the original and its training."""

STEPS: Final = {"rectified_flow": 50, "rf_denoiser": 8}
TEXT_SCALE: Final = {"rectified_flow": 7.0, "rf_denoiser": 1.0}
"""What the original's guide advises for base checkpoints, and for post-trained ones."""

_PROMPTS_KEPT: Final = 8  # encoded; one is 0.8 MB


class StableAudio3(Pretrained):
    """One checkpoint; reads nothing but its configuration until it is asked for sound.

    Args:
        lora_strength: of the LoRA files; 1 as they were trained, 0 not at all.

    Raises:
        CheckpointError: an InputError; the configuration is of another model.
    """

    def __init__(
        self, folder: Path, *, name: str, lora_strength: float = 1.0, **asked: Unpack[Asked]
    ) -> None:
        super().__init__(folder, name=name, **asked)
        self.config: StableAudioConfig = read_config(folder / CONFIG)
        self._lora_strength = lora_strength
        self._parts: Parts | None = None
        self._adapter: EventAdapter | None = None
        self._text_encoder: TextEncoder | None = None
        self._encoded: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time; known without loading the weights."""
        return self.config.grid

    @cached_property
    def base_sha256(self) -> str:
        """Hash of weights, configuration, LoRA files and text encoder: what an adapter is trained on."""
        return self._hash_of(self._deciding_files())

    @cached_property
    def weights_sha256(self) -> str:
        """Hash of all that decides its output: that of the base, or with the adapter's."""
        adapter = [] if self._adapter_path is None else [self._adapter_path]
        return self._hash_of([*self._deciding_files(), *adapter])

    def _hash_of(self, files: list[Path]) -> str:
        whole = folder_hash(files)
        if self._lora_strength == 1.0 or not self._lora_paths():
            return whole
        return hashlib.sha256(f"{whole} LoRA at {self._lora_strength!r}".encode()).hexdigest()

    def compose(self, window: SoundWindow, on_progress: FractionDone, cancel: Cancel) -> NDArray[np.float32]:
        """Latents (b, t, c) of a window; where `known` they are `known_latents`, the same numbers.

        Raises:
            InputError: a window longer than the model's, or arrays that do not fit it.
            CancelledError: `cancel` said so.
            OutOfMemoryError: memory did not suffice; says the numbers.
        """
        self._check(window)
        cancel()
        count = self._composed_frames(window.frame_count)
        with (
            telling_memory(self._device, f"{count} latent frames of {len(window.seeds)} takes"),
            torch.inference_mode(),
        ):
            latents = self._sampled(window, count, on_progress, cancel)
        if window.known is not None and window.known_latents is not None:
            latents = np.where(window.known[None, :, None], window.known_latents, latents)
        return latents.astype(np.float32, copy=False)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop_samples, 2) of latents (t, c), in the grid's sample rate.

        It may pass full scale, which mastering brings back; the original cuts it off.
        """
        autoencoder = self._loaded().autoencoder
        with telling_memory(self._device, f"decoding {len(latents)} latent frames"), torch.inference_mode():
            given = torch.from_numpy(np.ascontiguousarray(latents, np.float32))
            sound = autoencoder.decode(given.to(self._device, _format_of(autoencoder)))
            return np.ascontiguousarray(sound.T.float().cpu().numpy())

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2) in the grid's sample rate; t is s / hop_samples, rounded up."""
        autoencoder = self._loaded().autoencoder
        with telling_memory(self._device, f"encoding {len(samples)} samples"), torch.inference_mode():
            given = torch.from_numpy(np.ascontiguousarray(samples.T, np.float32))
            latents = autoencoder.encode(given.to(self._device, _format_of(autoencoder)))
            return latents.float().cpu().numpy()

    def unload(self) -> None:
        """Give the memory back; the next call loads again."""
        self._parts = self._adapter = self._text_encoder = None
        self._encoded.clear()
        gc.collect()
        self._arithmetic.give_back()

    def needed_bytes(self, frame_count: int, takes: int) -> int:
        """What composing so many frames of so many takes takes beyond what is in use now."""
        files = [] if self._parts else [self._root / WEIGHTS]
        if self._text_encoder is None:
            # of the encoder and the decoder, half of which is kept, in a format twice as wide
            files += text_encoder_folder(self._root, self.config.text).glob("*.safetensors")
        loading = sum(weights_bytes(path, self._device) for path in files)
        together = takes if self._device.type == "cuda" else 1
        tokens = self._composed_frames(frame_count) + self.config.transformer.memory_tokens
        words = self.config.text.longest_tokens + 1
        itemsize = self._dtype.itemsize
        return loading + working_bytes(self.config.transformer, tokens, words, together, itemsize)

    def decoding_bytes(self, frame_count: int) -> int:
        """What decoding takes beyond what is in use now."""
        loading = 0 if self._parts else weights_bytes(self._root / WEIGHTS, self._device)
        return loading + decoding_bytes(self.config.autoencoder, frame_count, self._sound_dtype().itemsize)

    def _check(self, window: SoundWindow) -> None:
        grid, count = self.grid, window.frame_count
        if not 1 <= count <= grid.longest_frames:
            longest_s = grid.longest_frames / grid.rate_hz
            raise InputError(
                f"A window of {count} latent frames was asked for; {self.name} composes 1 to "
                f"{grid.longest_frames} at once ({float(longest_s):.1f} s).",
                hint="Compose longer programmes window by window.",
            )
        if not window.seeds:
            raise InputError("No seed was given, so there is no take to compose.")
        shapes: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {"curve": (window.curve, (count,))}
        if window.known is not None:
            shapes["known"] = (window.known, (count,))
            whole = (len(window.seeds), count, grid.channels)
            shapes["known_latents"] = (np.asarray(window.known_latents), whole)
        for name, (array, expected) in shapes.items():
            if array.shape != expected:
                raise InputError(f"{name} has the shape {array.shape}, expected {expected}.")

    def _composed_frames(self, frame_count: int) -> int:
        headroom = HEADROOM_S * self.grid.sample_rate_hz // self.grid.hop_samples
        return min(frame_count + headroom, self.grid.longest_frames)

    def _sampled(
        self, window: SoundWindow, count: int, on_progress: FractionDone, cancel: Cancel
    ) -> NDArray[np.float32]:
        config, transformer = self.config, self._loaded().transformer
        cancel()
        text_scale = TEXT_SCALE[config.objective] if window.text_scale is None else window.text_scale
        steps = STEPS[config.objective] if window.steps is None else window.steps

        def fresh_noise(step: int, takes: slice) -> Tensor:
            return self._noise(window, count, step + 1)[takes]

        latents = sample(
            transformer,
            config.objective,
            self._prompted(window, count),
            self._noise(window, count, 0),
            noise_levels(steps, config.shift, window.frame_count),
            Guidance(text_scale, window.adherence),
            fresh_noise,
            on_progress,
            cancel,
            window.steering,
        )
        return latents[:, : window.frame_count].cpu().numpy()

    def _prompted(self, window: SoundWindow, count: int) -> Prompted:
        conditioner = self._loaded().conditioner
        own_s = float(window.frame_count / self.grid.rate_hz)
        seconds = own_s if window.total_s is None else window.total_s
        avoided = None
        if window.negative_prompt:
            avoided = conditioner.negative_prompt(*self._text(window.negative_prompt), seconds)
        return Prompted(
            conditioner.prompt(*self._text(window.prompt), seconds),
            avoided,
            conditioner.length(seconds),
            self._local(window, count).to(self._device),
            self._event(window, count),
        )

    def _text(self, prompt: str) -> tuple[Tensor, Tensor]:
        if prompt not in self._encoded:
            if self._text_encoder is None:
                folder = text_encoder_folder(self._root, self.config.text)
                self._text_encoder = TextEncoder(folder, self.config.text, self._device)
            self._encoded[prompt] = self._text_encoder([prompt])
            if len(self._encoded) > _PROMPTS_KEPT:
                self._encoded.popitem(last=False)
        return self._encoded[prompt]

    def _local(self, window: SoundWindow, count: int) -> Tensor:
        """Mask and masked latents, (1, 1, c + 1) zeros where nothing is known."""
        if window.known is None or window.known_latents is None or not window.known.any():
            return torch.zeros(1, 1, self.grid.channels + 1)
        takes, frames = len(window.seeds), window.frame_count
        local = torch.zeros(takes, count, self.grid.channels + 1)
        known = torch.from_numpy(window.known)
        local[:, :frames, 0] = known.float()
        local[:, :frames, 1:] = torch.where(known[:, None], torch.from_numpy(window.known_latents), 0.0)
        return local

    def _event(self, window: SoundWindow, count: int) -> Tensor | None:
        if self._adapter is None or window.adherence == 0:
            return None
        curve = torch.zeros(count)
        curve[: window.frame_count] = torch.from_numpy(np.ascontiguousarray(window.curve, np.float32))
        column = torch.from_numpy(self._adapter.column).flatten()
        return (curve[:, None] * column)[None].to(self._device)

    def _noise(self, window: SoundWindow, count: int, stream: int) -> Tensor:
        drawn = [
            latent_noise(seed, window.first_frame, count, self.grid.channels, stream) for seed in window.seeds
        ]
        return torch.from_numpy(np.stack(drawn)).to(self._device)

    def _loaded(self) -> Parts:
        if self._parts is None:
            with telling_memory(self._device, f"loading {self.name}"):
                loras = [read_lora(path, self._lora_strength) for path in self._lora_paths()]
                parts = load_parts(self._root / WEIGHTS, self.config, loras)
                parts.transformer.to(self._device, self._dtype)
                parts.autoencoder.to(self._device, self._sound_dtype())
                parts.conditioner.to(self._device, torch.float32)
                self._arithmetic.make_fast(parts.transformer.transformer.layers)
            if self._adapter_path is not None:
                self._adapter = self._read_adapter(self._adapter_path)
            self._parts = parts
        return self._parts

    def _read_adapter(self, path: Path) -> EventAdapter:
        width = self.config.transformer.width
        adapter = load_adapter(path, base_sha256=self.base_sha256, grid=self.grid, width=width)
        if adapter.column.size != width:
            raise CheckpointError(
                f"{path.name} has a column of {adapter.column.shape}, but {self.name} reads single frames.",
                hint="Name the model that the adapter was trained on.",
            )
        return adapter

    def _deciding_files(self) -> list[Path]:
        text = text_encoder_folder(self._root, self.config.text)
        encoder = [path for kind in ("*.safetensors", "*.json") for path in sorted(text.glob(kind))]
        return [self._root / WEIGHTS, self._root / CONFIG, *self._lora_paths(), *encoder]

    def _lora_paths(self) -> list[Path]:
        """None at a strength of 0: that is the model without them, bit for bit, and by the same hash."""
        if self._lora_strength == 0:
            return []
        return sorted((self._root / LORA_FOLDER).glob("*.safetensors"))

    def _sound_dtype(self) -> torch.dtype:
        """Of the autoencoder: bfloat16 would be heard as noise, float16 is what the original decodes in."""
        return torch.float16 if self._device.type == "cuda" else torch.float32


def _format_of(module: torch.nn.Module) -> torch.dtype:
    return next(module.parameters()).dtype
