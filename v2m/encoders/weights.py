"""Where pretrained encoders lie, and how their weights are read.

A model's files lie in a folder of its name under `models_folder()`, as `v2m models add` puts them there:
safetensors and JSON, nothing that could hold code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from v2m.backbones.sound.checkpoint import folder_hash, read_safetensors
from v2m.backbones.sound.config_file import read_config
from v2m.errors import CheckpointError, MissingPartError
from v2m.model.memory import loaded_bytes
from v2m.model.warm import WARM, Wanted

Network = TypeVar("Network", bound=nn.Module)


class PretrainedFolder:
    """The files of one model, read when they are asked for."""

    def __init__(self, path: Path, name: str, editions: tuple[str, ...] = ()) -> None:
        """Look at a folder.

        Args:
            path: the folder.
            name: of the model in the store.
            editions: patterns of names, best first, of files that are whole models each, of which one is
                taken; without any, all files together are the model.

        Raises:
            MissingPartError: there are no weights in it.
        """
        self.path, self.name = path, name
        self.files = sorted(path.glob("*.safetensors"))
        for pattern in editions:
            if best := [file for file in self.files if fnmatchcase(file.stem, pattern)]:
                self.files = best[:1]
                break
        if not self.files:
            raise MissingPartError(
                f"The encoder {name} has no weights: there is no safetensors file in {path}.",
                hint=f"Bring them with `v2m models add {name}`, or leave out --encoder.",
            )

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of the weights and of their configuration."""
        return folder_hash([*self.files, *self.path.glob("*.json")])

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of all files.

        Raises:
            CheckpointError: a file is damaged, a pickle, or holds numbers that are not finite.
        """
        tensors: dict[str, Tensor] = {}
        for file in self.files:
            tensors |= read_safetensors(file)
        return tensors

    def network(
        self,
        build: Callable[[dict[str, Tensor]], Network],
        device: torch.device,
        dtype: torch.dtype,
        *,
        edition: Hashable = None,
    ) -> Network:
        """The network of these weights, ready to compute and not to learn; the one that is warm, if one is.

        Args:
            build: makes it of all tensors of all files.
            device: where it computes.
            dtype: in which numbers.
            edition: what tells networks apart that are built otherwise of the same tensors.

        Raises:
            CheckpointError: the weights are damaged, or of another model.
            OutOfMemoryError: it would not fit; says the numbers.
        """
        stored = sum(file.stat().st_size for file in self.files)
        loaded = loaded_bytes(self.files, dtype.itemsize)
        wanted = Wanted(
            name=f"The encoder {self.name}",
            key=(self.name, self.sha256, str(device), dtype, edition),
            device=str(device),
            weights_bytes=loaded if device.type == "cuda" else max(stored, loaded),
            hint="Close other programs, or choose a smaller encoder with --encoder.",
        )

        def load() -> Network:
            network = build(self.tensors())
            network.to(device=device, dtype=dtype).eval().requires_grad_(False)
            return network

        return WARM.get(wanted, load)

    def json(self, *patterns: str) -> dict[str, Any]:
        """The first JSON object whose file's name matches one of the patterns, best first.

        Raises:
            CheckpointError: there is no such file, it holds no object, or describes a network without end.
        """
        found = [file for pattern in patterns for file in sorted(self.path.glob(pattern))]
        if not found:
            raise CheckpointError(
                f"{self.path} holds no {patterns[0]}.", hint="Fetch the model's files again."
            )
        return read_config(found[0])


def whole_numbers(content: Mapping[str, Any], names: tuple[str, ...], limit: int = 1 << 20) -> None:
    """Refuse a configuration in which one of these is no whole number from 1 to the limit.

    Raises:
        CheckpointError: it names the value.
    """
    for name in names:
        value = content.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= limit:
            raise CheckpointError(f"The configuration says {name} is {value!r}, expected a whole number.")
