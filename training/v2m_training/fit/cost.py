"""What a run will take, before it is begun: memory of one process, time, and money.

One short excerpt goes through the model. What its backward pass would need is counted byte by byte, and its
multiplications one by one; both grow with the length, and memory with the excerpts of one pass. Not counted:
the codec and the text encoder, which work before the step, and what an allocator wastes (a tenth is usual).
Conventions: bytes, seconds, floating-point operations (a multiplication and an addition are two).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from v2m_training.fit.batches import Batches
from v2m_training.fit.config import FitConfig
from v2m_training.fit.trainer import Trainer

_LEAST_FRAMES: Final = 16
_SHARE: Final = 8
"""The excerpt that is tried is so many times shorter than those of the run, for it may be tried on a CPU."""

_GIB: Final = 2**30


@dataclass(frozen=True)
class Cost:
    """What a run takes."""

    trained: int
    """Weights that move."""

    all_weights: int
    weights_bytes: float
    training_bytes: float
    """Gradients, the optimiser's two moments, the averages."""

    activation_bytes: float
    step_flops: float
    """Of all processes together."""

    seconds: float
    price: float

    def __str__(self) -> str:
        """A few lines for people."""
        whole = self.weights_bytes + self.training_bytes + self.activation_bytes
        lines = [
            f"weights     {self.trained:,} of {self.all_weights:,} are trained",
            f"memory      {whole / _GIB:.2f} GiB a process: weights {self.weights_bytes / _GIB:.2f}, "
            f"gradients, moments and averages {self.training_bytes / _GIB:.2f}, "
            f"activations {self.activation_bytes / _GIB:.2f}",
            f"step        {self.step_flops / 1e12:.3f} TFLOP",
            f"time        {self.seconds / 3600:.2f} h",
        ]
        if self.price:
            lines.append(f"cost        {self.price:.2f}")
        return "\n".join(lines)


def cost_of(trainer: Trainer, batches: Batches, config: FitConfig) -> Cost:
    """The cost of a run whose trainer was made with `checkpointing` off, as it stands, on one process."""
    cluster = config.cluster
    _, micro = config.share_of(cluster.processes)
    trained = sum(p.numel() for p in trainer.trained.values())
    parameters = list(trainer.model.module.parameters())
    weights_bytes = float(sum(p.numel() * p.element_size() for p in parameters))
    training_bytes = 16.0 * trained  # a gradient, two moments and an average, four bytes each
    if config.trained == "everything" and cluster.processes > 1:
        weights_bytes *= 1 + 1 / cluster.processes  # whole for the step, its share between
        training_bytes /= cluster.processes
    saved, entering, flops = _tried(trainer, batches)
    blocks = max(1, len(trainer.model.blocks()))
    held = entering + saved / blocks if config.checkpointing else saved
    step_flops = flops * passes_of(config) * config.batch_size
    seconds = (
        config.steps * step_flops / (cluster.processes * cluster.peak_tflops * 1e12 * cluster.utilisation)
    )
    return Cost(
        trained, sum(p.numel() for p in parameters), weights_bytes, training_bytes, held * micro, step_flops,
        seconds, seconds / 3600 * cluster.processes * cluster.price_per_hour,
    )  # fmt: skip


def passes_of(config: FitConfig) -> int:
    """Forward passes that a step is worth: the gradients of activations are one, those of weights another."""
    backward = 2 if config.trained == "everything" else 1
    return 1 + backward + int(config.checkpointing)


def _tried(trainer: Trainer, batches: Batches) -> tuple[float, float, float]:
    """Bytes kept for the backward pass, those that enter the blocks, and operations, of one whole excerpt."""
    batch = batches.step(0, 0, 1)
    frames = max(_LEAST_FRAMES, batches.frames // _SHARE)
    short = replace(
        batch, data=batch.data[:, :frames], noise=batch.noise[:, :frames], curve=batch.curve[:, :frames]
    )
    weights = {p.data_ptr() for p in trainer.model.module.parameters()}
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            saved[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with _entering(trainer.model.blocks()) as entered, FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            kept = trainer.loss(short)  # alive, so that no address is used twice
        flops = float(counter.get_total_flops())
    del kept
    longer = batches.frames / short.data.shape[1]
    return sum(saved.values()) * longer, sum(entered) * longer, flops * longer


@contextmanager
def _entering(blocks: Any) -> Iterator[list[int]]:  # noqa: ANN401 - modules
    """Bytes of what enters each block, while the context lasts."""
    sizes: list[int] = []

    def count(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        sizes.append(inputs[0].numel() * inputs[0].element_size())

    handles = [block.register_forward_pre_hook(count) for block in blocks]
    try:
        yield sizes
    finally:
        for handle in handles:
            handle.remove()
