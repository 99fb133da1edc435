"""What a model in training is held against: unseen music, its loss and how its sound follows the curve.

    held_out_loss    the training loss on excerpts of held-out tracks, words and curves never dropped
    follows          correlation of the curve of the composed sound with the curve it was asked to follow
    follows_off      the same without the curve, at the same words and noise: what chance gives
    gain             mean of the differences of `samples` pairs, 95 percent from `gain_low` to `gain_high`
Each sample has the curve and the words of a held-out track.
Conventions: every process measures the same, since sharded weights need all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.audio.wav import WavWriter
from v2m.backbones.sound.model import LatentGrid
from v2m.curves import FINE_RATE_HZ, event_curve
from v2m.metrics.paired import paired_test
from v2m_training.fit.batches import Batch, Batches
from v2m_training.fit.config import FitConfig
from v2m_training.fit.sampling import compose
from v2m_training.fit.trainer import Trainer
from v2m_training.prepare.encoders import sound_encoder
from v2m_training.prepare.prepared import smoothed_curves
from v2m_training.prepare.sound import resampled

_CHUNK = 8  # held-out excerpts in one pass, so that measuring needs no more memory than a small step


@dataclass(frozen=True)
class Measured:
    """What was found at a step."""

    figures: dict[str, float]
    samples: tuple[Path, ...] = ()
    """WAV files."""


def measure(trainer: Trainer, batches: Batches, config: FitConfig, folder: Path) -> Measured:
    """Measure the averaged weights; samples are written to `folder`, by the first process."""
    with trainer.averaged(), torch.no_grad():
        figures = {"held_out_loss": held_out_loss(trainer, batches, config.measuring.excerpts)}
        if not config.measuring.samples:
            return Measured(figures)
        sounds = _composed(trainer, batches, config)
    for name, values in (("follows", sounds.on), ("follows_off", sounds.off)):
        figures[name] = float(np.mean(values))
    figures["samples"] = len(sounds.on)
    if len(sounds.on) > 1:
        gain = paired_test(sounds.on, sounds.off)
        figures |= {"gain": gain.mean_difference, "gain_low": gain.low, "gain_high": gain.high}
    paths = _written(sounds, trainer, folder) if trainer.team.is_first else ()
    return Measured(figures, paths)


def held_out_loss(trainer: Trainer, batches: Batches, count: int) -> float:
    """The mean loss of held-out excerpts, always the same ones."""
    total = 0.0
    for first in range(0, count, _CHUNK):
        size = min(_CHUNK, count - first)
        total += float(trainer.loss(batches.held_out(first, size))) * size
    return total / count


@dataclass(frozen=True)
class _Sounds:
    on: list[float]
    off: list[float]
    samples: list[NDArray[np.float32]]


def _composed(trainer: Trainer, batches: Batches, config: FitConfig) -> _Sounds:
    count, model = config.measuring.samples, trainer.model
    asked = batches.held_out(0, count).to(trainer.team.device)
    found = _Sounds([], [], [])
    for curve, follows in ((asked.curve, found.on), (torch.zeros_like(asked.curve), found.off)):
        for i in range(count):  # one at a time: the memory of a step must do for a sample
            latents = _sample(trainer, config, asked, curve, i)
            sound = model.decode(latents)
            follows.append(following(sound, asked.curve[i].cpu().numpy(), config, model.grid))
            if curve is asked.curve:
                found.samples.append(sound)
    return found


def _sample(trainer: Trainer, config: FitConfig, asked: Batch, curve: Tensor, i: int) -> NDArray[np.float32]:
    prompts = [prompt or "" for prompt in asked.prompts[i : i + 1]]
    with trainer.computing():
        latents = compose(
            trainer.model, prompts, asked.seconds[i : i + 1], curve[i : i + 1], [config.seed + i],
            steps=config.measuring.sampling_steps, text_scale=config.measuring.text_scale,
        )  # fmt: skip
    return np.asarray(latents[0].float().cpu().numpy())


def following(
    sound: NDArray[np.float32], asked: NDArray[np.float32], config: FitConfig, grid: LatentGrid
) -> float:
    """Correlation of a sound's own curve with the first of those asked for, (t, k); 0 if one is constant."""
    features = sound_encoder(config.curve.encoder)(sound, grid.sample_rate_hz)
    sharp = event_curve(features, len(sound) / grid.sample_rate_hz, rate_hz=FINE_RATE_HZ, kernel_s=0.0)
    heard = smoothed_curves(sharp.values, config.curve.kernels_s[:1], len(asked), grid.rate_hz)[:, 0]
    wanted = asked[:, 0]
    if heard.std() == 0 or wanted.std() == 0:
        return 0.0
    return float(np.corrcoef(heard, wanted)[0, 1])


def _written(sounds: _Sounds, trainer: Trainer, folder: Path) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, sound in enumerate(sounds.samples):
        path = folder / f"step-{trainer.step:07d}-{i}.wav"
        with WavWriter(path, overwrite=True) as wav:
            wav.write(resampled(sound, trainer.model.grid.sample_rate_hz))
        paths.append(path)
    return tuple(paths)
