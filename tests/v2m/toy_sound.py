"""A model of sound that composes at once: a click on each beat of what its words ask for, over a quiet chord.

Its latents say what its sound is, so tests can tell which frames were composed when: channel 0 is the level
of a click, channel 1 its place in the frame, channel 2 names the seed, channel 3 is noise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from v2m.backbones.sound.model import LatentGrid, SoundWindow
from v2m.model.noise import latent_noise
from v2m.stages import Cancel, FractionDone

GRID = LatentGrid(sample_rate_hz=44100, hop_samples=4096, channels=4, longest_frames=320)


@dataclass
class ToySound:
    """Composes clicks at the tempo of the prompt, from the first frame of the programme on."""

    name: str = "toy"
    grid: LatentGrid = GRID
    weights_sha256: str = "7" * 64
    arithmetic: str = "cpu float32"
    windows: list[SoundWindow] = field(default_factory=list)
    off_s: float = 0.0
    """Where the first click lies."""

    bpm_share: float = 1.0
    """Of the tempo that is asked for, what is played."""

    def compose(self, window: SoundWindow, on_progress: FractionDone, cancel: Cancel) -> NDArray[np.float32]:
        cancel()
        self.windows.append(window)
        found = re.search(r"(\d+(?:\.\d+)?) ?BPM", window.prompt)
        beat_s = 60 / (float(found[1]) if found else 120.0) / self.bpm_share
        made = np.stack([self._one(window, seed, beat_s) for seed in window.seeds])
        if window.known is not None:
            assert window.known_latents is not None
            made = np.where(window.known[:, None], window.known_latents, made)
        on_progress(1.0)
        return made

    def _one(self, window: SoundWindow, seed: int, beat_s: float) -> NDArray[np.float32]:
        count, rate_hz = window.frame_count, float(self.grid.rate_hz)
        latents = np.zeros((count, self.grid.channels), np.float32)
        frames_s = (window.first_frame + np.arange(count)) / rate_hz
        beat = np.ceil((frames_s - self.off_s) / beat_s - 1e-9)
        click_s = self.off_s + beat * beat_s
        inside = (click_s >= 0) & (click_s < frames_s + 1 / rate_hz)
        latents[:, 0] = inside * np.where(beat % 4 == 0, 1.0, 0.7)
        latents[:, 1] = np.where(inside, (click_s - frames_s) * rate_hz, 0)
        latents[:, 2] = (seed % 7 + 1) / 8
        latents[:, 3] = latent_noise(seed, window.first_frame, count, self.grid.channels)[:, 3]
        return latents

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        hop, rate_hz = self.grid.hop_samples, self.grid.sample_rate_hz
        sound = np.zeros(len(latents) * hop + rate_hz)
        ring = np.arange(rate_hz // 4) / rate_hz
        click = np.exp(-30 * ring) * np.sin(2 * np.pi * 180 * ring)
        click += np.exp(-90 * ring) * latent_noise(1, 0, len(ring), 1)[:, 0] * 0.4
        for frame in np.flatnonzero(latents[:, 0] > 0.05):
            at = round((frame + float(latents[frame, 1])) * hop)
            sound[at : at + len(click)] += 0.6 * latents[frame, 0] * click
        sound = sound[: len(latents) * hop]
        tone = np.repeat(latents[:, 2], hop) * np.sin(2 * np.pi * 220 * np.arange(len(sound)) / rate_hz)
        sound += 0.02 * tone
        return np.stack([sound, sound], axis=1).astype(np.float32)

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = -(-len(samples) // self.grid.hop_samples)
        return np.zeros((frames, self.grid.channels), np.float32)

    def unload(self) -> None:
        self.windows.clear()
