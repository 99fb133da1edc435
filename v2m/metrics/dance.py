"""Beats of music against beats of dance: BCS, BHS, F1 and tempo deviation, in three published definitions.

Three incompatible things carry these names, so each result says which it is:

    d2m-gan-1s  L.-Y. Zhu, `Beats_Scores` (D2M-GAN, CDCD): onsets of two pieces of music in bins of one
                second; BCS = estimated / reference bins (may exceed 1), BHS = common / reference bins
    loris-1s    OpenGVLab, `LORIS/beats_scores.py`: the same bins; BCS = common / estimated (precision),
                BHS = common / reference (recall), F1 of the two means
    tolerance   beats matched one to one within a tolerance; BCS = matched / reference (recall), BHS =
                matched / estimated (precision), as V2M-Zero's text defines them against motion beats

Bins of a second say little: a click track 250 ms late scores 1, and so do random onsets. The tolerance
definition is the one to read; the others are here to stand beside published rows.

Conventions: times in seconds; "reference" is what should be met (motion beats, or the original music's),
"estimated" the music that is judged. A score is None where it divides by nothing; such clips are counted
apart in a summary (LORIS itself counts them as 0, and `of_loris` does so too).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from v2m.errors import InputError
from v2m.metrics.events import Times, check_positive, checked_times, matched, shifts_s, turned

Definition = Literal["d2m-gan-1s", "loris-1s", "tolerance"]
DEFINITIONS: Final[tuple[Definition, ...]] = ("tolerance", "d2m-gan-1s", "loris-1s")

TOLERANCES_S: Final = (0.05, 0.1, 0.2)
"""The paper reduced the usual second to a number that its text does not hold; so a range is told."""


@dataclass(frozen=True)
class BeatScores:
    """The scores of one clip, and the counts that they are made of."""

    definition: Definition
    bcs: float | None
    bhs: float | None
    hits: int
    reference: int
    """Beats, or bins of a second with any."""

    estimated: int
    tolerance_s: float | None = None
    """Of the definition `tolerance`."""

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two."""
        return harmonic_mean(self.bcs, self.bhs)


@dataclass(frozen=True)
class DanceSummary:
    """The scores of many clips: macro (mean over clips) and micro (over all beats)."""

    definition: Definition
    tolerance_s: float | None
    clips: int
    undefined: int
    """Clips without a score, in none of the means."""

    bcs: float | None
    bhs: float | None
    bcs_sd: float | None
    bhs_sd: float | None
    """Standard deviations over clips, ddof 1."""

    f1_of_means: float | None
    """As LORIS and the paper's baselines have it."""

    f1_macro: float | None
    """Mean of the clips' own F1."""

    bcs_micro: float | None
    bhs_micro: float | None
    f1_micro: float | None


def tolerance_scores(reference_s: Times, estimated_s: Times, tolerance_s: float) -> BeatScores:
    """Beats matched one to one; the counts equal those of mir_eval.util.match_events.

    Raises:
        InputError: a time is not finite, or the tolerance not positive.
    """
    hits = matched(reference_s, estimated_s, tolerance_s)
    reference, estimated = len(reference_s), len(estimated_s)
    return BeatScores(
        "tolerance", _ratio(hits, reference), _ratio(hits, estimated), hits, reference, estimated, tolerance_s
    )


def of_d2m_gan(reference_s: Times, estimated_s: Times, seconds: int) -> BeatScores:
    """Bins of a second as D2M-GAN's script has them.

    Args:
        reference_s: onsets of the reference music.
        estimated_s: onsets of the music that is judged.
        seconds: bins; the length of the music, rounded up.

    Raises:
        InputError: a time is not finite, or there are no bins.
    """
    total, cover, hits = _bins(reference_s, estimated_s, seconds, seconds)
    return BeatScores("d2m-gan-1s", _ratio(cover, total), _ratio(hits, total), hits, total, cover)


def of_loris(reference_s: Times, estimated_s: Times, reference_seconds: int, seconds: int) -> BeatScores:
    """Bins of a second as LORIS's script has them: the reference is cut to the other's length.

    Raises:
        InputError: a time is not finite, there are no bins, or the reference is the shorter one.
    """
    if reference_seconds < seconds:
        raise InputError(
            f"The reference lasts {reference_seconds} s and the music {seconds} s, expected no longer one.",
            hint="Cut the music to the reference's length.",
        )
    total, cover, hits = _bins(reference_s, estimated_s, reference_seconds, seconds)
    bcs, bhs = (hits / cover if cover else 0.0), (hits / total if total else 0.0)
    return BeatScores("loris-1s", bcs, bhs, hits, total, cover)


