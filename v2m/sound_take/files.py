"""Composed sound and latents in a take's folder.

    composed.wav          what the model composed, 48 kHz 24 bit, a little longer than the programme
    latents.safetensors   its latents (t, c) float32; `origin` beside them where a part was composed again
    before.wav            of a take with moved hits: the music before any was moved
    patch-N.wav           of the same: what was composed again

Conventions: 48 kHz float32 (s, 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from v2m.audio import WavWriter
from v2m.errors import DocumentError, MissingPartError, OutputWriteError

Samples = NDArray[np.float32]
Latents = NDArray[np.float32]

COMPOSED: Final = "composed.wav"
BEFORE: Final = "before.wav"
LATENTS: Final = "latents.safetensors"

_FULL: Final = 0.98
"""Sound that peaks higher is turned down to this: a file of 24 bits ends at 1, and a filter overshoots."""


@dataclass(frozen=True)
class SoundLatents:
    """What was composed, as the model has it."""

    composed: Latents  # (t, c)
    origin: Latents | None = None  # (t, c)
    """Before a part was composed again; None where none was."""

    @property
    def before(self) -> Latents:
        """As composed before any hit was moved."""
        return self.composed if self.origin is None else self.origin


def soxr_module() -> Any:  # noqa: ANN401 - a module without types
    """The library that resamples.

    Raises:
        MissingPartError: it is not installed.
    """
    try:
        import soxr
    except ImportError as error:
        raise MissingPartError(
            "Models of sound need soxr, which is not installed.",
            hint='Install it with: pip install "v2m[models]"',
        ) from error
    return soxr


def headroom(peak: float) -> float:
    """What sound that peaks there is multiplied by to stay below full scale: 1, unless it is too loud."""
    return min(1.0, _FULL / peak) if peak > 0 else 1.0


def write_sound(path: Path, pieces: Iterable[Samples]) -> None:
    """Write a WAV of some pieces, one after the other.

    Raises:
        OutputWriteError: it cannot be written.
    """
    with WavWriter(path) as writer:
        for piece in pieces:
            writer.write(piece)


def sha256_of(path: Path) -> str:
    """Hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(folder: Path, name: str, sha256: str) -> Path:
    """A file of a take, if it is still the one that was written.

    Raises:
        DocumentError: it is not.
    """
    path = folder / name
    if not path.is_file() or sha256_of(path) != sha256:
        raise DocumentError(f"{folder.name} lacks {name}, which it was made from, or it was changed.")
    return path


def write_latents(folder: Path, latents: SoundLatents) -> None:
    """Write a take's latents into its folder.

    Raises:
        OutputWriteError: the file cannot be written.
    """
    tensors = {"latents": np.ascontiguousarray(latents.composed, np.float32)}
    if latents.origin is not None:
        tensors["origin"] = np.ascontiguousarray(latents.origin, np.float32)
    try:
        (folder / LATENTS).write_bytes(save(tensors))
    except OSError as error:
        raise OutputWriteError(f"The latents could not be written: {error.strerror}.") from error


def read_latents(folder: Path) -> SoundLatents:
    """A take's latents.

    Raises:
        DocumentError: they are not there, or damaged.
    """
    try:
        with safe_open(folder / LATENTS, "np") as file:
            found = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise DocumentError(
            f"{folder.name} has no readable {LATENTS}.", detail=repr(error), hint="Score it again."
        ) from error
    whole = "latents" in found and all(
        values.ndim == 2 and values.dtype == np.float32 and np.isfinite(values).all()
        for values in found.values()
    )
    if not whole:
        raise DocumentError(f"{LATENTS} holds no latents of sound.", hint="Score it again.")
    return SoundLatents(found["latents"], found.get("origin"))
