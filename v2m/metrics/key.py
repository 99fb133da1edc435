"""The key of a piece as its notes tell it, after Krumhansl and Schmuckler.

The durations of the pitch classes are correlated with how well each fits a major and a minor key, for all
twelve tonics; the best of the 24 is the key. Conventions: a tonic is a pitch class 0-11 (0 = C); drums have
no pitch. The method errs on real music too, mostly by a fifth or to the relative key, so a share of right
keys is read beside what it finds in music whose key is known.
Source: Krumhansl 1990, Cognitive Foundations of Musical Pitch; profiles of Krumhansl and Kessler 1982.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import Arrangement
from v2m.errors import InputError

FloatArray = NDArray[np.float64]
KeyMode = Literal["major", "minor"]
Profiles = Mapping[KeyMode, tuple[float, ...]]
"""How well each pitch class over the tonic fits a mode."""

KRUMHANSL_KESSLER: Final[Profiles] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""Ratings by listeners."""


@dataclass(frozen=True)
class Key:
    """A key and how clearly it is heard."""

    tonic: int
    """Pitch class 0-11."""

    mode: KeyMode
    correlation: float
    """Of the durations with the key's profile, -1..1."""


def estimate_key(arrangement: Arrangement, profiles: Profiles = KRUMHANSL_KESSLER) -> Key | None:
    """The key of a piece, None where no pitch class sounds longer than another."""
    return key_of_durations(pitch_class_beats(arrangement), profiles)


def pitch_class_beats(arrangement: Arrangement) -> FloatArray:
    """(12,) beats that each pitch class sounds, over all pitched notes."""
    beats = np.zeros(12)
    for note in arrangement.notes:
        if note.part != "drums":
            beats[note.pitch % 12] += note.duration_beats
    return beats


def key_of_durations(durations: FloatArray, profiles: Profiles = KRUMHANSL_KESSLER) -> Key | None:
    """The key whose profile runs most closely with the durations of the pitch classes.

    Args:
        durations: (12,) in any unit, none below zero.
        profiles: what to compare them with.

    Raises:
        InputError: there are not twelve durations, or one is negative or not finite.
    """
    durations = np.asarray(durations, np.float64)
    if durations.shape != (12,) or not np.isfinite(durations).all() or (durations < 0).any():
        raise InputError(f"{durations} are no durations of pitch classes, expected twelve of zero or more.")
    if np.ptp(durations) == 0:
        return None
    keys = [
        Key(tonic, mode, float(np.corrcoef(np.roll(durations, -tonic), profile)[0, 1]))
        for mode, profile in profiles.items()
        for tonic in range(12)
    ]
    return max(keys, key=lambda key: key.correlation)
