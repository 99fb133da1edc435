"""What the models of all families have in common: a folder, where and how to compute, and what they are.

Nothing is read before it is asked for, but the device is looked for at once: what is missing is told before
minutes of work.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

import torch

from v2m.backbones.sound.arithmetic import Arithmetic, choose_arithmetic
from v2m.backbones.sound.checkpoint import folder_hash


class Asked(TypedDict, total=False):
    """Where and how a model is to compute, and by which adapter; as `Pretrained` takes it."""

    device: str
    dtype: str
    compiled: bool
    adapter: Path | None


class Pretrained(ABC):
    """A model of sound in a folder.

    Args:
        folder: with the family's files.
        name: as `--backbone` says it.
        device: as `v2m.model.device` names them.
        dtype: `float32`, `bfloat16` or `float16` for the layers; by default what is fast on the device.
        compiled: compile the layers: slower to begin, faster from then on.
        adapter: an event adapter that was trained on this model.

    Raises:
        UsageError: the device's name or the format's is unknown.
        MissingPartError: the device is not here.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        device: str = "auto",
        dtype: str = "",
        compiled: bool = False,
        adapter: Path | None = None,
    ) -> None:
        self.name = name
        self._root, self._adapter_path = folder, adapter
        self._arithmetic: Arithmetic = choose_arithmetic(device, dtype, compiled=compiled)

    @abstractmethod
    def _deciding_files(self) -> Iterable[Path]:
        """All files that decide the output but the adapter."""

    @property
    def base_sha256(self) -> str:
        """Hash of all that decides the output but the adapter: what an adapter names its model by."""
        return folder_hash(self._deciding_files())

    @property
    def weights_sha256(self) -> str:
        """Hash of all that decides the output: weights, configuration, text encoder, adapter."""
        return folder_hash([*self._deciding_files(), *filter(None, [self._adapter_path])])

    @property
    def arithmetic(self) -> str:
        """Where, in which numbers and how it composes, `cuda bfloat16`."""
        return str(self._arithmetic)

    @property
    def _device(self) -> torch.device:
        return self._arithmetic.device

    @property
    def _dtype(self) -> torch.dtype:
        return self._arithmetic.dtype
