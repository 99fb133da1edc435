"""Which autoencoder a folder's `autoencoder/` holds: sound to latents and back, whatever is inside.

Another kind joins by its class name in `KINDS`; the rest of the family asks for nothing but `Autoencoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.backbones.sound.config_file import read_config
from v2m.backbones.sound.model import LatentGrid
from v2m.backbones.sound.oobleck_folder import Oobleck, read_oobleck_config
from v2m.errors import CheckpointError


class Autoencoder(Protocol):
    """Sound to latents and back."""

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop, 2) of latents (t, c)."""
        ...

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2), the last frame filled up with silence."""
        ...


def _oobleck_grid(folder: Path, longest_frames: int) -> LatentGrid:
    shape = read_oobleck_config(folder)
    return LatentGrid(shape.sampling_rate, shape.hop_samples, shape.decoder_input_channels, longest_frames)


KINDS: Final[
    Mapping[str, tuple[Callable[[Path, int], LatentGrid], Callable[[Path, torch.device], Autoencoder]]]
] = {"AutoencoderOobleck": (_oobleck_grid, Oobleck)}
"""`_class_name` in config.json, how its grid is read without weights, and how it is loaded."""


def autoencoder_grid(folder: Path, longest_frames: int) -> LatentGrid:
    """How the latents of a folder's autoencoder lie in time.

    Raises:
        CheckpointError: an InputError; there is none, or of a kind that is not known.
    """
    return KINDS[_kind(folder)][0](folder, longest_frames)


def load_autoencoder(folder: Path, device: torch.device) -> Autoencoder:
    """A folder's autoencoder.

    Raises:
        CheckpointError: an InputError; there is none, it is broken, or of a kind that is not known.
        MissingPartError: a library that it needs is not installed.
    """
    return KINDS[_kind(folder)][1](folder, device)


def _kind(folder: Path) -> str:
    kind = str(read_config(folder / "config.json").get("_class_name", "AutoencoderOobleck"))
    if kind not in KINDS:
        raise CheckpointError(f"The autoencoder is a {kind!r}, expected one of {', '.join(KINDS)}.")
    return kind
