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

    kept: TakeLatents | None = None
    """Of the take whose parts it took over."""

    @property
    def before(self) -> Values:
        """As composed before any hit was moved."""
        return self.composed if self.origin is None else self.origin


def write_latents(folder: Path, latents: TakeLatents) -> None:
    """Write a take's latents into its folder.

    Raises:
        OutputWriteError: the file cannot be written.
    """
    content = save(_tensors(latents), {_CHANNELS: json.dumps(_channels(latents))})
    try:
        (folder / FILE_NAME).write_bytes(content)
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
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            notes = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise DocumentError(
            f"{folder.name} has no readable {FILE_NAME}.", detail=repr(error), hint="Score it again."
        ) from error
    for values in tensors.values():
        if values.ndim != 2 or values.dtype != np.float32 or not np.isfinite(values).all():
            raise DocumentError(f"{FILE_NAME} holds no latents of a score.", hint="Score it again.")
    try:
        return _latents(tensors, json.loads(notes[_CHANNELS]))
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise DocumentError(
            f"{FILE_NAME} does not say what it holds.", detail=repr(error), hint="Score it again."
        ) from error


_KEPT: Final = "kept."
"""Before the names of what belongs to the take whose parts were taken over; again before what that took."""

_CHANNELS: Final = "channels"
"""The one note in the header, whose bytes then depend on no order: lists of names, the take's own first, then
that of the take whose parts it took over, and so on."""


def _tensors(latents: TakeLatents, prefix: str = "") -> dict[str, Values]:
    tensors = {f"{prefix}latents": np.ascontiguousarray(latents.composed, np.float32)}
    if latents.origin is not None:
        tensors[f"{prefix}origin"] = np.ascontiguousarray(latents.origin, np.float32)
    below = {} if latents.kept is None else _tensors(latents.kept, prefix + _KEPT)
    return {**tensors, **below}


def _channels(latents: TakeLatents) -> list[tuple[str, ...]]:
    return [latents.channels, *(() if latents.kept is None else _channels(latents.kept))]


def _latents(tensors: dict[str, Values], channels: list[list[str]], prefix: str = "") -> TakeLatents:
    composed = tensors[f"{prefix}latents"]
    below = prefix + _KEPT
    return TakeLatents(
        composed,
        channels_of({NOTE: json.dumps(channels[0])}, composed.shape[1]),
        tensors.get(f"{prefix}origin"),
        _latents(tensors, channels[1:], below) if f"{below}latents" in tensors else None,
    )
