"""What is known of a track that is to be fitted: its length, its beats and its form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2m.curves import FloatArray
from v2m.fit.form import Form
from v2m.fit.pulse import Pulse


@dataclass(frozen=True)
class Music:
    """A track, heard through."""

    duration_s: float
    pulse: Pulse
    form: Form

    @property
    def beats_s(self) -> FloatArray:
        """The beats of the track, (n,)."""
        return self.pulse.beats_s

    @property
    def interval_s(self) -> float:
        """From a beat to the next, as a rule."""
        return float(np.median(np.diff(self.beats_s)))
