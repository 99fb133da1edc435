"""The processes of a run: one, or those that `torchrun` or `accelerate launch` started, on any machines.

Conventions: the launcher says who is who by RANK, LOCAL_RANK and WORLD_SIZE in the environment, and where to
meet by MASTER_ADDR and MASTER_PORT, as both launchers do. Where few weights are trained every process holds
the whole model and their gradients are averaged here; where all are, the model is sharded (FSDP2).
All processes read and the first one writes the same folders: machines share them.
Sources: Zhao et al. 2023 (FSDP); https://pytorch.org/docs/stable/distributed.fsdp.fully_shard.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from v2m.errors import UnsupportedError
from v2m.model.device import choose_device

Early = tuple[nn.Module, ...]
"""Parts of a block that are called one after the other before it is the block's turn."""


def with_weights(*parts: nn.Module) -> Early:
    """Those that have any: a norm that a model was built without is nothing to be spread."""
    return tuple(part for part in parts if any(True for _ in part.parameters()))


@dataclass(frozen=True)
class Team:
    """Who takes part."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def shard(self, module: nn.Module, blocks: Sequence[nn.Module], early: Sequence[Early]) -> None:
        """Spread a module's weights, their gradients and their optimiser's state over the processes.

        The weights of a block come together when it is its turn and part again behind it, so that no process
        ever holds all of them.

        Args:
            module: the network.
            blocks: its repeated layers.
            early: what of them is called before it is their turn.
        """
        mesh = init_device_mesh(self.device.type, (self.size,))
        for parts in early:
            fully_shard(list(parts), mesh=mesh)
        for block in blocks:
            fully_shard(block, mesh=mesh)
        fully_shard(module, mesh=mesh)

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """The mean over all processes, in one message."""
        if self.size == 1:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        together = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(together)
        together /= self.size
        start = 0
        for parameter in parameters:
            stop = start + parameter.numel()
            parameter.grad = together[start:stop].reshape(parameter.shape)
            start = stop

    def mean(self, value: Tensor) -> float:
        """The mean of a number over all processes."""
        total = value.detach().to(self.device, torch.float64 if self.device.type != "mps" else torch.float32)
        if self.size > 1:
            dist.all_reduce(total)
        return float(total) / self.size

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def repeatable(wanted: bool) -> Iterator[None]:
    """Within the block the same work gives the same bits on a GPU, too, where some of torch's ways do not."""
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what CUDA asks for to add in one order
    was_so = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was_so)


@contextmanager
def gathered(device: str) -> Iterator[Team]:
    """The team of this process; it is dissolved at the end of the block.

    Args:
        device: as settings say it; with several processes on GPUs each takes its own.

    Raises:
        MissingPartError: the device is not here.
        UnsupportedError: several processes on a device that cannot send messages.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = choose_device(device)
    if size == 1:
        yield Team(chosen)
        return
    if chosen.type == "mps":
        raise UnsupportedError("Several processes cannot train on mps.", hint="Use one, or the device cpu.")
    rank = int(os.environ["RANK"])
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", rank=rank, world_size=size)
    try:
        yield Team(chosen, rank, size)
    finally:
        dist.destroy_process_group()
