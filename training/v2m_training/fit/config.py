"""A fine-tuning run as frozen data, read from a TOML file; an unknown key is an error.

Conventions: steps are optimiser steps; paths in the file are relative to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from v2m.errors import UsageError

Trained = Literal["column", "lora", "everything", "head"]
Recipe = Literal["follow", "distill"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class CurveInput:
    """Which event curves the model is told."""

    encoder: str = "spectral"
    """What the music was heard with; the set must have been prepared with it."""

    kernels_s: tuple[float, ...] = (0.7,)
    """Length of the smoothing window; several give several curves of different time scales, a column each.
    0.7 is what timelines are analysed with (`v2m.curves.DEFAULT_KERNEL_S`)."""

    def __post_init__(self) -> None:
        """Refuse no curve at all.

        Raises:
            UsageError: no kernel, or one that is not above 0.
        """
        if not self.kernels_s or min(self.kernels_s) <= 0:
            raise UsageError(f"kernels_s is {list(self.kernels_s)}, expected lengths above 0 s.")


@dataclass(frozen=True)
class Optimisation:
    """How the weights move."""

    learning_rate: float = 5e-5
    """As in the configurations of Stable Audio; the paper's own is not given."""

    new_rate: float = 1e-3
    """Of what starts at zero, the column and low-rank factors: at 5e-5 they would hardly leave it."""

    betas: tuple[float, ...] = (0.9, 0.99)
    weight_decay: float = 1e-3
    """Of matrices that were trained before; the column has no scale to lose."""

    warmup_steps: int = 100
    fall_share: float = 0.2
    """Last share of the steps, over which the rates fall evenly to `final_rate` of them."""

    final_rate: float = 0.02
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    """The averaged weights, which are measured and exported, remember about 1 / (1 - decay) steps."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with.

        Raises:
            UsageError: a number out of range.
        """
        if min(self.learning_rate, self.new_rate, self.clip_norm) <= 0 or self.weight_decay < 0:
            raise UsageError("Learning rates and clip_norm must be above 0, weight_decay not below.")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in (*self.betas, self.ema_decay)):
            raise UsageError("betas are two numbers from 0 up to 1, ema_decay is one.")
        if not (0 <= self.fall_share <= 1 and 0 <= self.final_rate <= 1) or self.warmup_steps < 0:
            raise UsageError("fall_share and final_rate lie between 0 and 1, warmup_steps is not negative.")


@dataclass(frozen=True)
class LowRank:
    """The updates of `trained = "lora"`."""

    rank: int = 16
    targets: str = "attn|attention"
    """Searched in the names of the linear layers of a block; empty takes all."""


@dataclass(frozen=True)
class Distillation:
    """How `recipe = "distill"` teaches a model to compose in few steps."""

    steps: int = 8
    """Of the student, without guidance."""

    teacher_steps: int = 4
    """Of the teacher, with guidance, for each of them; each costs two passes."""

    text_scale: float = 5.0
    """Guidance of the teacher, words and curve as one; the student has it inside."""

    def __post_init__(self) -> None:
        """Refuse no steps.

        Raises:
            UsageError: a number out of range.
        """
        if min(self.steps, self.teacher_steps) < 1 or self.text_scale < 0:
            raise UsageError("A distillation needs steps of student and teacher, and a scale not below 0.")


@dataclass(frozen=True)
class HeadShape:
    """The head of `trained = "head"`: 7 million weights at most, some hours of training."""

    width: int = 256
    depth: int = 8


@dataclass(frozen=True)
class Measuring:
    """What is held against unseen music while training."""

    every: int = 500
    """Steps between two measurements; 0 measures at the end alone."""

    excerpts: int = 32
    """Of the held-out tracks, for the loss."""

    samples: int = 4
    """Composed, written as WAV, and compared with the curve that was asked for; 0 composes none."""

    sampling_steps: int = 50
    text_scale: float = 5.0
    """Guidance of the samples, words and curve as one (adherence 0.5)."""


