"""A step of fine-tuning: the loss of a batch, its gradient, the weights and their running average.

Conventions: as in `trainable`; weights that are trained are float32, products are in the run's precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.utils.checkpoint import checkpoint

from v2m.errors import UnfinishedError
from v2m.model.device import fast_dtype
from v2m_training.fit.batches import Batch
from v2m_training.fit.config import FitConfig, Optimisation
from v2m_training.fit.lessons import lesson_of
from v2m_training.fit.lora import add_lora, is_lora
from v2m_training.fit.team import Team
from v2m_training.fit.trainable import Trainable


@dataclass(frozen=True)
class StepResult:
    """What a step tells."""

    loss: float
    learning_rate: float
    """The highest of the groups'."""

    gradient_norm: float


class Trainer:
    """A model in training with its optimiser and the running average of its trained weights."""

    def __init__(self, model: Trainable, config: FitConfig, team: Team) -> None:
        """Choose what is trained, and place the model on this team's devices.

        Raises:
            UsageError: the batch cannot be shared, or low-rank updates find no layer.
        """
        self.model = model
        self.config = config
        self.team = team
        self.share, self._micro = config.share_of(team.size)
        self.step = 0
        self._lesson = lesson_of(config)
        # Dropout inside the network would make a resumed run another one, and several processes another run.
        model.module.eval()
        self.format = _number_format(config, team.device)
        if config.trained in ("column", "lora"):
            model.store_in(self.format)
        if config.trained == "lora":
            add_lora(model.blocks(), config.lora.rank, config.lora.targets, config.seed)
        self._place()
        self.trained = _choose(model, config)
        self.average = {name: p.detach().clone() for name, p in self.trained.items()}
        self.optimizer = _optimizer(self.trained, model.column, config.optimisation)

    def _place(self) -> None:
        module, blocks = self.model.module, self.model.blocks()
        module.to(self.team.device)
        if self.config.checkpointing:
            for block in blocks:
                block.forward = partial(checkpoint, block.forward, use_reentrant=False)
        self.is_sharded = self.config.trained == "everything" and self.team.size > 1
        if self.is_sharded:
            self.team.shard(module, blocks, self.model.early())

    def update(self, batch: Batch) -> StepResult:
        """One step on this process's share of the batch; every process takes it at the same time.

        Raises:
            UnfinishedError: the loss is no longer a finite number.
        """
        share = rate_at(self.step, self.config.steps, self.config.optimisation)
        for group in self.optimizer.param_groups:
            group["lr"] = share * group["peak"]
        self.model.module.zero_grad(set_to_none=True)
        total = self._backward(batch)
        parameters = list(self.trained.values())
        if not self.is_sharded:
            self.team.average_gradients(parameters)
        norm = _clipped(parameters, self.config.optimisation.clip_norm)
        mean = self.team.mean(total)
        if not (math.isfinite(norm) and math.isfinite(mean)):
            raise UnfinishedError(
                f"The loss is {mean} at step {self.step}.", hint="Lower the learning rates."
            )
        self.optimizer.step()
        self.step += 1
        self._follow()
        return StepResult(mean, max(group["lr"] for group in self.optimizer.param_groups), norm)

    def _backward(self, batch: Batch) -> Tensor:
        total = torch.zeros((), device=self.team.device)
        passes = self.share // self._micro
        for start in range(0, self.share, self._micro):
            part = self.loss(batch.rows(start, start + self._micro)) / passes
            part.backward()  # type: ignore[no-untyped-call]
            total += part.detach()
        return total

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of excerpts."""
        with self.computing():
            return self._lesson(self.model, batch.to(self.team.device))

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Products within the block are in the run's precision."""
        with torch.autocast(self.team.device.type, torch.bfloat16, enabled=self.format == torch.bfloat16):
            yield

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within the block the model has the averaged weights."""
        kept = {name: p.detach().clone() for name, p in self.trained.items()}
        self._put(self.average)
        try:
            yield
        finally:
            self._put(kept)

    def _put(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.trained.items():
                _local(parameter).copy_(_local(weights[name]))

    def _follow(self) -> None:
        # Early on the average would else be mostly the beginning.
        decay = min(self.config.optimisation.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            averages = [_local(value) for value in self.average.values()]
            torch._foreach_lerp_(averages, [_local(p) for p in self.trained.values()], 1 - decay)


def rate_at(step: int, steps: int, settings: Optimisation) -> float:
    """Share of the learning rates: an even warm-up, then 1, at last evenly down to `final_rate`."""
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    fall = max(1.0, settings.fall_share * steps)
    left = min(1.0, max(0.0, steps - step) / fall)
    return settings.final_rate + (1 - settings.final_rate) * left


def _choose(model: Trainable, config: FitConfig) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by name; the others need no gradients from here on."""
    trained = {}
    for name, parameter in model.module.named_parameters():
        wanted = config.trained in ("everything", "head")
        # a teacher shares the column with its student, so distilling leaves it as it is
        wanted = wanted or (name == model.column and config.recipe != "distill")
        wanted = wanted or (config.trained == "lora" and is_lora(name))
        parameter.requires_grad_(wanted)
        if wanted:
            trained[name] = parameter
    return trained


def _optimizer(
    trained: dict[str, nn.Parameter], column: str, settings: Optimisation
) -> torch.optim.Optimizer:
    new = [p for name, p in trained.items() if name == column or is_lora(name)]
    old = [p for name, p in trained.items() if not (name == column or is_lora(name))]
    groups: list[dict[str, Any]] = [
        {"params": new, "peak": settings.new_rate, "weight_decay": 0.0},
        {"params": [p for p in old if p.ndim >= 2], "peak": settings.learning_rate,
         "weight_decay": settings.weight_decay},
        {"params": [p for p in old if p.ndim < 2], "peak": settings.learning_rate, "weight_decay": 0.0},
    ]  # fmt: skip
    groups = [group for group in groups if group["params"]]
    betas = (settings.betas[0], settings.betas[1])
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)


def _clipped(parameters: list[nn.Parameter], limit: float) -> float:
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)


def _number_format(config: FitConfig, device: torch.device) -> torch.dtype:
    if config.precision == "auto":
        return fast_dtype(device)
    return torch.bfloat16 if config.precision == "bfloat16" else torch.float32


def _local(tensor: Tensor) -> Tensor:
    value = tensor.detach()
    return value.to_local() if isinstance(value, DTensor) else value
