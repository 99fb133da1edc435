"""Which autoencoder a folder's `autoencoder/` holds: sound to latents and back, whatever is inside.

Another kind joins by its class name in `KINDS`; the rest of the family asks for nothing but `Autoencoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.backbones.sound.config_file import read_config
from v2m.backbones.sound.model import LatentGrid
from v2m.backbones.sound.oobleck_folder import Oobleck, decoding_bytes, read_oobleck_config
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


@dataclass(frozen=True)
class Kind:
    """What is known of a kind of autoencoder without its weights, and how they are loaded."""

    grid: Callable[[Path, int], LatentGrid]
    load: Callable[[Path, torch.device], Autoencoder]
    decoding_bytes: Callable[..., int]
    """As `oobleck_folder.decoding_bytes`."""


KINDS: Final[Mapping[str, Kind]] = {"AutoencoderOobleck": Kind(_oobleck_grid, Oobleck, decoding_bytes)}
"""By `_class_name` in config.json."""


def kind_of(folder: Path) -> Kind:
    """Of a folder's autoencoder.

    Raises:
        CheckpointError: an InputError; there is none, or of a kind that is not known.
    """
    name = str(read_config(folder / "config.json").get("_class_name", "AutoencoderOobleck"))
    if name not in KINDS:
        raise CheckpointError(f"The autoencoder is a {name!r}, expected one of {', '.join(KINDS)}.")
    return KINDS[name]
