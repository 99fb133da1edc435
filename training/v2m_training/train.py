"""Training in two stages: text-to-music, then the event curve on top of it (paper, section 3.3).

Stage one learns to compose from words, beats and what is known. Stage two gives the trained model a curve
column of zeros, so that it starts as exactly the same model, and fine-tunes it with the curves of the
music itself. Both leave `STAGE.safetensors` (averaged weights), `STAGE.state` while they run, and a log
`STAGE.jsonl` with a line {"step", "loss", "learning_rate", "gradient_norm", "steps_per_s"} now and then.
Sources: Jordan et al. 2024 (Muon), Liu et al. 2025, "Muon is scalable for LLM training" (its scale).
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from v2m.codecs.channels import NOTE as CHANNELS_NOTE
from v2m.codecs.channels import channels_note
from v2m.errors import MissingPartError, UnfinishedError
from v2m.model.checkpoint import load_checkpoint, save_checkpoint, weights_hash
from v2m.model.conditioning import GRID_CHANNELS
from v2m.model.device import choose_device, fast_dtype
from v2m.model.dit import DiT, DiTConfig, add_curve_channel
from v2m.model.flow import flow_loss, interpolate
from v2m.prompt.vocabulary import TERMS
from v2m_training.batches import CHANNEL_GROUPS, Batch, training_batch, validation_batch
from v2m_training.config import ModelConfig, RunConfig, StageConfig, StageName
from v2m_training.dataset import Corpus, read_corpus
from v2m_training.state import load_state, save_state

_STAGE_NUMBER: Final[dict[StageName, int]] = {"text-to-music": 0, "curve": 1}
_LENGTH: Final = ("steps", "fall_share", "final_rate")
_VALIDATION_CHUNK: Final = 16  # excerpts in one pass, so that validating needs no more memory than a step


def train_stage(run: RunConfig, name: StageName) -> Path:
    """Train one stage to its end, going on from where an earlier run was stopped.

    Returns:
        The weights, in float32, averaged over the last steps; at once, if they are there already.

    Raises:
        MissingPartError: the curve stage is asked for before text-to-music was trained.
        UnfinishedError: the loss is no longer a finite number.
    """
    torch.set_num_threads(run.threads)
    stage, weights, digest = run.stage(name), weights_path(run, name), _digest(run, name)
    kept = _digest(run, name, lengthened=True)
    if weights.is_file() and load_checkpoint(weights).notes.get("digest") == digest:
        return weights
    run.out_dir.mkdir(parents=True, exist_ok=True)
    corpus = read_corpus(run.corpus_of(name), run.validation_pieces, stage.window_frames)
    trainer = Trainer(_first_model(run, name), stage, choose_device(run.device))
    state = run.out_dir / f"{name}.state"
    trainer.step = load_state(state, kept, trainer.model, trainer.average, trainer.optimizers)
    log = Log(run.out_dir / f"{name}.jsonl", run.log_every)
    with _flushed_denormals():
        while trainer.step < stage.steps:
            seed = (run.seed, _STAGE_NUMBER[name], trainer.step)
            batch = training_batch(corpus.training, stage, name == "curve", seed)
            log.step(trainer.step, trainer.update(batch))
            if trainer.step % run.validate_every == 0 or trainer.step == stage.steps:
                log.write({"step": trainer.step, "validation_loss": _validate(trainer, corpus, run, name)})
            if trainer.step % run.save_every == 0:
                parts = (trainer.model.state_dict(), trainer.average, trainer.optimizers)
                save_state(state, trainer.step, kept, *parts)
    notes = {"stage": name, "steps": str(stage.steps), "digest": digest, CHANNELS_NOTE: channels_note()}
    save_checkpoint(weights, trainer.averaged_model(), notes, torch.float32)
    state.unlink(missing_ok=True)
    return weights


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """A tenth faster on a CPU, as decaying averages run through denormals; the process gets them back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def weights_path(run: RunConfig, name: StageName) -> Path:
    """Where a stage leaves its weights."""
    return run.out_dir / f"{name}.safetensors"


def model_config(size: ModelConfig) -> DiTConfig:
    """The shape of the embedded model: the size asked for, on the score latents and the vocabulary."""
    return DiTConfig(CHANNEL_GROUPS, grid_channels=GRID_CHANNELS, text_terms=len(TERMS), **asdict(size))


def _first_model(run: RunConfig, name: StageName) -> DiT:
    if name == "text-to-music":
        torch.manual_seed(run.seed)
        return load_checkpoint(run.start_from).model if run.start_from else DiT(model_config(run.model))
    base = weights_path(run, "text-to-music")
    if not base.is_file():
        raise MissingPartError(
            f"The curve stage starts from {base}, which is not there.",
            hint="Run `v2m-train text-to-music` with the same settings first.",
        )
    return add_curve_channel(load_checkpoint(base).model)


def _digest(run: RunConfig, name: StageName, lengthened: bool = False) -> str:
    """Of what decides the weights; or, for a state, of what does so whatever the run's length."""
    stage = asdict(run.stage(name))
    if lengthened:
        stage = {key: value for key, value in stage.items() if key not in _LENGTH}
    settings: dict[str, Any] = {"seed": run.seed, "model": asdict(run.model), "stage": stage}
    base = weights_path(run, "text-to-music") if name == "curve" else run.start_from
    if base is not None and base.is_file():
        settings["base"] = weights_hash(base)
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class StepResult:
    """What a step tells."""

    loss: float
    learning_rate: float
    gradient_norm: float


