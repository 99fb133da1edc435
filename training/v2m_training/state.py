"""The state of a run on disk: everything that a killed run needs to go on as if nothing had happened.

Conventions: one safetensors file, replaced whole; tensors `model.*`, `average.*` and `optimizer.I.K.*` (I
the optimiser, K the parameter's place in it); the step and a digest of the settings in its header. Batches
and noise are functions of seed and step (`batches.py`), so no random state is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from v2m.errors import CheckpointError
from v2m.model.checkpoint import write_whole

Tensors = dict[str, Tensor]


def save_state(
    path: Path,
    step: int,
    digest: str,
    model: Tensors,
    average: Tensors,
    optimizers: Sequence[torch.optim.Optimizer],
) -> None:
    """Write the state after `step` steps.

    Raises:
        OutputWriteError: the folder or the disk does not take the file.
    """
    tensors = {f"model.{name}": value for name, value in model.items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for i, optimizer in enumerate(optimizers):
        for place, values in optimizer.state_dict()["state"].items():
            for name, value in values.items():
                tensors[f"optimizer.{i}.{place}.{name}"] = torch.as_tensor(value)
    content = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_whole(path, save_tensors(content, {"step": str(step), "digest": digest}))


def load_state(
    path: Path,
    digest: str,
    model: torch.nn.Module,
    average: Tensors,
    optimizers: Sequence[torch.optim.Optimizer],
) -> int:
    """Put a state back into model, averages and optimisers; the number of steps done, 0 if there is no file.

    Raises:
        CheckpointError: the file is damaged, or belongs to a run with other settings.
    """
    if not path.is_file():
        return 0
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("digest") != digest:
                raise CheckpointError(
                    f"The state {path} belongs to a run with other settings.",
                    hint="Give another out_dir, or delete the state to begin again.",
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        step = int(header["step"])
        model.load_state_dict(_under(tensors, "model."))
        for name, value in _under(tensors, "average.").items():
            average[name].copy_(value)
        for i, optimizer in enumerate(optimizers):
            _restore(optimizer, _under(tensors, f"optimizer.{i}."))
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"The state {path} is damaged: {error}.", hint="Delete it to begin again."
        ) from error
    return step


def _under(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _restore(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    state: dict[int, Tensors] = {}
    for key, value in tensors.items():
        place, name = key.split(".", 1)
        state.setdefault(int(place), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
