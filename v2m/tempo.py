"""The tempo map: beats planned so that they land on the hits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2m.curves import FloatArray


@dataclass(frozen=True)
class TempoMap:
    """The times of the beats; time between two beats runs evenly."""

    beats_s: tuple[float, ...]
    """Strictly rising; the first is at or before 0, the last at or after the end of the programme."""

    beats_per_bar: int = 4
    first_downbeat: int = 0
    """Index in `beats_s` of the first beat that begins a bar, below `beats_per_bar`."""

    def time_s(self, beat: FloatArray) -> FloatArray:
        """Seconds at positions in beats counted from `beats_s[0]`, extrapolated past the ends."""
        raise NotImplementedError

    def beat_at(self, time_s: FloatArray) -> FloatArray:
        """The inverse of `time_s`."""
        raise NotImplementedError

    @property
    def tempo_bpm(self) -> tuple[float, float]:
        """Slowest and fastest tempo of any beat."""
        intervals = np.diff(self.beats_s)
        return 60.0 / float(intervals.max()), 60.0 / float(intervals.min())
