"""`stable-audio-open`, `stable-audio-open-small` and `stable-audio-controlnet` as models of sound.

They are one class: the files in the folder say which it is. A window is always composed at the length
of the training (47.6 s, 11.9 s) and cut: the models know no other. Takes are composed one after the other,
so that an item's bytes do not depend on its neighbours; the branches of its guidance share a pass.

Conventions: b take, t latent frame, c channel, s sample; float32 outside the transformer.
Sources: Evans et al. 2024, "Stable Audio Open"; Stability-AI/stable-audio-tools, `inference/generation.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.backbones.sound.adapter import load_adapter
from v2m.backbones.sound.arithmetic import telling_memory
from v2m.backbones.sound.guidance import curve_scale_at
from v2m.backbones.sound.model import LatentGrid, SoundWindow
from v2m.backbones.sound.pretrained import Asked, Pretrained
from v2m.backbones.stable_audio_open.config import OpenConfig
from v2m.backbones.stable_audio_open.envelope import envelope_of_curve
from v2m.backbones.stable_audio_open.files import CONTROLNET_WEIGHTS, ModelFolder
from v2m.backbones.stable_audio_open.guided import Conditions, Control, Guidance, GuidedVelocity
from v2m.backbones.stable_audio_open.loaded import Loaded
from v2m.backbones.stable_audio_open.numbers import told_seconds
from v2m.backbones.stable_audio_open.sampling import DEFAULT_STEPS, Known, sample
from v2m.errors import CheckpointError, InputError, UnfinishedError
from v2m.model.noise import latent_noise
from v2m.stages import Cancel, FractionDone

TEXT_SCALE: Final = 7.0
"""As the card of 1.0 says; a distilled model has its guidance inside and takes 1."""

_MOST_STEPS: Final = 1000

CONTROLLED: Final = "stable-audio-controlnet"
"""The name by which a ControlNet is asked for."""


class StableAudioOpen(Pretrained):
    """Stable Audio Open 1.0 or small, with a ControlNet where its file is; see `files`.

    Raises:
        CheckpointError: an InputError; it is to have a ControlNet, and there is none.
    """

    def __init__(self, folder: Path, *, name: str, **asked: Unpack[Asked]) -> None:
        super().__init__(folder, name=name, **asked)
        self._files = ModelFolder(folder)
        self._parts: Loaded | None = None
        if name == CONTROLLED and self._files.controlnet is None:
            raise CheckpointError(
                f"{folder} lacks {CONTROLNET_WEIGHTS}, without which {name} does not hear the event curve.",
                hint=f"Add it with `v2m models add {name} PATH`, or choose --backbone stable-audio-open.",
            )

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time; known without loading the weights."""
        return self._config.grid

    def compose(self, window: SoundWindow, on_progress: FractionDone, cancel: Cancel) -> NDArray[np.float32]:
        """Latents (b, t, c) of a window; where `known` they are `known_latents`, the same numbers.

        Raises:
            CancelledError: `cancel` said so.
            InputError: the window is longer than the model's, or does not fit together.
            OutOfMemoryError: memory did not suffice.
            UnfinishedError: the model gave numbers that are not finite.
        """
        self._check(window)
        steps = window.steps or DEFAULT_STEPS[self._config.objective]
        done = np.zeros((len(window.seeds), window.frame_count, self.grid.channels), np.float32)
        with torch.inference_mode(), telling_memory(self.name, self.grid.longest_frames):
            velocity = self._velocity(window, cancel)
            for take, seed in enumerate(window.seeds):
                known = self._known(window, take)

                def report(step: int, take: int = take) -> None:
                    cancel()
                    on_progress((take + step / steps) / len(window.seeds))

                latents = sample(
                    self._config.objective,
                    velocity,
                    steps,
                    self._noise(window, seed),
                    known=known,
                    steering=window.steering,
                    report=report,
                )
                done[take] = latents[0, : window.frame_count].cpu().numpy()
        if not np.isfinite(done).all():
            raise UnfinishedError(
                "The model gave numbers that are not finite.",
                hint="Lower the guidance, or check the model with `v2m models verify`.",
            )
        if window.known is not None and window.known_latents is not None:
            done[:, window.known] = window.known_latents[:, window.known]
        on_progress(1.0)
        return done

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop_samples, 2) of latents (t, c), in the grid's sample rate."""
        if not len(latents):
            return np.zeros((0, self._config.autoencoder.audio_channels), np.float32)
        with torch.inference_mode(), telling_memory(self.name, len(latents)):
            x = torch.from_numpy(np.ascontiguousarray(latents.T))[None].to(self._device)
            return self._loaded.autoencoder.decode(x)[0].T.cpu().numpy()

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2) in the grid's sample rate; t is s / hop_samples, rounded up."""
        hop = self.grid.hop_samples
        if not len(samples):
            return np.zeros((0, self.grid.channels), np.float32)
        whole = np.pad(samples.astype(np.float32), ((0, -len(samples) % hop), (0, 0)))
        with torch.inference_mode(), telling_memory(self.name, len(whole) // hop):
            x = torch.from_numpy(np.ascontiguousarray(whole.T))[None].to(self._device)
            return self._loaded.autoencoder.encode(x)[0].T.cpu().numpy()

    def needed_bytes(self, frame_count: int, takes: int) -> int:
        """What composing takes beyond what is in use now; the takes are composed one after the other."""
        return self._loaded.needed_bytes()

    def decoding_bytes(self, frame_count: int) -> int:
        """What decoding takes beyond what is in use now."""
        return self._loaded.decoding_bytes(frame_count)

    def unload(self) -> None:
        """Give the memory back; the next call loads again."""
        self._parts = None
        self.__dict__.pop("_event_column", None)
        self._arithmetic.give_back()

    def _deciding_files(self) -> list[Path]:
        return self._files.deciding_files()

    @cached_property
    def _config(self) -> OpenConfig:
        return self._files.config()

    @property
    def _loaded(self) -> Loaded:
        if self._parts is None:
            arithmetic = self._arithmetic
            self._parts = Loaded(
                self._files, self._config, arithmetic.device, arithmetic.dtype, arithmetic.make_fast
            )
        return self._parts

    @cached_property
    def _event_column(self) -> Tensor | None:
        if self._adapter_path is None:
            return None
        width = self._config.transformer.width
        adapter = load_adapter(self._adapter_path, base_sha256=self.base_sha256, grid=self.grid, width=width)
        if adapter.column.ndim != 1:
            raise CheckpointError(
                f"{self._adapter_path.name} has the shape {adapter.column.shape}, expected ({width},).",
                hint="Its model takes several frames in at once, this one does not.",
            )
        return torch.from_numpy(adapter.column).to(self._device)

    def _check(self, window: SoundWindow) -> None:
        frames, longest = window.frame_count, self.grid.longest_frames
        if not 1 <= frames <= longest:
            raise InputError(f"The window has {frames} frames, expected 1 to {longest} of {self.name}.")
        if window.curve.shape != (frames,):
            raise InputError(f"The curve has the shape {window.curve.shape}, expected ({frames},).")
        if window.steps is not None and not 1 <= window.steps <= _MOST_STEPS:
            raise InputError(f"{window.steps} steps were asked for, expected 1 to {_MOST_STEPS}.")
        if (window.known is None) != (window.known_latents is None):
            raise InputError("Known frames and their latents must be given together.")
        shape = (len(window.seeds), frames, self.grid.channels)
        if window.known is not None and window.known.shape != (frames,):
            raise InputError(f"Known frames have the shape {window.known.shape}, expected ({frames},).")
        if window.known_latents is not None and window.known_latents.shape != shape:
            raise InputError(f"Known latents have the shape {window.known_latents.shape}, expected {shape}.")

    def _velocity(self, window: SoundWindow, cancel: Cancel) -> GuidedVelocity:
        text_scale = window.text_scale
        if text_scale is None:
            text_scale = 1.0 if self._config.objective == "rf_denoiser" else TEXT_SCALE
        guidance = Guidance(text_scale, curve_scale_at(window.adherence, text_scale))
        return GuidedVelocity(
            self._loaded.transformer,
            self._conditions(window),
            guidance,
            self.grid.longest_frames,
            cancel,
            self._control(window),
        )

    def _control(self, window: SoundWindow) -> Control | None:
        """The curve as loudness, as if it were sound; at an adherence of 0.5 as strong as in the training."""
        if window.adherence == 0 or self._loaded.controlnet is None:
            return None
        frames, hop = self.grid.longest_frames, self.grid.hop_samples
        envelope = envelope_of_curve(self._whole_curve(window), hop, frames * hop)
        both = np.stack([envelope] * self._config.autoencoder.audio_channels)
        sound = torch.from_numpy(both)[None].to(self._device)
        latents = self._loaded.autoencoder.encode(sound).transpose(1, 2)  # (1, t, c)
        return Control(self._loaded.controlnet, latents, curve_scale_at(window.adherence, 1.0))

    def _conditions(self, window: SoundWindow) -> Conditions:
        rate, config = float(self.grid.rate_hz), self._config
        told = told_seconds(window.first_frame / rate, window.frame_count / rate, window.total_s)
        numbers = {
            name: conditioner(torch.tensor([told[name]]))
            for name, conditioner in self._loaded.numbers.items()
        }  # (1, token width) each
        seconds = [numbers[span.name] for span in config.numbers]

        def tokens(prompt: str) -> Tensor:
            return torch.cat([self._loaded.text(prompt), *seconds])[None].to(self._device)

        words = tokens(window.prompt)
        others = tokens(window.negative_prompt) if window.negative_prompt else torch.zeros_like(words)
        whole = torch.cat([numbers[name] for name in config.global_numbers], dim=-1).to(self._device)
        event = None
        if self._event_column is not None:
            curve = torch.from_numpy(self._whole_curve(window)).to(self._device)
            event = curve[None, :, None] * self._event_column
        return Conditions(words, others, whole, event)

    def _whole_curve(self, window: SoundWindow) -> NDArray[np.float32]:
        """Over all frames that are composed; where the window has ended, nothing happens."""
        return np.pad(window.curve.astype(np.float32), (0, self.grid.longest_frames - window.frame_count))

    def _known(self, window: SoundWindow, take: int) -> Known | None:
        """Over all frames that are composed."""
        if window.known is None or window.known_latents is None:
            return None
        beyond = self.grid.longest_frames - window.frame_count
        mask = np.pad(window.known, (0, beyond))[:, None]
        latents = np.pad(window.known_latents[take], ((0, beyond), (0, 0)))
        latents = np.where(mask, latents, 0).astype(np.float32)  # the rest may hold anything
        return Known(
            torch.from_numpy(mask)[None].to(self._device), torch.from_numpy(latents)[None].to(self._device)
        )

    def _noise(self, window: SoundWindow, seed: int) -> Callable[[int], Tensor]:
        """(1, t, c) of a stream, by the frames' places in the programme."""
        grid = self.grid

        def noise(stream: int) -> Tensor:
            drawn = latent_noise(seed, window.first_frame, grid.longest_frames, grid.channels, stream)
            return torch.from_numpy(drawn)[None].to(self._device)

        return noise
