"""Reads one file of torch.save and writes its tensors as safetensors, in a process of its own.

    python -m v2m_daemon.models.unpickle SOURCE TARGET

This is the only place where a pickle is opened, and it is opened with an unpickler that builds tensors,
numbers and plain containers and refuses everything else (`weights_only`); the process ends after one file
and answers with one JSON object: `{"tensors": n, "left_out": [names]}`, or `{"problem": sentence}`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

_WRAPPERS: Final = ("state_dict", "model_state_dict", "model", "module", "ema")
"""Under these names trainers keep the weights beside their own state, best first."""


def convert(source: Path, target: Path) -> dict[str, Any]:
    """Write the tensors of `source` to `target`; what was not a tensor is left out and named."""
    loaded = torch.load(source, map_location="cpu", weights_only=True, mmap=_is_zip(source))
    flat = dict(_flat(_weights(loaded)))
    kept = {name: value for name, value in flat.items() if isinstance(value, Tensor)}
    if not kept:
        return {"problem": "it holds no tensors"}
    save_file(_apart(kept), target, metadata={"format": "pt"})
    return {"tensors": len(kept), "left_out": sorted(flat.keys() - kept.keys())[:20]}


def _is_zip(source: Path) -> bool:
    with source.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"  # older files cannot be mapped into memory


def _weights(loaded: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever somebody saved
    """The dictionary of the weights inside what was saved."""
    if isinstance(loaded, Tensor):
        return {"tensor": loaded}
    if not isinstance(loaded, Mapping):
        return {}
    for name in _WRAPPERS:
        inner = loaded.get(name)
        if isinstance(inner, Mapping) and any(isinstance(value, Tensor) for value in inner.values()):
            return inner
    return loaded


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each tensor with memory of its own, in one piece: two names of one tensor are two in safetensors."""
    seen: set[int] = set()
    result = {}
    for name, value in tensors.items():
        place = value.untyped_storage().data_ptr()
        result[name] = value.detach().clone() if place in seen else value.detach().contiguous()
        seen.add(place)
    return result


def main() -> None:
    """Convert what the command line names."""
    source, target = map(Path, sys.argv[1:])
    try:
        answer = convert(source, target)
    except Exception as error:  # a broken or hostile file can raise anything, and the answer says so
        answer = {"problem": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
