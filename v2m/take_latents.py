"""The latents of a take on disk: `latents.safetensors`, with the names of their channels in its header."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from v2m.codecs.channels import NOTE, channels_of
from v2m.errors import DocumentError, OutputWriteError

FILE_NAME: Final = "latents.safetensors"

Values = NDArray[np.float32]


@dataclass(frozen=True)
class TakeLatents:
    """What was composed."""

    composed: Values  # (t, c)
    channels: tuple[str, ...]
    """Of the model that composed, see `v2m.codecs.channels`."""

    origin: Values | None = None  # (t, c)
    """Of a take with moved hits of which a part was composed again: as it was before."""

    @property
    def before(self) -> Values:
        """As composed before any hit was moved."""
        return self.composed if self.origin is None else self.origin


def write_latents(folder: Path, latents: TakeLatents) -> None:
    """Write a take's latents into its folder.

    Raises:
        OutputWriteError: the file cannot be written.
    """
    tensors = {"latents": np.ascontiguousarray(latents.composed, np.float32)}
    if latents.origin is not None:
        tensors["origin"] = np.ascontiguousarray(latents.origin, np.float32)
    try:
        (folder / FILE_NAME).write_bytes(save(tensors, {NOTE: json.dumps(latents.channels)}))
    except OSError as error:
        raise OutputWriteError(f"The latents could not be written: {error.strerror}.") from error


def read_latents(folder: Path) -> TakeLatents:
    """A take's latents.

    Raises:
        DocumentError: they are not there, or damaged.
        CheckpointError: their channels are unknown to this version.
    """
    try:
        with safe_open(folder / FILE_NAME, "np") as file:
            names = set(file.keys())
            composed = file.get_tensor("latents")
            origin = file.get_tensor("origin") if "origin" in names else None
            notes = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise DocumentError(
            f"{folder.name} has no readable {FILE_NAME}.", detail=repr(error), hint="Score it again."
        ) from error
    for values in (composed, composed if origin is None else origin):
        if values.ndim != 2 or values.dtype != np.float32 or not np.isfinite(values).all():
            raise DocumentError(f"{FILE_NAME} holds no latents of a score.", hint="Score it again.")
    return TakeLatents(composed, channels_of(notes, composed.shape[1]), origin)
