"""Sound of any length as MusicFM's hidden states.

Conventions: a row every 40 ms; row i is centred at i * 40 ms, so it is dated 20 ms earlier. Computed in
float32, as the authors advise.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from v2m.added_models import models_folder
from v2m.curves import Features
from v2m.encoders.musicfm.mel import HOP_SAMPLES, SAMPLE_RATE_HZ, WINDOW_SAMPLES, mel_spectrogram
from v2m.encoders.musicfm.network import LAYER, MusicFM
from v2m.encoders.protocol import Sound
from v2m.encoders.spans import rows_in_spans
from v2m.encoders.weights import PretrainedFolder
from v2m.errors import CheckpointError
from v2m.model.device import choose_device
from v2m.stages import Cancel, never_cancel

NAME: Final = "musicfm"

RATE_HZ: Final = 25
"""Rows a second: four frames of the spectrogram."""

SPAN_S: Final = 30
"""What it was trained on."""

_EDITIONS: Final = ("pretrained_msd*", "pretrained_fma*", "*")
"""Best first: the Million Song Dataset's, by the authors' README; then any name."""


class MusicFMEncoder:
    """Loads the weights when the first sound comes."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        layer: int = LAYER,
        device: str = "auto",
        cancel: Cancel = never_cancel,
    ) -> None:
        """Choose the hidden state and where to compute.

        Args:
            folder: weights and `*_stats.json`; None for the model that was added.
            layer: 0 is the convolutions' output, 12 the last, normalised.
            device: as in `v2m.model.device`.
            cancel: raises CancelledError to stop.

        Raises:
            MissingPartError: there are no weights.
        """
        self.name = NAME if layer == LAYER else f"{NAME}:{layer}"
        self._files = PretrainedFolder(folder or models_folder() / NAME, NAME, _EDITIONS)
        self._layer = layer
        self._device = choose_device(device)
        self._cancel = cancel

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights and of the statistics that normalise their input."""
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
            span_s=Fraction(SPAN_S),
            row_s=Fraction(1, RATE_HZ),
            cancel=self._cancel,
        )
        rows = rows[: max(1, math.ceil(len(samples) / sample_rate_hz * RATE_HZ))]
        times_s = np.maximum(np.arange(len(rows)) - 0.5, 0) / RATE_HZ
        return Features(times_s, rows, self.name)

    def _states(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        sound = torch.from_numpy(np.ascontiguousarray(samples)).to(self._device)
        # mirroring at the ends needs half a window, and one frame of the spectrogram is dropped
        sound = F.pad(sound, (0, max(0, WINDOW_SAMPLES // 2 + HOP_SAMPLES - len(sound))))
        mean, deviation = self._statistics
        with torch.inference_mode():
            mel = (mel_spectrogram(sound[None]) - mean) / deviation
            states = self._network(mel)[self._layer][0]
        return np.asarray(states.cpu().numpy(), dtype=np.float32)

    @functools.cached_property
    def _statistics(self) -> tuple[float, float]:
        """Mean and deviation of the spectrogram over the training data, in decibels."""
        edition = self._files.files[0].stem.removeprefix("pretrained_")
        content = self._files.json(f"{edition}_stats.json", "*_stats.json")
        try:
            mean, deviation = (float(content[f"melspec_2048_{what}"]) for what in ("mean", "std"))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"The statistics of MusicFM lack {error}.") from error
        if not (math.isfinite(mean) and 0 < deviation < math.inf):
            raise CheckpointError(
                f"The statistics of MusicFM are {mean} and {deviation}, expected numbers of dB."
            )
        return mean, deviation

    @functools.cached_property
    def _network(self) -> torch.nn.Module:
        return self._files.network(
            lambda tensors: MusicFM.of(tensors, self._layer),
            self._device,
            torch.float32,
            edition=self._layer,
        )
