"""The music encoders that backbones bring: the latents of their own autoencoder.

What a backbone composes are latents, so a curve of latents changes where what it has to write changes.
Conventions: row i covers [i, i + 1) latent frames; the name is the model's with `-latents` behind.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from v2m.backbones.sound.model import SoundModel
from v2m.curves import Features
from v2m.encoders.protocol import Sound
from v2m.encoders.spans import rows_in_spans
from v2m.stages import Cancel, never_cancel

SPAN_S: Final = 20
"""About so much is encoded at once: a few hundred MB of activations in the largest autoencoder here."""


class CodecLatents:
    """Encodes sound with a backbone's autoencoder."""

    def __init__(self, model: SoundModel, *, cancel: Cancel = never_cancel) -> None:
        self.name = f"{model.name}-latents"
        self._model = model
        self._cancel = cancel

    @property
    def weights_sha256(self) -> str:
        """Hash of all that decides the model's output."""
        return self._model.weights_sha256

    def __call__(self, samples: Sound, sample_rate_hz: int) -> Features:
        """Features of samples (n,) or (n, channels), a row a latent frame.

        Raises:
            InputError: sound of another shape or not finite, or too low a rate.
        """
        grid = self._model.grid
        row_s = 1 / grid.rate_hz
        rows = rows_in_spans(
            samples,
            sample_rate_hz,
            self._model.encode,
            rate_hz=grid.sample_rate_hz,
            span_s=2 * round(Fraction(SPAN_S, 2) / row_s) * row_s,
            row_s=row_s,
            stereo=True,
            cancel=self._cancel,
        )
        return Features(np.arange(len(rows), dtype=np.float64) * float(row_s), rows, self.name)
