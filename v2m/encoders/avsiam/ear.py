"""AVSiam's features of sound of any length.

Conventions: a row every 160 ms, the mean over the frequencies of one column of patches; row i covers
[i, i + 1) * 160 ms. Computed in float32.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.added_models import models_folder
from v2m.curves import Features
from v2m.encoders.avsiam.network import TIMES, AVSiam
from v2m.encoders.avsiam.spectrogram import FRAME_COUNT, HOP_SAMPLES, SAMPLE_RATE_HZ, spectrogram
from v2m.encoders.protocol import Sound
from v2m.encoders.spans import rows_in_spans
from v2m.encoders.weights import PretrainedFolder
from v2m.model.device import choose_device
from v2m.stages import Cancel, never_cancel

NAME: Final = "avsiam"

ROW_S: Final = Fraction(FRAME_COUNT // TIMES * HOP_SAMPLES, SAMPLE_RATE_HZ)
SPAN_S: Final = TIMES * ROW_S
"""10.24 s: what it was trained on."""


class AVSiamEar:
    """Loads the weights when the first sound comes."""

    name = NAME

    def __init__(
        self, folder: Path | None = None, *, device: str = "auto", cancel: Cancel = never_cancel
    ) -> None:
        """Choose where to compute.

        Args:
            folder: with the converted checkpoint; None for the model that was added.
            device: as in `v2m.model.device`.
            cancel: raises CancelledError to stop.

        Raises:
            MissingPartError: there are no weights.
        """
        self._files = PretrainedFolder(folder or models_folder() / NAME, NAME, ("as2m_pretrained*", "*"))
        self._device = choose_device(device)
        self._cancel = cancel

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights."""
        return self._files.sha256

    def __call__(self, samples: Sound, sample_rate_hz: int) -> Features:
        """Features of samples (n,) or (n, channels).

        Raises:
            InputError: sound of another shape or not finite, or too low a rate.
            CheckpointError: the weights are damaged, or of another model.
        """
        rows = rows_in_spans(
            samples,
            sample_rate_hz,
            self._states,
            rate_hz=SAMPLE_RATE_HZ,
            span_s=SPAN_S,
            row_s=ROW_S,
            cancel=self._cancel,
        )
        return Features(np.arange(len(rows), dtype=np.float64) * float(ROW_S), rows, NAME)

    def _states(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        sound = torch.from_numpy(np.ascontiguousarray(samples)).to(self._device)
        with torch.inference_mode():
            states = self._network(spectrogram(sound)[None], "a")[0]  # (8 * 64, d), frequency by frequency
            rows = states.unflatten(0, (-1, TIMES)).mean(dim=0)  # (64, d)
        count = max(1, math.ceil(len(samples) / SAMPLE_RATE_HZ / ROW_S))
        return np.asarray(rows[:count].cpu().numpy(), dtype=np.float32)

    @functools.cached_property
    def _network(self) -> torch.nn.Module:
        return self._files.network(AVSiam.of, self._device, torch.float32)
