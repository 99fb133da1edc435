"""Weights on disk: one safetensors file whose header carries the model's shape.

Conventions: metadata holds `format`, `config` (JSON of `DiTConfig`) and any notes, all strings; tensors are
stored in one number format and computed in another. Nothing but safetensors is read: no pickle, ever.
Sources: https://github.com/huggingface/safetensors, section Format.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from v2m.errors import CheckpointError, InputError, OutputWriteError
from v2m.model.dit import DiT, DiTConfig

FORMAT: Final = "v2m-dit-1"

_PICKLE_STARTS: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
"""How files of torch.save begin: a pickle protocol, or the zip archive around one."""

_HEADER_LIMIT: Final = 100_000_000  # bytes; the format's own limit


@dataclass(frozen=True)
class Checkpoint:
    """A model read from disk."""

    model: DiT
    """On the CPU in float32, in evaluation mode."""

    notes: Mapping[str, str]
    """What the trainer wrote beside the shape, for example the names of the terms."""

    sha256: str
    """Of the whole file, hexadecimal."""


def save_checkpoint(
    path: Path, model: DiT, notes: Mapping[str, str], dtype: torch.dtype = torch.bfloat16
) -> None:
    """Write a model, whole or not at all.

    Args:
        path: ends in .safetensors by custom; replaced if it is there.
        model: any device and number format.
        notes: strings kept beside the weights; `format` and `config` are taken.
        dtype: number format of the stored weights.

    Raises:
        OutputWriteError: the folder or the disk does not take the file.
    """
    tensors = {
        name: value.detach().to("cpu", dtype).contiguous() for name, value in model.state_dict().items()
    }
    header = {**notes, "format": FORMAT, "config": json.dumps(asdict(model.config))}
    write_whole(path, save_tensors(tensors, header))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that after a crash it holds the old bytes or the new, never a part.

    Raises:
        OutputWriteError: the folder or the disk does not take the file.
    """
    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise OutputWriteError(f"{path} could not be written: {error.strerror}.") from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a model, refusing whatever is not exactly one.

    Raises:
        CheckpointError: missing, truncated, another format, unknown or missing keys, wrong shapes, numbers
            that are not finite.
    """
    content = _read(path)
    header = _metadata(path, content)
    config = _config(path, header.pop("config", ""))
    header.pop("format")
    try:
        tensors = load_tensors(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path.name} is damaged or cut short: {error}.", hint=_AGAIN) from error
    if "curve_column" in tensors:  # the first weights had one frame a token, and a vector here
        tensors["curve_column"] = tensors["curve_column"].reshape(-1, config.width)
    with torch.device("meta"):
        model = DiT(config)
    _check_tensors(path, model, tensors)
    model = DiT(config).eval()
    model.load_state_dict({name: value.float() for name, value in tensors.items()})
    return Checkpoint(model, header, hashlib.sha256(content).hexdigest())


_AGAIN: Final = "Fetch or export the file again."


def weights_hash(path: Path) -> str:
    """SHA-256 of the file, hexadecimal: what takes and adapters name a model by.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"The weights {path} cannot be read: {error.strerror}.") from error


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"The weights {path} cannot be read: {error.strerror}.") from error
    if content.startswith(_PICKLE_STARTS):
        raise CheckpointError(
            f"{path.name} is a pickle, which can run code and is never loaded.",
            hint="Convert it to safetensors on a machine that you trust it with.",
        )
    return content


def _metadata(path: Path, content: bytes) -> dict[str, str]:
    length = struct.unpack_from("<Q", content)[0] if len(content) >= 8 else 0
    if not 2 <= length <= min(_HEADER_LIMIT, len(content) - 8):
        raise CheckpointError(f"{path.name} is not a whole safetensors file.", hint=_AGAIN)
    try:
        header = json.loads(content[8 : 8 + length])["__metadata__"]
        found = str(header["format"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{path.name} holds no model of this kind: its header names no format, expected {FORMAT}."
        ) from error
    if found != FORMAT:
        raise CheckpointError(f"{path.name} has the format {found!r}, expected {FORMAT}.")
    return {str(name): str(value) for name, value in header.items()}


def _config(path: Path, text: str) -> DiTConfig:
    try:
        return config_from_dict(json.loads(text))
    except (InputError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} describes no model: {error}") from error


_CONFIG_LIMIT: Final = 1_000_000  # a larger number in a shape is nonsense, and would exhaust memory


def config_from_dict(values: Any) -> DiTConfig:  # noqa: ANN401 - JSON, checked here
    """A `DiTConfig` from JSON.

    Raises:
        InputError: unknown or missing keys, or values of the wrong kind.
    """
    known = {field.name for field in fields(DiTConfig)}
    if not isinstance(values, dict) or not set(values) <= known or "channel_groups" not in values:
        seen = sorted(set(values) - known) if isinstance(values, dict) else values
        raise InputError(f"its config has {seen!r}, expected channel_groups and keys of {sorted(known)}.")
    groups = values["channel_groups"]
    numbers = [value for name, value in values.items() if name != "channel_groups"]
    numbers += groups if isinstance(groups, list) else [None]
    for value in numbers:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _CONFIG_LIMIT:
            raise InputError(f"its config holds {value!r} where a number is expected.")
    whole = {
        field.name: values[field.name]
        for field in fields(DiTConfig)
        if field.type == "int" and field.name in values
    }
    if not all(isinstance(value, int) for value in [*whole.values(), *groups]):
        raise InputError("its config holds a fraction where a whole number is expected.")
    return DiTConfig(**{**values, "channel_groups": tuple(groups)})


def _check_tensors(path: Path, model: DiT, tensors: Mapping[str, Tensor]) -> None:
    expected = model.state_dict()
    if set(expected) != set(tensors):
        missing, extra = sorted(set(expected) - set(tensors)), sorted(set(tensors) - set(expected))
        raise CheckpointError(
            f"{path.name} has other tensors than its config says: {len(missing)} missing {missing[:3]}, "
            f"{len(extra)} unknown {extra[:3]}."
        )
    for name, value in tensors.items():
        if value.shape != expected[name].shape:
            raise CheckpointError(
                f"{path.name}: {name} has shape {tuple(value.shape)}, expected {tuple(expected[name].shape)}."
            )
        if not value.is_floating_point() or not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{path.name}: {name} holds numbers that are not finite.", hint=_AGAIN)
