"""The key of music: its tonic, and which of the six modes it is in.

Conventions: pitch classes 0-11, weights are sounding time. Sources: the key profiles of Krumhansl and Kessler
(1982), correlated as Krumhansl and Schmuckler do; a mode is told by the one tone in which it differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from v2m.codecs.arrangement import Note

_MAJOR: Final = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR: Final = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])

_CLEARLY: Final = 2.0
"""How much longer than its rival a telling tone must sound."""

_LONGEST_BEATS: Final = 4.0
"""A drone weighs no more than a whole note."""


def estimate_key(notes: Iterable[Note]) -> tuple[int, str]:
    """Tonic and mode of the pitched notes; C major where there are none."""
    weights = np.zeros(12)
    for note in notes:
        if note.part != "drums":
            weights[note.pitch % 12] += min(note.duration_beats, _LONGEST_BEATS)
    if np.ptp(weights) == 0:
        return 0, "major"
    fits = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1])
        for mode, profile in (("major", _MAJOR), ("minor", _MINOR))
        for tonic in range(12)
    }
    tonic, mode = max(fits, key=lambda key: fits[key])
    return tonic, _mode(np.roll(weights, -tonic), mode)


def _mode(weights: np.ndarray[tuple[int], np.dtype[np.float64]], third: str) -> str:
    """The mode by its telling tone, over weights from the tonic up."""
    if third == "major":
        if weights[10] > _CLEARLY * weights[11]:
            return "mixolydian"
        return "lydian" if weights[6] > _CLEARLY * weights[5] else "major"
    if weights[1] > _CLEARLY * weights[2]:
        return "phrygian"
    return "dorian" if weights[9] > _CLEARLY * weights[8] else "minor"
