"""Lists of moments and how many of two lists are the same moments: what every beat metric stands on.

Conventions: times in seconds, in any order; two moments agree when they lie within the tolerance, its ends
included. A matching is one to one and as large as possible: no moment serves twice.
Source: mir_eval.util.match_events, whose counts these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from v2m.curves import FloatArray
from v2m.errors import InputError

Times = Sequence[float] | FloatArray

SLACK_S: Final = 1e-9
"""Added to every tolerance, so that 1.1 - 1.0 counts as 0.1."""


def checked_times(what: str, times_s: Times) -> FloatArray:
    """Times as a rising array.

    Raises:
        InputError: they are no list of finite numbers.
    """
    array = np.asarray(times_s, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise InputError(f"The {what} times must be a list of finite seconds.")
    return np.sort(array)


def check_positive(**values: float) -> None:
    """Refuse what is not above zero and finite.

    Raises:
        InputError: a value is not.
    """
    for name, value in values.items():
        if not 0 < value < np.inf:
            raise InputError(f"The {name.replace('_', ' ')} is {value}, expected a positive number.")


def matched(reference_s: Times, estimated_s: Times, tolerance_s: float) -> int:
    """The most pairs of one reference and one estimated moment within the tolerance, each used once.

    Walking both lists in order and taking each pair that fits is optimal here, because all windows are
    equally wide: a moment that is passed over could only have taken a partner from a later one.

    Raises:
        InputError: a time is not finite, or the tolerance not positive.
    """
    check_positive(tolerance_s=tolerance_s)
    reference, estimated = checked_times("reference", reference_s), checked_times("estimated", estimated_s)
    i = j = pairs = 0
    while i < len(reference) and j < len(estimated):
        gap_s = estimated[j] - reference[i]
        if abs(gap_s) <= tolerance_s + SLACK_S:
            i, j, pairs = i + 1, j + 1, pairs + 1
        elif gap_s < 0:
            j += 1
        else:
            i += 1
    return pairs


def shifts_s(duration_s: float, count: int, seed: int = 0) -> FloatArray:
    """Random offsets for chance levels: none nearer to 0 or to a whole turn than a twentieth of it.

    Args:
        duration_s: what is shifted around.
        count: how many.
        seed: the same one gives the same offsets.

    Raises:
        InputError: the duration is not positive, or fewer than one is asked for.
    """
    check_positive(duration_s=duration_s, count=count)
    # a shift of next to nothing would leave what it is to destroy
    return np.random.default_rng(seed).uniform(0.05, 0.95, count) * duration_s


def turned(times_s: Times, shift_s: float, duration_s: float) -> FloatArray:
    """The moments moved on by a shift, what falls off the end coming back at the start; rising."""
    return np.sort((checked_times("", times_s) + shift_s) % duration_s)
