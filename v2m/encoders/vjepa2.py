"""The video encoder `vjepa2`: what happens in short clips, by a self-supervised video transformer.

    64 pictures of 256 x 256 -> tubes of 2 x 16 x 16 -> transformer -> mean over each moment's tubes

The whole frame is squeezed into the square: the network's positions are turned by rows and columns of the
square that it was trained on, and the crop of its own processor leaves out 44 % of 16:9. A row stands for
two pictures. Sources: M. Assran et al., "V-JEPA 2" (2025); facebookresearch/vjepa2; transformers,
`VJEPA2Model`, whose predictor is not needed and not run.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.curves import Features, FloatArray
from v2m.encoders.clips import ClipGatherer
from v2m.encoders.gathering import FloatRows, Pictures
from v2m.encoders.store import FeatureStore
from v2m.encoders.vision import halving, normalised, transformers_model, transformers_of
from v2m.encoders.weights import PretrainedFolder, whole_numbers
from v2m.errors import CheckpointError
from v2m.model.device import choose_device, fast_dtype
from v2m.stages import Cancel, never_cancel

NAME: Final = "vjepa2"

CLIP_LENGTH: Final = 64
"""Pictures: what it was trained on, and 2.7 s of film."""

RATE_HZ: Final = 24.0
"""Pictures a second, of sources of all rates: what moves looks faster to the network where pictures are
further apart. Curves of one scene at 24, 30 and 60 a second correlate by 0.97 and more so, by 0.83 where each
is taken at its own rate. Two pictures make a row: 12 rows a second, one each `LAG_S`."""


class VJepa2Encoder:
    """Looks at clips of shots; those that it saw before are not computed again."""

    name = NAME
    max_rate_hz: float | None = None
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
        """Choose where to compute; the weights are read when the first picture comes.

        Args:
            folder: the model's files as on the hub: `config.json`, `model.safetensors`.
            device: as in `v2m.model.device`.
            dtype: numbers to compute with; None for the fastest of the device.
            cache: folder of features; None for the user's.
            cancel: raises CancelledError to stop.

        Raises:
            MissingPartError: there are no weights, or no library to run them.
        """
        self._files = PretrainedFolder(folder, NAME)
        transformers_of(NAME)
        self._device = choose_device(device)
        self._dtype = dtype or fast_dtype(self._device)
        self._store = FeatureStore(
            f"vjepa2 {self._files.sha256} {CLIP_LENGTH} {self._dtype} {self._device.type}", cache
        )
        self._cancel = cancel

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights and their configuration."""
        return self._files.sha256

    def size(self, aspect: float) -> tuple[int, int]:
        """The square that the network was trained on, whatever the programme's shape."""
        side = int(self._config["crop_size"])
        return side, side

    def push(
        self, times_s: FloatArray, pictures: NDArray[np.uint8], shots: NDArray[np.intp] | None = None
    ) -> None:
        """Take pictures (n, h, w, 3) with their times and the shots that show them.

        Raises:
            InputError: pictures of another shape or type, or not as many times.
            CheckpointError: the weights are damaged, or of another model.
            OutOfMemoryError: not even one clip fits.
        """
        self._gatherer.push(times_s, pictures, shots)

    def features(self) -> Features:
        """Features of all pictures so far, in order of time."""
        return self._gatherer.features(NAME, int(self._config["hidden_size"]))

    @functools.cached_property
    def _gatherer(self) -> ClipGatherer:
        return ClipGatherer(
            self._look,
            self._store,
            length=CLIP_LENGTH,
            stride=int(self._config["tubelet_size"]),
            rate_hz=RATE_HZ,
            cancel=self._cancel,
        )

    def _look(self, clip: Pictures, times_s: FloatArray) -> FloatRows:
        return halving(self._pooled, clip[None], NAME)[0]

    def _pooled(self, clips: Pictures) -> FloatRows:
        """The mean over each moment's tubes, (t / 2, d), of one clip (1, t, h, w, 3)."""
        with torch.inference_mode():
            # the encoder alone: the whole model would run its predictor too
            states = self._network(normalised(clips, self._device, self._dtype)).last_hidden_state[0]
            moments = clips.shape[1] // int(self._config["tubelet_size"])
            pooled = states.float().unflatten(0, (moments, -1)).mean(dim=1)  # (t / 2, d)
            return np.asarray(pooled.cpu().numpy(), dtype=np.float32)

    @functools.cached_property
    def _config(self) -> dict[str, Any]:
        config = self._files.json("config.json")
        if config.get("model_type") != "vjepa2":
            raise CheckpointError(
                f"{self._files.path} holds a model of the type {config.get('model_type')!r}, expected vjepa2."
            )
        whole_numbers(config, ("hidden_size", "num_hidden_layers", "crop_size", "patch_size", "tubelet_size"))
        if CLIP_LENGTH % (4 * config["tubelet_size"]):
            raise CheckpointError(
                f"V-JEPA 2 with tubes of {config['tubelet_size']} pictures is not supported."
            )
        return config

    @functools.cached_property
    def _network(self) -> Any:  # noqa: ANN401 - a class of transformers, which has no types
        return self._files.network(
            lambda tensors: transformers_model("VJEPA2", self._config, tensors).encoder,
            self._device,
            self._dtype,
        )
