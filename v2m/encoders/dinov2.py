"""The video encoder `dinov2`: what is in each picture, by a self-supervised vision transformer.

    picture -> patches of 14 x 14 -> transformer -> mean of the patches' last states     one row a picture

The whole frame is looked at: its sides are multiples of 14 near the programme's own shape, with about as
many patches as in training, and the positions are interpolated. The crop of the model's own processor (short
side to 256, middle 224 x 224) would leave out half the width of 16:9; it can be asked for as `:crop`.
Sources: M. Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision" (2023); spatial
pooling as in the paper, section 3.2; transformers, `Dinov2Model`, whose `pooler_output` is the class token
and not what is meant.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.curves import Features, FloatArray
from v2m.encoders.gathering import FloatRows, PictureGatherer
from v2m.encoders.store import FeatureStore
from v2m.encoders.vision import halving, normalised, transformers_model, transformers_of
from v2m.encoders.weights import PretrainedFolder, whole_numbers
from v2m.errors import CheckpointError
from v2m.model.device import choose_device, fast_dtype
from v2m.stages import Cancel, never_cancel

PATCH_COUNT: Final = 256
"""16 x 16 patches are 224 x 224 pixels, the size in which the model is used; it was trained in larger ones
too, and its positions may be interpolated."""

CROP_PX: Final = 224
CROP_SHORT_SIDE_PX: Final = 256
"""Of the model's own processor."""

MAX_RATE_HZ: Final = 30.0
"""All pictures of 24, 25 and 30 a second, every other one of 50 and 60: curves of one scene at these rates
correlate by 0.97. With every picture beyond 25 left out it is 0.91, beyond 12.5 even 0.68, since then the
pictures left of 24 or 30 are unevenly apart, and what moves changes by the square of that."""

_BATCH: Final = {"cuda": 64, "mps": 16, "cpu": 4}
"""Pictures at once: a GPU is filled; a processor hears a cancel after some seconds with the large model."""


class Dinov2Encoder:
    """Looks at single pictures; those that it saw before are not computed again."""

    max_rate_hz: float | None = MAX_RATE_HZ
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        device: str = "auto",
        dtype: torch.dtype | None = None,
        crop: bool = False,
        cache: Path | None = None,
        cancel: Cancel = never_cancel,
    ) -> None:
        """Choose where to compute; the weights are read when the first picture comes.

        Args:
            folder: the model's files as on the hub: `config.json`, `model.safetensors`.
            name: of the model, `dinov2-large`.
            device: as in `v2m.model.device`.
            dtype: numbers to compute with; None for the fastest of the device.
            crop: look at the middle square as the model's own processor does.
            cache: folder of features; None for the user's.
            cancel: raises CancelledError to stop.

        Raises:
            MissingPartError: there are no weights, or no library to run them.
        """
        self.name = f"{name}:crop" if crop else name
        self._crop = crop
        self._files = PretrainedFolder(folder, name)
        transformers_of(name)
        self._device = choose_device(device)
        self._dtype = dtype or fast_dtype(self._device)
        recipe = f"dinov2 {self._files.sha256} crop={crop} {self._dtype} {self._device.type}"
        self._gatherer = PictureGatherer(
            self._look,
            FeatureStore(recipe, cache),
            batch_size=_BATCH[self._device.type],
            cancel=cancel,
        )

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights and their configuration."""
        return self._files.sha256

    def size(self, aspect: float) -> tuple[int, int]:
        """Multiples of 14 near the programme's shape; for the crop, the short side that is cropped from."""
        if self._crop:
            short, long = CROP_SHORT_SIDE_PX, round(CROP_SHORT_SIDE_PX * max(aspect, 1 / aspect))
            return (long, short) if aspect >= 1 else (short, long)
        patch = int(self._config.get("patch_size", 14))
        rows = max(1, round((PATCH_COUNT / aspect) ** 0.5))
        return patch * max(1, round(rows * aspect)), patch * rows

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
        return self._gatherer.features(self.name, int(self._config["hidden_size"]))

    def _look(self, pictures: NDArray[np.uint8]) -> FloatRows:
        return np.concatenate(halving(self._pooled, pictures, self.name))

    def _pooled(self, pictures: NDArray[np.uint8]) -> FloatRows:
        """The mean of the patches' states, (n, d)."""
        if self._crop:
            top, left = ((side - CROP_PX) // 2 for side in pictures.shape[1:3])
            pictures = pictures[:, top : top + CROP_PX, left : left + CROP_PX]
        with torch.inference_mode():
            states = self._model(normalised(pictures, self._device, self._dtype)).last_hidden_state
            # the first token stands for the whole picture and for no place in it
            return np.asarray(states[:, 1:].float().mean(dim=1).cpu().numpy(), dtype=np.float32)

    @functools.cached_property
    def _config(self) -> dict[str, Any]:
        config = self._files.json("config.json")
        if config.get("model_type") != "dinov2":
            raise CheckpointError(
                f"{self._files.path} holds a model of the type {config.get('model_type')!r}, expected dinov2."
            )
        whole_numbers(config, ("hidden_size", "num_hidden_layers", "num_attention_heads", "patch_size"))
        return config

    @functools.cached_property
    def _model(self) -> Any:  # noqa: ANN401 - a class of transformers, which has no types
        return self._files.network(self._built, self._device, self._dtype)

    def _built(self, stored: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - likewise
        # files of the classifier have the same tensors under a prefix, and a head that is not needed
        tensors = {
            key.removeprefix("dinov2."): value
            for key, value in stored.items()
            if not key.startswith("classifier.")
        }
        return transformers_model("Dinov2", self._config, tensors)
