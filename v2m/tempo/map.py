"""The tempo map: the times of the beats, and the way between beats and seconds.

Conventions: a position is a float in beats counted from `beats_s[0]`; times are float seconds of the
programme; between two beats time runs evenly, past the ends it runs on at the tempo of the last interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from v2m.curves import FloatArray
from v2m.errors import InputError


@dataclass(frozen=True)
class TempoMap:
    """The times of the beats; time between two beats runs evenly."""

    beats_s: tuple[float, ...]
    """Strictly rising, two at least; a planned map begins at or before 0 and ends at or after the end."""

    beats_per_bar: int = 4
    first_downbeat: int = 0
    """Index in `beats_s` of the first beat that begins a bar, below `beats_per_bar`."""

    def __post_init__(self) -> None:
        """Refuse what is no tempo map.

        Raises:
            InputError: fewer than two beats, beats that do not rise, or a downbeat outside the first bar.
        """
        beats = np.asarray(self.beats_s, dtype=np.float64)
        if beats.ndim != 1 or len(beats) < 2:
            raise InputError(f"A tempo map needs at least two beats, this one has {beats.size}.")
        if not np.isfinite(beats).all() or (np.diff(beats) <= 0).any():
            raise InputError("The beats of a tempo map must be finite and rise strictly.")
        if self.beats_per_bar < 1 or not 0 <= self.first_downbeat < self.beats_per_bar:
            raise InputError(
                f"The first downbeat is beat {self.first_downbeat} of a bar of {self.beats_per_bar}, "
                "expected one of the first bar, counted from 0."
            )

    @classmethod
    def steady(cls, bpm: float, duration_s: float, *, beats_per_bar: int = 4) -> TempoMap:
        """A click at one tempo from 0 to the first beat at or after `duration_s`.

        Raises:
            InputError: the tempo or the duration is not a positive number.
        """
        if not (0 < bpm < np.inf and 0 < duration_s < np.inf):
            raise InputError(f"{bpm} BPM for {duration_s} s is no click, expected two positive numbers.")
        count = max(1, int(np.ceil(duration_s * bpm / 60 - 1e-9)))  # 1e-9: a whole number of beats stays one
        return cls(tuple((np.arange(count + 1) * 60.0 / bpm).tolist()), beats_per_bar)

    def time_s(self, beat: FloatArray | float) -> FloatArray:
        """Seconds at positions in beats counted from `beats_s[0]`, extrapolated past the ends."""
        beats = np.asarray(self.beats_s)
        return _interpolate(
            np.asarray(beat, dtype=np.float64), np.arange(len(beats), dtype=np.float64), beats
        )

    def beat_at(self, time_s: FloatArray | float) -> FloatArray:
        """The inverse of `time_s`."""
        beats = np.asarray(self.beats_s)
        return _interpolate(
            np.asarray(time_s, dtype=np.float64), beats, np.arange(len(beats), dtype=np.float64)
        )

    @property
    def tempo_bpm(self) -> tuple[float, float]:
        """Slowest and fastest tempo of any beat."""
        intervals = np.diff(self.beats_s)
        return 60.0 / float(intervals.max()), 60.0 / float(intervals.min())

    @property
    def largest_step(self) -> float:
        """Largest change of tempo from one beat to the next, as a ratio less 1: 0.03 is 3 percent."""
        steps = np.abs(np.diff(np.log(np.diff(self.beats_s))))
        return float(np.expm1(steps.max())) if len(steps) else 0.0

    @property
    def bars_s(self) -> tuple[float, ...]:
        """The times of the beats that begin a bar."""
        return self.beats_s[self.first_downbeat :: self.beats_per_bar]

    def is_downbeat(self, beat: int) -> bool:
        """Whether a beat begins a bar; beats before the first and after the last count on."""
        return (beat - self.first_downbeat) % self.beats_per_bar == 0

    def excerpt(self, start_s: float, end_s: float) -> TempoMap:
        """The map of a part of the programme, counted from zero again; the first beat is at or before 0.

        Raises:
            InputError: the range is empty.
        """
        if not start_s < end_s:
            raise InputError(f"The range {start_s:g}-{end_s:g} s is empty.")
        first = int(np.floor(float(self.beat_at(start_s)) + 1e-9))  # 1e-9: a start on a beat keeps that beat
        last = int(np.ceil(float(self.beat_at(end_s)) - 1e-9))
        beats = self.time_s(np.arange(first, max(last, first + 1) + 1, dtype=np.float64)) - start_s
        return replace(
            self,
            beats_s=tuple(beats.tolist()),
            first_downbeat=(self.first_downbeat - first) % self.beats_per_bar,
        )


def _interpolate(x: FloatArray, from_x: FloatArray, to_y: FloatArray) -> FloatArray:
    """Linear interpolation that runs on past both ends with the slope there."""
    left = np.clip(np.searchsorted(from_x, x, side="right") - 1, 0, len(from_x) - 2)
    slope = (to_y[left + 1] - to_y[left]) / (from_x[left + 1] - from_x[left])
    return np.asarray(to_y[left] + (x - from_x[left]) * slope, dtype=np.float64)
