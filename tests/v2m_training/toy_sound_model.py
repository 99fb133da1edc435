"""A model of sound small enough to fine-tune in a test, and music that it can learn."""

import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import Tensor, nn
from v2m_training.fit.column import NAME, EventColumn
from v2m_training.fit.objective import Objective
from v2m_training.prepare.prepared import SetFacts, Track, write_lines

from v2m.backbones.sound.model import LatentGrid
from v2m.curves import FINE_RATE_HZ, standardize

CHANNELS, WIDTH, RATE_HZ, HOP = 4, 16, 8000, 800


class ToyNetwork(nn.Module):
    """Two blocks of mixing over time and width."""

    def __init__(self) -> None:
        super().__init__()
        self.project_in = nn.Linear(CHANNELS, WIDTH, bias=False)
        self.words = nn.Linear(2, WIDTH)
        self.blocks = nn.ModuleList([ToyBlock() for _ in range(2)])
        self.project_out = nn.Linear(WIDTH, CHANNELS)

    def forward(self, x: Tensor, time: Tensor, words: Tensor) -> Tensor:
        y = self.project_in(x) + self.words(torch.stack([time, words], dim=-1))[:, None, :]
        for block in self.blocks:
            y = block(y)
        return self.project_out(y)


class ToyBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn_in = nn.Linear(WIDTH, WIDTH)
        self.ff = nn.Linear(WIDTH, WIDTH)
        self.over_time = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)

    def forward(self, y: Tensor) -> Tensor:
        y = y + self.over_time(self.attn_in(y).transpose(1, 2)).transpose(1, 2)
        return y + self.ff(torch.tanh(y))


class ToyModel:
    """Everything that `Trainable` asks for; its latents are the loudness of its sound in four bands."""

    def __init__(self, objective: Objective = "rectified_flow", curves: int = 1, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.name = "toy"
        self.objective = objective
        self.module = ToyNetwork()
        self.column = NAME
        self.latent_scale = 1.0
        self.weights_sha256 = "7" * 64
        self.grid = TOY_GRID
        self._event = EventColumn(self.module, self.module.project_in, WIDTH, curves)

    def official_name(self, parameter: str) -> str:
        return "toy." + parameter

    def blocks(self) -> list[nn.Module]:
        return list(self.module.blocks)

    def early(self) -> list[tuple[nn.Module, ...]]:
        return []

    def store_in(self, dtype: torch.dtype) -> None:
        self.module.to(dtype)
        self.module.event_column.data = self.module.event_column.data.float()

    def conditioning(self, prompts: list[str | None], seconds: list[float]) -> Tensor:
        return torch.tensor([float(len(prompt)) / 10 if prompt else 0.0 for prompt in prompts])

    def velocity(self, x_t: Tensor, time: Tensor, conditioning: Tensor, curve: Tensor) -> Tensor:
        self._event.curve = curve
        predicted: Tensor = self.module(x_t, time, conditioning)
        return predicted

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        count = -(-len(samples) // HOP)
        padded = np.pad(samples[:, 0], (0, count * HOP - len(samples))).reshape(count, HOP)
        level = np.sqrt((padded**2).mean(axis=1))
        return np.stack([level * (i + 1) for i in range(CHANNELS)], axis=1).astype(np.float32)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        noise = np.random.default_rng(0).standard_normal(len(latents) * HOP)
        level = np.repeat(np.abs(latents[:, 0]), HOP)
        sound = np.clip(0.1 * level * noise, -1, 1)
        return np.stack([sound, sound], axis=1).astype(np.float32)


TOY_GRID = LatentGrid(RATE_HZ, HOP, CHANNELS, 1000)


def write_set(
    folder: Path, tracks: int = 8, frames: int = 60, sha256: str = "7" * 64, grid: LatentGrid = TOY_GRID
) -> Path:
    """A prepared set whose latents rise where the curve does."""
    (folder / "latents").mkdir(parents=True)
    (folder / "curves").mkdir()
    rows = []
    for i in range(tracks):
        rng = np.random.default_rng(i)
        at = (np.arange(frames) / float(grid.rate_hz) * FINE_RATE_HZ).astype(int)
        sharp = standardize(rng.standard_normal(at[-1] + 10) > 1.5)
        latents = 0.5 * sharp[at][:, None] + 0.3 * rng.standard_normal((frames, grid.channels))
        save_file({"latents": latents.astype(np.float16)}, folder / f"latents/{i}.safetensors")
        save_file({"spectral": sharp.astype(np.float32)}, folder / f"curves/{i}.safetensors")
        split = "validation" if i >= tracks - 2 else "training"
        rows.append(
            Track(f"t{i}", f"{i:064d}", "calm " * (1 + i % 3), "CC0-1.0", f"w{i}", split,
                  float(frames / grid.rate_hz), frames, f"latents/{i}.safetensors", f"curves/{i}.safetensors")
        )  # fmt: skip
    facts = SetFacts("toy", sha256, grid.sample_rate_hz, grid.hop_samples, grid.channels, ("spectral",), 0.25)
    (folder / "set.json").write_text(json.dumps(asdict(facts)))
    write_lines(folder / "tracks.jsonl", rows)
    return folder


def tiny(name: str) -> ModuleType:
    """A writer of tiny models, imported when it is wanted: some need transformers."""
    return import_module(f"tests.tiny_models.{name}")