def summarize(scores: Sequence[BeatScores]) -> DanceSummary:
    """Many clips as one row.

    Raises:
        InputError: there are none, or they follow different definitions.
    """
    if len({(score.definition, score.tolerance_s) for score in scores}) != 1:
        raise InputError("Scores to summarise must be one or more, and of one definition and tolerance.")
    defined = [score for score in scores if score.bcs is not None and score.bhs is not None]
    cover = np.array([score.bcs for score in defined], np.float64)
    hit = np.array([score.bhs for score in defined], np.float64)
    bcs, bhs = _mean(cover), _mean(hit)
    micro = _micro(scores)
    f1s = [score.f1 for score in defined if score.f1 is not None]
    return DanceSummary(
        definition=scores[0].definition, tolerance_s=scores[0].tolerance_s, clips=len(scores),
        undefined=len(scores) - len(defined), bcs=bcs, bhs=bhs, bcs_sd=_sd(cover), bhs_sd=_sd(hit),
        f1_of_means=harmonic_mean(bcs, bhs), f1_macro=_mean(np.array(f1s)), bcs_micro=micro.bcs,
        bhs_micro=micro.bhs, f1_micro=micro.f1,
    )  # fmt: skip


def chance_scores(
    reference_s: Times, estimated_s: Times, tolerance_s: float, duration_s: float, shifts: int = 37
) -> tuple[float, float, float]:
    """BCS, BHS and F1 that luck gives: means over random shifts of the music around the clip.

    Raises:
        InputError: a time is not finite, or a length not positive.
    """
    lucky = [
        tolerance_scores(reference_s, turned(estimated_s, shift_s, duration_s), tolerance_s)
        for shift_s in shifts_s(duration_s, shifts)
    ]
    means = [
        float(np.mean([value or 0.0 for value in column]))
        for column in zip(*((score.bcs, score.bhs, score.f1) for score in lucky), strict=True)
    ]
    return means[0], means[1], means[2]


def tempo_deviation_bpm(estimated_bpm: float, reference_bpm: float) -> float:
    """TD: how far two tempi differ.

    Raises:
        InputError: a tempo is not positive.
    """
    check_positive(estimated_tempo=estimated_bpm, reference_tempo=reference_bpm)
    return abs(estimated_bpm - reference_bpm)


def tempo_deviation_octave_bpm(estimated_bpm: float, reference_bpm: float) -> float:
    """TD that forgives half and double tempo: the least difference of the three, in the reference's BPM.

    Raises:
        InputError: a tempo is not positive.
    """
    return min(tempo_deviation_bpm(estimated_bpm * factor, reference_bpm) for factor in (0.5, 1.0, 2.0))


def harmonic_mean(first: float | None, second: float | None) -> float | None:
    """F1 of two shares; 0 where both are, None where one is."""
    if first is None or second is None:
        return None
    return 2 * first * second / (first + second) if first + second > 0 else 0.0


def second_bins(times_s: Times, seconds: int) -> tuple[bool, ...]:
    """Which seconds hold a moment; one at the very end counts to the last (the scripts fall over it)."""
    bins = [False] * seconds
    for time_s in checked_times("onset", times_s):
        if 0 <= time_s < seconds + 1:
            bins[min(math.trunc(time_s), seconds - 1)] = True
    return tuple(bins)


def _bins(
    reference_s: Times, estimated_s: Times, reference_seconds: int, seconds: int
) -> tuple[int, int, int]:
    check_positive(length_in_seconds=seconds)
    reference = second_bins(reference_s, reference_seconds)[:seconds]
    estimated = second_bins(estimated_s, seconds)
    common = sum(a and b for a, b in zip(reference, estimated, strict=True))
    return sum(reference), sum(estimated), common


def _micro(scores: Sequence[BeatScores]) -> BeatScores:
    hits, reference, estimated = (
        sum(getattr(score, name) for score in scores) for name in ("hits", "reference", "estimated")
    )
    match scores[0].definition:
        case "d2m-gan-1s":
            ratios = _ratio(estimated, reference), _ratio(hits, reference)
        case "loris-1s":
            ratios = _ratio(hits, estimated), _ratio(hits, reference)
        case "tolerance":
            ratios = _ratio(hits, reference), _ratio(hits, estimated)
    return BeatScores(scores[0].definition, *ratios, hits, reference, estimated)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    return float(values.mean()) if len(values) else None


def _sd(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None
