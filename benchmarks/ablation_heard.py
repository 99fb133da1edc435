"""What is measured of one piece of the ablation, and how it is kept.

`ablation` says what each figure means.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ablation_closeness import Likeness, Vectors, heard
from ablation_wanted import CURVE_RATE_HZ, Wanted
from following import DURATION_S
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.signal import find_peaks, resample_poly
from v2m_training.quick_sound import RATE_HZ

from v2m.curves import DEFAULT_KERNEL_S, event_curve
from v2m.encoders import spectral
from v2m.metrics.beats import RATE_HZ as BEATS_RATE_HZ
from v2m.metrics.beats import track_beats
from v2m.metrics.sch import PAPER_TOLERANCE_S, scene_cut_hit

PEAK_KERNEL_S = 0.25
"""Sharp enough that a peak lies within 0.1 s of its change, and joins the notes of one chord."""

PEAK_DISTANCE_S = 0.5


@dataclass(frozen=True)
class Heard:
    """What was measured of one case."""

    r: float
    hits: float
    chance: float
    sch: float
    likeness: Likeness


def measured(sound: NDArray[np.float32], score: Vectors, wanted: Wanted) -> Heard:
    """Measure a piece.

    Args:
        sound: (s,) at `RATE_HZ`.
        score: what its bars are like.
        wanted: what it was composed to.
    """
    features = spectral.encode(sound, RATE_HZ)
    cuts_s = wanted.cuts_s
    own = event_curve(features, DURATION_S, rate_hz=CURVE_RATE_HZ).values
    r = float(np.corrcoef(own, wanted.curve(DEFAULT_KERNEL_S).values)[0, 1]) if own.std() else 0.0
    changes_s = strongest_changes_s(features, len(cuts_s))
    chance = [_share(moved_s, changes_s) for moved_s in wanted.moved()]
    mono = resample_poly(sound, BEATS_RATE_HZ, RATE_HZ).astype(np.float32)
    return Heard(
        r, _share(cuts_s, changes_s), float(np.mean(chance)), _share(cuts_s, track_beats(mono).times_s),
        Likeness(heard(features.values), score),
    )  # fmt: skip


def strongest_changes_s(features: spectral.Features, count: int) -> NDArray[np.float64]:
    """When the music changes most: the highest peaks of its own sharp curve."""
    rate_hz = 100.0
    curve = event_curve(features, DURATION_S, rate_hz=rate_hz, kernel_s=PEAK_KERNEL_S).values
    peaks, _ = find_peaks(curve, distance=round(PEAK_DISTANCE_S * rate_hz))
    highest = peaks[np.argsort(curve[peaks])[::-1][:count]]
    return np.sort(highest) / rate_hz


def _share(cuts_s: Sequence[float] | NDArray[np.float64], moments_s: NDArray[np.float64]) -> float:
    score = scene_cut_hit(cuts_s, moments_s, tolerance_s=PAPER_TOLERANCE_S, duration_s=DURATION_S)
    return score.value or 0.0


def keep(one: Heard, path: Path) -> None:
    """Write what was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = np.array([one.r, one.hits, one.chance, one.sch])
    part = path.with_suffix(".part")
    save_file({"figures": figures, "sound": one.likeness.sound, "score": one.likeness.score}, part)
    os.replace(part, path)


def kept_at(path: Path) -> Heard:
    """Read it again."""
    found = load_file(path)
    return Heard(*found["figures"].tolist(), Likeness(found["sound"], found["score"]))
