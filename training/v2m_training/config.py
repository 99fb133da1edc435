"""A training run as frozen data, read from a TOML file; an unknown key is an error.

Conventions: steps are optimiser steps; paths in the file are relative to it. Costs are for the model of the
defaults (7 M parameters) on two CPU cores with bf16 instructions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from v2m.errors import UsageError
from v2m_training.settings import build_settings, read_toml

StageName = Literal["text-to-music", "curve"]
Trainable = Literal["all", "column"]
OptimizerName = Literal["muon", "adamw"]


@dataclass(frozen=True)
class CorpusConfig:
    """The music to learn from; composing and rendering a piece costs half a second of one core."""

    pieces: int = 4000
    """For the first stage, as notes alone: 50 a second on two cores. More pieces delay overfitting."""

    curve_pieces: int = 1200
    """For the second stage, with their sound and its curve: half a second of one core each."""

    seed: int = 11
    curve_seed: int = 21
    """Another one, so that the second stage does not meet the pieces of the first again."""

    workers: int = 2


@dataclass(frozen=True)
class ModelConfig:
    """The size of the model; its inputs and outputs follow from the codec."""

    width: int = 256
    depth: int = 6
    heads: int = 4
    ff_multiple: float = 4.0
    frames_per_token: int = 4
    """A beat a token: the same work sees four times the music, and 400 steps of 64 excerpts reach the
    validation loss of 750 steps of 16 with a token a sixteenth, which take as long each."""

    predicts_data: int = 1
    """A beat is wider than the model: without this the loss stood at 1.2 after 80 steps, with it at 0.57."""


@dataclass(frozen=True)
class StageConfig:
    """One stage of training."""

    steps: int = 1500
    """A step of 64 x 256 frames costs about a second on two cores."""

    batch_size: int = 64
    window_frames: int = 256
    """Length of the excerpts learned, a multiple of 8: what the sampler solves at once."""

    short_share: float = 0.15
    """Share of steps on twice as many excerpts of half the length, at the same cost: short films exist."""

    optimizer: OptimizerName = "muon"
    """`muon` for the matrices of the blocks and AdamW for the rest, or `adamw` for all. Muon needs a sixth
    more time a step and less than half the steps: 70 reach the loss of 200, on a small model of this kind."""

    learning_rate: float = 2e-3
    """Of both: Muon's updates are scaled to the size of AdamW's. AdamW alone wants half of it."""

    warmup_steps: int = 100
    final_rate: float = 0.02
    """Share of the learning rate that a stage ends at."""

    fall_share: float = 0.3
    """Last share of the steps, over which the rate falls evenly to its end. Before them it is held, so that a
    run can be lengthened: its state does not depend on `steps`, `fall_share` and `final_rate`."""

    weight_decay: float = 0.02
    clip_norm: float = 1.0
    """Gradients of larger norm are scaled down to it."""

    ema_decay: float = 0.998
    """The averaged weights, which are exported, remember about 1 / (1 - decay) steps."""

    text_dropout: float = 0.1
    curve_dropout: float = 0.1
    """Shares of excerpts without words, and independently without a curve (paper, section 3.5)."""

    trainable: Trainable = "all"
    """`column` trains the curve's input column alone: some hundred weights, an adapter of a kilobyte."""

    time_spread: float = 1.2
    """Standard deviation of the logit of the training times; 0 draws them evenly."""

    time_mean: float = -1.8
    """Mean of that logit: half of the times below 0.14. A score says everything many times over (a held chord
    in each of its sixteenths), so what is composed is decided close to the noise; trained around 0.5, as is
    usual, a model wrote fragments that no sampler could mend."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained.

        Raises:
            UsageError: a number out of range.
        """
        if self.steps < 1 or self.batch_size < 1 or self.window_frames < 8 or self.window_frames % 8:
            raise UsageError("A stage needs steps, a batch, and a window of a multiple of 8 frames.")
        shares = (self.short_share, self.text_dropout, self.curve_dropout, self.final_rate, self.fall_share)
        if not all(0 <= share <= 1 for share in shares) or not 0 <= self.ema_decay < 1:
            raise UsageError("Shares, dropouts and the decay of a stage must lie between 0 and 1.")
        if min(self.learning_rate, self.clip_norm) <= 0 or min(self.weight_decay, self.time_spread) < 0:
            raise UsageError("Rates of a stage must be above 0, decay and spread not below.")
        if self.trainable not in ("all", "column"):
            raise UsageError(f"trainable is {self.trainable!r}, expected all or column.")
        if self.optimizer not in ("muon", "adamw"):
            raise UsageError(f"optimizer is {self.optimizer!r}, expected muon or adamw.")


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's result, but for the machine's rounding."""

    corpus_dir: Path = Path("corpus")
    """Gets a folder for each stage: `text-to-music` and `curve`."""

    out_dir: Path = Path("run")
    export_path: Path = Path("sketch.safetensors")
    """Where `export` writes the weights that ship."""

    start_from: Path | None = None
    """Weights that text-to-music goes on from; none starts anew."""

    seed: int = 1
    threads: int = 2
    device: str = "auto"
    save_every: int = 200
    """Steps between states to resume from; one costs 0.1 GB of disk and half a second."""

    log_every: int = 10
    validate_every: int = 250
    validation_pieces: int = 64
    """Held back from training, the last of the corpus; one excerpt of each is a validation."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    text_to_music: StageConfig = field(default_factory=StageConfig)
    curve: StageConfig = field(
        default_factory=lambda: StageConfig(steps=800, learning_rate=5e-4, warmup_steps=50)
    )

    def corpus_of(self, name: StageName) -> Path:
        """The folder of the pieces that a stage learns from."""
        return self.corpus_dir / name

    def stage(self, name: StageName) -> StageConfig:
        """The settings of a stage."""
        return self.text_to_music if name == "text-to-music" else self.curve


def load_config(path: Path | None) -> RunConfig:
    """The run that a TOML file describes; the defaults, relative to the working folder, without one.

    Raises:
        UsageError: unknown keys or values that make no sense.
        InputError: the file cannot be read or is no TOML.
    """
    if path is None:
        return RunConfig()
    paths = {name: str(value) for name, value in vars(RunConfig()).items() if isinstance(value, Path)}
    return build_settings(RunConfig, paths | read_toml(path), path.parent)
