"""Scene Cut Hit: the share of cuts that have a beat near them, with the share that luck alone gives.

Conventions: times in seconds, in any order; a cut is hit when any beat lies within the tolerance, its ends
included. One beat may serve two cuts, as the paper has it ("if any beat"), so this is no matching: where
cuts are farther apart than twice the tolerance it equals the recall of a one-to-one matching
(mir_eval.util.match_events).

Chance is what a beat grid that knows nothing of the cuts reaches: the share of time that lies within the
tolerance of a beat, `min(1, 2·tolerance·beats / duration)`. Doubling the tempo doubles it, so SCH is read
against it: `gain` is the share of what luck leaves that was reached.

Source: V2M-Zero, appendix (metric in prose). A programme without cuts has no SCH: the value is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from v2m.curves import FloatArray
from v2m.errors import InputError

PAPER_TOLERANCE_S = 0.1


@dataclass(frozen=True)
class SCH:
    """A Scene Cut Hit score and what it stands on."""

    value: float | None
    """hits / cuts in 0..1; None without cuts."""

    hits: int
    cuts: int
    chance: float
    """Expected value for beats that know nothing of the cuts."""

    tolerance_s: float

    @property
    def gain(self) -> float | None:
        """(value - chance) / (1 - chance): 0 at chance, 1 when all is hit; None where nothing is left."""
        if self.value is None or self.chance >= 1:
            return None
        return (self.value - self.chance) / (1 - self.chance)


def scene_cut_hit(
    cut_times_s: Sequence[float] | FloatArray,
    beat_times_s: Sequence[float] | FloatArray,
    duration_s: float,
    tolerance_s: float = PAPER_TOLERANCE_S,
) -> SCH:
    """The share of cuts with a beat within the tolerance.

    Args:
        cut_times_s: (n,) the cuts.
        beat_times_s: (m,) the beats; only those from 0 to `duration_s` count towards chance.
        duration_s: length of the programme, for chance.
        tolerance_s: half width of the window about a cut.

    Raises:
        InputError: a time is not finite, or the duration or tolerance is not positive.
    """
    validate(cut_times_s, beat_times_s, duration_s, tolerance_s)
    cuts = np.asarray(cut_times_s, dtype=np.float64)
    beats = np.sort(np.asarray(beat_times_s, dtype=np.float64))
    inside = int(((beats >= 0) & (beats <= duration_s)).sum())
    chance = min(1.0, 2 * tolerance_s * inside / duration_s)
    if len(cuts) == 0:
        return SCH(None, 0, 0, chance, tolerance_s)
    # A nanosecond more, so that 1.1 - 1.0 counts as 0.1.
    hits = int((_distances(cuts, beats) <= tolerance_s + 1e-9).sum())
    return SCH(hits / len(cuts), hits, len(cuts), chance, tolerance_s)


def validate(
    cut_times_s: Sequence[float] | FloatArray,
    beat_times_s: Sequence[float] | FloatArray,
    duration_s: float,
    tolerance_s: float,
) -> None:
    """Refuse what no programme and no music can give.

    Raises:
        InputError: a time is not finite, or the duration or tolerance is not positive.
    """
    for what, times in (("cut", cut_times_s), ("beat", beat_times_s)):
        array = np.asarray(times, dtype=np.float64)
        if array.ndim != 1 or not np.isfinite(array).all():
            raise InputError(f"The {what} times must be a list of finite seconds.")
    for what, value in (("duration", duration_s), ("tolerance", tolerance_s)):
        if not 0 < value < np.inf:
            raise InputError(f"The {what} is {value} s, expected a positive number.")


def _distances(cuts: FloatArray, beats: FloatArray) -> FloatArray:
    """From each cut to the nearest beat, infinite where there is none."""
    padded = np.concatenate([[-np.inf], beats, [np.inf]])
    after = np.searchsorted(padded, cuts)
    return np.asarray(np.minimum(cuts - padded[after - 1], padded[after] - cuts))