@dataclass(frozen=True)
class Cluster:
    """What `--dry-run` reckons with."""

    processes: int = 1
    peak_tflops: float = 312.0
    """bfloat16, of one device: an A100's, which the paper's 192-768 GPU hours are for."""

    utilisation: float = 0.35
    """Share of that peak which training of transformers of this size reaches."""

    price_per_hour: float = 0.0
    """Of one device, in whatever currency; 0 prints hours alone."""


@dataclass(frozen=True)
class FitConfig:
    """Everything that decides a fine-tuning run's result, but for the machine's rounding."""

    family: str
    """The model, as `--backbone` says it."""

    data: Path
    """A folder that `v2m-train prepare` left."""

    out_dir: Path = Path("fit")
    weights: Path | None = None
    """Folder of the model's official files; None is where `v2m models add` put them."""

    trained: Trained = "column"
    """The event curves' column; it and low-rank updates; all of the model; or, apart from it, a head that
    hears the curve in its latents, for guidance without fine-tuning."""

    recipe: Recipe = "follow"
    """`distill`: low-rank updates that make the model compose in few steps, its column as in `adapter`."""

    adapter: Path | None = None
    """An event adapter that the column begins as."""

    steps: int = 10_000
    batch_size: int = 32
    """Excerpts a step, over all processes."""

    micro_batch: int = 0
    """Excerpts that one process takes at once, its gradients added up; 0 takes its whole share."""

    crop_s: float = 32.0
    """Length of the excerpts (paper, section 4)."""

    text_dropout: float = 0.1
    curve_dropout: float = 0.1
    """Shares of excerpts without words, and independently without curves (paper, section 3.5)."""

    time_spread: float = 1.0
    """Standard deviation of the logit of the training times; 0 draws them evenly."""

    time_mean: float = 0.0
    seed: int = 1
    device: str = "auto"
    precision: Precision = "auto"
    """Of the products; weights that are trained stay float32."""

    repeatable: bool = True
    """Take only ways that add up in one order, so that a run goes on bit for bit on a GPU, too; a CPU does in
    any case. Costs some percent of the speed."""

    checkpointing: bool = True
    """Compute each block again in the backward pass: a third more work, a fraction of the memory."""

    save_every: int = 500
    log_every: int = 10
    curve: CurveInput = field(default_factory=CurveInput)
    optimisation: Optimisation = field(default_factory=Optimisation)
    lora: LowRank = field(default_factory=LowRank)
    distill: Distillation = field(default_factory=Distillation)
    head: HeadShape = field(default_factory=HeadShape)
    measuring: Measuring = field(default_factory=Measuring)
    cluster: Cluster = field(default_factory=Cluster)

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            UsageError: a number out of range.
        """
        if min(self.steps, self.batch_size, self.save_every, self.log_every) < 1 or self.micro_batch < 0:
            raise UsageError("A run needs steps, a batch, and steps between states and lines of its log.")
        if self.save_every % self.log_every:
            raise UsageError(
                f"save_every is {self.save_every}, expected a multiple of log_every ({self.log_every}): the "
                "log of a run that goes on is then that of one that was not stopped."
            )
        if not (0 <= self.text_dropout <= 1 and 0 <= self.curve_dropout <= 1) or self.time_spread < 0:
            raise UsageError("Dropouts lie between 0 and 1, and time_spread is not negative.")
        if self.recipe == "distill" and self.trained != "lora":
            raise UsageError(f'A model is distilled with trained = "lora", here it is {self.trained!r}.')
        if self.trained == "head" and (self.measuring.samples or len(self.curve.kernels_s) != 1):
            raise UsageError("A head hears one curve and composes nothing: one kernel, and samples = 0.")
        if self.crop_s <= 0:
            raise UsageError(f"crop_s is {self.crop_s}, expected a length above 0.")

    def share_of(self, processes: int) -> tuple[int, int]:
        """Excerpts of one process and of one of its passes.

        Raises:
            UsageError: the batch cannot be shared evenly.
        """
        share, rest = divmod(self.batch_size, processes)
        micro = self.micro_batch or share
        if rest or not share or share % micro:
            raise UsageError(
                f"A batch of {self.batch_size} excerpts cannot be shared evenly by {processes} processes "
                f"in passes of {micro or 1}."
            )
        return share, micro
