"""Scene Cut Hit: the share of cuts that have a beat near them, with the share that luck alone gives.

Conventions: times in seconds, in any order; a cut is hit when any beat lies within the tolerance, its ends
included. One beat may serve two cuts, as the paper has it ("if any beat"), so this is no matching: where
cuts are farther apart than twice the tolerance it equals the recall of a one-to-one matching
(mir_eval.util.match_events).

Chance is what a beat grid that knows nothing of the cuts reaches: the share of time that lies within the
tolerance of a beat, `min(1, 2·tolerance·beats / duration)`. Doubling the tempo doubles it, so SCH is read
against it: `gain` is the share of what luck leaves that was reached.

Over many programmes (`pool`) two means are told, since the paper does not say which one it means: of the
programmes' values, each weighing the same, and of all cuts. Programmes without cuts are counted apart.

Source: V2M-Zero, appendix (metric in prose). A programme without cuts has no SCH: the value is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from v2m.curves import FloatArray
from v2m.errors import InputError

PAPER_TOLERANCE_S: Final = 0.1
"""The number is missing in the paper's text; its text-only row, taken to be at chance, fits this one best."""

TOLERANCES_S: Final = (0.05, 0.07, 0.1, 0.2)
"""What is told beside each other: 70 ms is the usual window of beat tracking, 100 ms the paper's."""


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


@dataclass(frozen=True)
class PooledSCH:
    """Scene Cut Hit over many programmes."""

    mean: float | None
    """Of the programmes that have cuts, each counting the same; None where none has any."""

    pooled: float | None
    """Hits over cuts, of all programmes together."""

    chance_mean: float | None
    chance_pooled: float | None
    """The chance levels under the same weights as `mean` and `pooled`."""

    hits: int
    cuts: int
    programmes: int
    without_cuts: int
    """Programmes that have no SCH and count in none of the above."""

    tolerance_s: float


def pool(scores: Sequence[SCH]) -> PooledSCH:
    """The scores of many programmes as one.

    Raises:
        InputError: there are none, or they were made at different tolerances.
    """
    if len({score.tolerance_s for score in scores}) != 1:
        raise InputError("Scores to pool must be one or more, and of one tolerance.")
    cut = [score for score in scores if score.value is not None]
    hits, cuts = sum(score.hits for score in cut), sum(score.cuts for score in cut)
    return PooledSCH(
        mean=float(np.mean([score.value for score in cut])) if cut else None,
        pooled=hits / cuts if cut else None,
        chance_mean=float(np.mean([score.chance for score in cut])) if cut else None,
        chance_pooled=sum(score.chance * score.cuts for score in cut) / cuts if cut else None,
        hits=hits,
        cuts=cuts,
        programmes=len(scores),
        without_cuts=len(scores) - len(cut),
        tolerance_s=scores[0].tolerance_s,
    )


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
