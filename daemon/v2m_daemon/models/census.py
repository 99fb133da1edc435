"""What a model is by its own content: the keys and shapes of its tensors, and its configuration.

Only headers are read, so it takes milliseconds whatever the size, and nothing of torch is needed.
Source: https://github.com/huggingface/safetensors, section Format.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from v2m.errors import CheckpointError
from v2m_daemon.models.model import Census, Model

_HEADER_LIMIT: Final = 100_000_000
"""Bytes; the format's own limit."""

_CONFIG_LIMIT: Final = 10_000_000
"""Bytes: a configuration is a few kilobytes, and vocabularies are no configuration."""

_AGAIN: Final = "Fetch or copy the file again."

Shape = tuple[int, ...]


def check(model: Model, folder: Path, siblings: Iterable[Model]) -> None:
    """Look whether a folder holds that model.

    Args:
        model: what it is said to be.
        folder: of its files under the names of the store.
        siblings: other models, that it may be in truth.

    Raises:
        CheckpointError: a file is damaged, or it is another model.
    """
    shapes = tensors(folder)
    config = _config(folder / model.census.config_file)
    wrong = _contradictions(model.census, shapes, config)
    if not wrong and _varies_as_said(model.census, shapes, config):
        return
    other = next((o for o in siblings if o.name != model.name and _is(o.census, shapes, folder)), None)
    if wrong or other:
        hint = f"It looks like {other.name}: `v2m models add {other.name} PATH`." if other else model.manual
        raise CheckpointError(
            f"This is not {model.name}: {wrong or 'its size or objective is another'}.", hint=hint
        )


def tensors(folder: Path) -> dict[str, Shape]:
    """The shape of every tensor in the safetensors files of a folder and its folders.

    Raises:
        CheckpointError: one of them is damaged, or a part that an index names is missing.
    """
    found: dict[str, Shape] = {}
    for path in sorted(folder.rglob("*.safetensors")):
        found |= dict(header(path))
    for index in sorted(folder.rglob("*.safetensors.index.json")):
        parts = set(_config(index).get("weight_map", {}).values())
        missing = sorted(str(part) for part in parts if not (index.parent / Path(str(part)).name).is_file())
        if missing:
            raise CheckpointError(
                f"{index.name} names {missing[0]}, which is not there.", hint="Give the whole folder."
            )
    return found


def header(path: Path) -> Iterator[tuple[str, Shape]]:
    """Names and shapes in a safetensors file.

    Raises:
        CheckpointError: it is cut short, or no such file.
    """
    with path.open("rb") as file:
        start = file.read(8)
        size = path.stat().st_size
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_HEADER_LIMIT, size - 8):
            raise CheckpointError(f"{path.name} is not a whole safetensors file.", hint=_AGAIN)
        try:
            told: dict[str, Any] = json.loads(file.read(length))
            rows = [(name, row) for name, row in told.items() if name != "__metadata__"]
            shapes = [(name, tuple(int(axis) for axis in row["shape"])) for name, row in rows]
            end = max((int(row["data_offsets"][1]) for _, row in rows), default=0)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise CheckpointError(f"{path.name} is not a whole safetensors file.", hint=_AGAIN) from error
    if size != 8 + length + end:
        raise CheckpointError(
            f"{path.name} is cut short or damaged: it has {size} bytes, expected {8 + length + end}.",
            hint=_AGAIN,
        )
    yield from shapes


def _config(path: Path) -> dict[str, Any]:
    """A JSON file; empty where there is none.

    Raises:
        CheckpointError: it is no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _CONFIG_LIMIT:
            raise ValueError("it is too long")
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} cannot be read as JSON: {error}.", hint=_AGAIN) from error
    return told


def _contradictions(census: Census, shapes: Mapping[str, Shape], config: Mapping[str, Any]) -> str:
    """The first thing that it cannot be, as half a sentence; empty if there is none."""
    for key in census.keys:
        if not any(fnmatchcase(name, key) for name in shapes):
            return f"it has {len(shapes)} tensors and none is called {key}"
    for path, expected in census.config.items() if config else ():  # another layout has none
        if (found := _value(config, path)) != expected:
            return f"{census.config_file} says {path} {found!r}, expected {expected!r}"
    return ""


def _is(census: Census, shapes: Mapping[str, Shape], folder: Path) -> bool:
    """Whether everything that tells a model from others speaks for it, and there is something that does."""
    config = _config(folder / census.config_file)
    told = bool(census.keys) and (bool(config) or not census.config)
    return told and not _contradictions(census, shapes, config) and _varies_as_said(census, shapes, config)


def _varies_as_said(census: Census, shapes: Mapping[str, Shape], config: Mapping[str, Any]) -> bool:
    """Whether it is this one of its siblings."""
    alike = all(
        any(fnmatchcase(name, key) and _fits(shape, wanted) for name, shape in shapes.items())
        for key, wanted in census.shapes.items()
    )
    return alike and all(_value(config, path) == value for path, value in census.variant.items())


def _fits(shape: Shape, wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(w is None or w == s for s, w in zip(shape, wanted, strict=True))


def _value(config: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
    found: Any = config
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
