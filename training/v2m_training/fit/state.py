"""The state of a run on disk: everything that a killed run needs to go on as if nothing had happened.

Conventions: one safetensors file, replaced whole; tensors `weights.NAME`, `average.NAME` and
`optimizer.NAME.KIND` of the parameters that are trained; the step and a digest of the settings in its
header. Batches and noise are functions of seed and step, so no random state is kept. Sharded tensors are
gathered one at a time and stored whole: a run may go on with another number of processes, and no process
ever holds more than one whole tensor beside its share.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from v2m.errors import CheckpointError, OutputWriteError

Named = Mapping[str, nn.Parameter]

_FORMATS: Final = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.float64: "F64"}


def save_state(
    path: Path,
    step: int,
    digest: str,
    weights: Named,
    average: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    writes: bool,
) -> None:
    """Write the state after `step` steps; all processes call it, `writes` is true for one.

    Raises:
        OutputWriteError: the folder or the disk does not take the file.
    """
    tensors = dict(_parts(weights, average, optimizer))
    write_tensors(path, tensors, {"step": str(step), "digest": digest}, writes=writes)


def load_state(
    path: Path,
    digest: str,
    weights: Named,
    average: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> int:
    """Put a state back; the number of steps done, 0 if there is no file.

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
            _begin(weights, optimizer)
            for name, tensor in _parts(weights, average, optimizer):
                _fill(tensor, file.get_tensor(name))
            return int(header["step"])
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"The state {path} is damaged: {error}.", hint="Delete it to begin again."
        ) from error


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str], *, writes: bool
) -> None:
    """A safetensors file, written tensor by tensor; sharded ones are gathered on the way.

    Args:
        path: of the file, replaced whole.
        tensors: the same names in the same order in all processes.
        header: its metadata.
        writes: whether this process is the one that writes.

    Raises:
        OutputWriteError: the folder or the disk does not take the file.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        if not writes:
            for tensor in tensors.values():
                whole(tensor)
            return
        with draft.open("wb") as file:
            file.write(_layout(tensors, header))
            for tensor in tensors.values():
                content = whole(tensor).cpu().contiguous()
                file.write(content.reshape(-1).view(torch.uint8).numpy().data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise OutputWriteError(f"{path} could not be written: {error.strerror}.") from error


def whole(tensor: Tensor) -> Tensor:
    """A tensor with all its shards; all processes call it."""
    value = tensor.detach()
    return value.full_tensor() if isinstance(value, DTensor) else value


def _layout(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> bytes:
    """The beginning of a safetensors file: where each tensor lies."""
    entries: dict[str, object] = {"__metadata__": dict(header)}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": _FORMATS[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]
        }  # fmt: skip
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)  # the format wants the numbers to begin on a multiple of eight
    return struct.pack("<Q", len(text)) + text


def _parts(
    weights: Named, average: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in weights.items():
        yield f"weights.{name}", parameter
        yield f"average.{name}", average[name]
        for kind, value in optimizer.state[parameter].items():
            yield f"optimizer.{name}.{kind}", value


def _begin(weights: Named, optimizer: torch.optim.Optimizer) -> None:
    """The optimiser's state as after a step, to be filled."""
    for parameter in weights.values():
        optimizer.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=_home(parameter)),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }


def _home(parameter: Tensor) -> torch.device:
    return parameter.device  # the fused AdamW counts its steps beside the weights


def _fill(tensor: Tensor, stored: Tensor) -> None:
    value = tensor.detach()
    if stored.shape != value.shape:
        raise ValueError(f"shape {tuple(stored.shape)}, expected {tuple(value.shape)}")
    if isinstance(value, DTensor):
        # every process has read the whole tensor, so none has to be sent
        stored = distribute_tensor(
            stored.to(value.device), value.device_mesh, value.placements, src_data_rank=None
        )
    value.copy_(stored)
