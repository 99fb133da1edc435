"""Low-rank updates of a network's matrices: W x + scale B (A x), with B zero at first.

The update is a forward hook and its two factors are parameters of the layer itself, so the names of the
base's weights stay what they are, and sharding and recomputation see one module.
Source: Hu et al. 2021, "LoRA: low-rank adaptation of large language models", section 4.1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from v2m.errors import UsageError

DOWN: Final = "lora_down"  # (rank, inputs)
UP: Final = "lora_up"  # (outputs, rank)
_OFF: Final = "lora_is_off"


def add_lora(blocks: Iterable[nn.Module], rank: int, targets: str, seed: int) -> int:
    """Give the matching linear layers of the blocks low-rank updates; how many layers that are.

    Args:
        blocks: where to look.
        rank: of the updates; their scale is 1, so that the rank does not move the learning rate.
        targets: a regular expression that is searched in a layer's name within its block; empty takes all.
        seed: of the first factors; the second ones are zeros.

    Raises:
        UsageError: no layer has such a name.
    """
    generator, count = torch.Generator().manual_seed(seed), 0
    for block in blocks:
        for name, layer in block.named_modules():
            if isinstance(layer, nn.Linear) and re.search(targets, name):
                _add(layer, rank, generator)
                count += 1
    if not count:
        raise UsageError(f"No linear layer's name holds {targets!r}, so there is nothing to update.")
    return count


def merged_weights(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """(name, weight) of each layer with an update, the update added in float32."""
    for name, layer in module.named_modules():
        if hasattr(layer, DOWN) and isinstance(layer, nn.Linear):
            update = getattr(layer, UP).detach().float() @ getattr(layer, DOWN).detach().float()
            yield f"{name}.weight", (layer.weight.detach().float() + update).to(layer.weight.dtype)


@contextmanager
def without_updates(module: nn.Module) -> Iterator[None]:
    """Within the block the layers are the base's own."""
    layers = [layer for layer in module.modules() if hasattr(layer, DOWN)]
    for layer in layers:
        setattr(layer, _OFF, True)
    try:
        yield
    finally:
        for layer in layers:
            delattr(layer, _OFF)


def is_lora(name: str) -> bool:
    """Whether a parameter is a factor of an update."""
    return name.endswith((DOWN, UP))


def _add(layer: nn.Linear, rank: int, generator: torch.Generator) -> None:
    device = layer.weight.device
    # as nn.Linear draws its own weights: an output's variance does not depend on the number of inputs
    bound = math.sqrt(3 / layer.in_features)
    down = (torch.rand(rank, layer.in_features, generator=generator) * 2 - 1) * bound
    layer.register_parameter(DOWN, nn.Parameter(down.to(device)))
    layer.register_parameter(UP, nn.Parameter(torch.zeros(layer.out_features, rank, device=device)))
    layer.register_forward_hook(_update)


def _update(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    if hasattr(layer, _OFF):
        return output
    down, up = getattr(layer, DOWN), getattr(layer, UP)
    narrow = F.linear(inputs[0].to(down.dtype), down)
    return output + F.linear(narrow.to(up.dtype), up).to(output.dtype)