class Trainer:
    """A model with its optimisers and the running average of its weights."""

    def __init__(self, model: DiT, stage: StageConfig, device: torch.device) -> None:
        self.stage = stage
        self.device = device
        self.model = model.to(device).train()
        self.step = 0
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self._trained = _choose_trainable(model, stage)
        self.optimizers = _optimizers(model, stage)
        self._format = fast_dtype(device)

    def update(self, batch: Batch) -> StepResult:
        """One step.

        Raises:
            UnfinishedError: the loss is not finite.
        """
        rate = learning_rate(self.step, self.stage)
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = rate
        loss = self.loss(self.model, batch)
        self.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self._trained, self.stage.clip_norm)
        if not math.isfinite(float(norm)):
            raise UnfinishedError(
                f"The loss is {float(loss.detach())} at step {self.step}.", hint="Lower the learning rate."
            )
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self._follow()
        return StepResult(float(loss.detach()), rate, float(norm))

    def loss(self, model: DiT, batch: Batch) -> Tensor:
        """The flow loss of a batch, the products in the device's fast number format."""
        batch = batch.to(self.device)
        x = interpolate(batch.noise, batch.data, batch.time)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._format == torch.bfloat16):
            predicted = model(x, batch.time, batch.conditioning)
        return flow_loss(predicted, batch.noise, batch.data, model.cell_mask(batch.conditioning.mask))

    def averaged_model(self) -> DiT:
        """A copy of the model with the averaged weights, for evaluation."""
        model = DiT(self.model.config).to(self.device).eval()
        model.load_state_dict(self.average)
        return model

    def _follow(self) -> None:
        # Early on the average would else be mostly the random beginning.
        decay = min(self.stage.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            current = self.model.state_dict()
            averages = list(self.average.values())
            torch._foreach_lerp_(averages, [current[name] for name in self.average], 1 - decay)


def learning_rate(step: int, stage: StageConfig) -> float:
    """Linear warm-up, then the peak, at last evenly down to `final_rate` of it (Hägele et al. 2024)."""
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    fall = max(1.0, stage.fall_share * stage.steps)
    left = min(1.0, max(0.0, stage.steps - step) / fall)
    return stage.learning_rate * (stage.final_rate + (1 - stage.final_rate) * left)


def _choose_trainable(model: DiT, stage: StageConfig) -> list[Tensor]:
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(stage.trainable == "all" or name == "curve_column")
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _optimizers(model: DiT, stage: StageConfig) -> list[torch.optim.Optimizer]:
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    # Decay is for matrices; norms, biases, the null text and the curve's column have no scale to lose.
    bare = ("offset", "curve_column")
    matrices = [p for name, p in trained if p.ndim == 2 and not name.endswith(bare)]
    others = [p for name, p in trained if p.ndim != 2 or name.endswith(bare)]
    inner: list[Tensor] = []
    if stage.optimizer == "muon":
        inside = {id(p) for name, p in trained if name.startswith("blocks.")}
        # Muon is for maps from width to width: the table of terms, inlets and outlet keep AdamW.
        inner = [
            p
            for name, p in trained
            if name.startswith("blocks.") and name.endswith(".weight") and p.ndim == 2
        ]
        matrices = [p for p in matrices if id(p) not in inside]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": stage.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    # A second moment over 20 steps rather than 1,000: runs are short, and gradients shrink fast at first.
    plain = torch.optim.AdamW(groups, lr=stage.learning_rate, betas=(0.9, 0.95), fused=True)
    if not inner:
        return [plain]
    decay = stage.weight_decay
    return [plain, torch.optim.Muon(inner, stage.learning_rate, decay, adjust_lr_fn="match_rms_adamw")]


def _validate(trainer: Trainer, corpus: Corpus, run: RunConfig, name: StageName) -> float:
    model, total = trainer.averaged_model(), 0.0
    pieces = corpus.validation
    with torch.inference_mode():
        for at in range(0, len(pieces), _VALIDATION_CHUNK):
            chunk = pieces[at : at + _VALIDATION_CHUNK]
            batch = validation_batch(chunk, trainer.stage, name == "curve", run.seed + at)
            total += float(trainer.loss(model, batch)) * len(chunk)
    return total / len(pieces)


class Log:
    """The run's lines, in a file and, for who watches, on stderr."""

    def __init__(self, path: Path, every: int) -> None:
        self._path = path
        self._every = every
        self._losses: list[float] = []
        self._since = time.monotonic()

    def step(self, step: int, result: StepResult) -> None:
        """Note a step; every so many a line with their mean loss is written."""
        self._losses.append(result.loss)
        if (step + 1) % self._every:
            return
        seconds, self._since = time.monotonic() - self._since, time.monotonic()
        count, mean = len(self._losses), sum(self._losses) / len(self._losses)
        self._losses = []
        line = {**asdict(result), "loss": mean, "steps_per_s": count / seconds}
        self.write({"step": step + 1, **{name: float(f"{value:.5g}") for name, value in line.items()}})

    def write(self, line: dict[str, float]) -> None:
        """Append a line of JSON."""
        text = json.dumps(line)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        print(text, file=sys.stderr, flush=True)
