"""What was computed of a piece, kept by its content and the recipe: made once, found again after a kill.

Conventions: a file is `KIND/AB/KEY.safetensors`, KEY the beginning of a SHA-256 of content and recipe, AB its
first two letters; files are whole or absent.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from v2m.errors import OutputWriteError


class Cache:
    """One folder of computed things."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, kind: str, content_sha256: str, recipe: Mapping[str, Any]) -> str:
        """Where something lies, relative to the folder, whether it is there or not."""
        told = json.dumps([content_sha256, recipe], sort_keys=True)
        key = hashlib.sha256(told.encode()).hexdigest()[:32]
        return f"{kind}/{key[:2]}/{key}.safetensors"

    def has(self, place: str) -> bool:
        """Whether it was computed."""
        return (self.folder / place).is_file()

    def put(self, place: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, str]) -> None:
        """Keep arrays with facts about them.

        Raises:
            OutputWriteError: the folder or the disk does not take the file.
        """
        path = self.folder / place
        part = path.with_name(f".{path.name}.{os.getpid()}.part")  # two workers may have the same content
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(save({n: np.ascontiguousarray(a) for n, a in arrays.items()}, dict(facts)))
            part.replace(path)
        except OSError as error:
            raise OutputWriteError(f"{path} could not be written: {error.strerror}.") from error

    def facts(self, place: str) -> dict[str, str] | None:
        """The facts kept with something; None where it is not there or is damaged: then it is made again."""
        try:
            with safe_open(self.folder / place, framework="numpy") as file:
                return dict(file.metadata() or {})
        except (OSError, SafetensorError):
            return None

    def array(self, place: str, name: str) -> NDArray[Any]:
        """One array of something that is there."""
        with safe_open(self.folder / place, framework="numpy") as file:
            return np.asarray(file.get_tensor(name))
