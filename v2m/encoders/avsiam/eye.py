"""AVSiam's features of single pictures, whole frames squeezed into its square as in its training."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.curves import Features, FloatArray
from v2m.encoders.avsiam.network import PATCH, AVSiam
from v2m.encoders.gathering import FloatRows, PictureGatherer, Pictures
from v2m.encoders.store import FeatureStore
from v2m.encoders.vision import halving, normalised
from v2m.encoders.weights import PretrainedFolder
from v2m.model.device import choose_device, fast_dtype
from v2m.stages import Cancel, never_cancel

NAME: Final = "avsiam"

MAX_RATE_HZ: Final = 30.0
"""As `v2m.encoders.dinov2` measured it."""

_BATCH: Final = {"cuda": 64, "mps": 16, "cpu": 4}
"""Pictures at once: a GPU is filled; a processor hears a cancel after some seconds."""


class AVSiamEye:
    """Looks at single pictures; those that it saw before are not computed again."""

    name = NAME
    max_rate_hz: float | None = MAX_RATE_HZ
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        dtype: torch.dtype | None = None,
        cache: Path | None = None,
        cancel: Cancel = never_cancel,
    ) -> None:
        """Choose where to compute; the weights are read when they are first needed.

        Args:
            folder: with the converted checkpoint.
            device: as in `v2m.model.device`.
            dtype: numbers to compute with; None for the fastest of the device.
            cache: folder of features; None for the user's.
            cancel: raises CancelledError to stop.

        Raises:
            MissingPartError: there are no weights.
        """
        self._files = PretrainedFolder(folder, NAME, ("as2m_pretrained*", "*"))
        self._device = choose_device(device)
        self._dtype = dtype or fast_dtype(self._device)
        self._gatherer = PictureGatherer(
            self._look,
            FeatureStore(f"avsiam {self._files.sha256} {self._dtype} {self._device.type}", cache),
            batch_size=_BATCH[self._device.type],
            cancel=cancel,
        )

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights."""
        return self._files.sha256

    def size(self, aspect: float) -> tuple[int, int]:
        """The square that the network was trained on, whatever the programme's shape."""
        side = PATCH * round((self._network.pos_embed.shape[1] - 1) ** 0.5)
        return side, side

    def push(
        self, times_s: FloatArray, pictures: NDArray[np.uint8], shots: NDArray[np.intp] | None = None
    ) -> None:
        """Take pictures (n, h, w, 3) that begin to be seen at the times (n,), whatever shot shows them.

        Raises:
            InputError: pictures of another shape or type, or not as many times.
            CheckpointError: the weights are damaged, or of another model.
            OutOfMemoryError: not even one picture fits.
        """
        self._gatherer.push(times_s, pictures)

    def features(self) -> Features:
        """Features of all pictures so far, in order of time."""
        return self._gatherer.features(NAME, self._network.pos_embed.shape[-1])

    def _look(self, pictures: Pictures) -> FloatRows:
        return np.concatenate(halving(self._pooled, pictures, NAME))

    def _pooled(self, pictures: Pictures) -> FloatRows:
        with torch.inference_mode():
            states = self._network(normalised(pictures, self._device, self._dtype), "v")
            return np.asarray(states.float().mean(dim=1).cpu().numpy(), dtype=np.float32)

    @functools.cached_property
    def _network(self) -> AVSiam:
        return self._files.network(AVSiam.of, self._device, self._dtype)
