"""Whether one way is better than another on the same clips: paired tests, win rates, and their corrections.

Conventions: two-sided tests; intervals at 95 % unless said; p-values are corrected for the number of tests in
a family by Bonferroni (p times their number, at most 1) or, less severely, by Holm. The paper speaks of
Bonferroni's correction and cites Holm's paper: both are here by name. Of a win rate the t test is that of
votes coded 1 and 0 against one half, the paper's "pairwise t-tests"; the exact binomial test stands beside.
Sources: Student 1908; Wilson 1927; Clopper and Pearson 1934; Holm 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from v2m.errors import InputError

LEVEL: Final = 0.95


@dataclass(frozen=True)
class Paired:
    """A mean difference and how sure it is."""

    mean_difference: float
    """First less second."""

    low: float
    high: float
    """The confidence interval."""

    t: float | None
    """None where all differences are equal."""

    p: float
    n: int
    level: float


@dataclass(frozen=True)
class WinRate:
    """How often one of two was preferred."""

    rate: float | None
    """None without votes."""

    low: float
    high: float
    """Wilson's interval."""

    wins: int
    votes: int
    p_t: float
    """Of the t test against one half."""

    p_exact: float
    """Of the binomial test against one half."""


def paired_test(first: ArrayLike, second: ArrayLike, level: float = LEVEL) -> Paired:
    """Student's paired t test.

    Args:
        first: (n,) figures of one way.
        second: (n,) of the other, on the same clips in the same order.
        level: of the interval.

    Raises:
        InputError: there are fewer than two pairs, one is not finite, or the level is not within 0..1.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2 or not np.isfinite([a, b]).all():
        raise InputError(f"Figures of shapes {a.shape} and {b.shape} are given, expected two or more pairs.")
    if not 0 < level < 1:
        raise InputError(f"The level is {level}, expected more than 0 and less than 1.")
    apart = a - b
    mean, error = float(apart.mean()), float(apart.std(ddof=1) / np.sqrt(len(apart)))
    # differences that are equal but for rounding have no spread to test against
    if error <= 1e-12 * max(1.0, abs(mean)):
        return Paired(mean, mean, mean, None, 1.0 if abs(mean) <= 1e-12 else 0.0, len(a), level)
    from scipy.stats import t as student

    reach = float(student.ppf((1 + level) / 2, len(apart) - 1)) * error
    p = float(2 * student.sf(abs(mean / error), len(apart) - 1))
    return Paired(mean, mean - reach, mean + reach, mean / error, p, len(a), level)


def win_rate(wins: int, votes: int, level: float = LEVEL) -> WinRate:
    """How often one of two was preferred, with its interval and tests against one half.

    Raises:
        InputError: there are more wins than votes, or fewer than none.
    """
    if not 0 <= wins <= votes:
        raise InputError(f"{wins} wins of {votes} votes are given, expected 0 to {votes}.")
    if votes == 0:
        return WinRate(None, 0.0, 1.0, 0, 0, 1.0, 1.0)
    from scipy.stats import binomtest, norm

    z = float(norm.ppf((1 + level) / 2))
    rate = wins / votes
    centre = (rate + z * z / (2 * votes)) / (1 + z * z / votes)
    reach = z / (1 + z * z / votes) * np.sqrt(rate * (1 - rate) / votes + z * z / (4 * votes * votes))
    p_t = (
        paired_test(np.repeat([1.0, 0.0], [wins, votes - wins]), np.full(votes, 0.5)).p if votes > 1 else 1.0
    )
    p_exact = float(binomtest(wins, votes).pvalue)
    return WinRate(
        rate, max(0.0, float(centre - reach)), min(1.0, float(centre + reach)), wins, votes, p_t, p_exact
    )


def bonferroni(p_values: Sequence[float]) -> tuple[float, ...]:
    """Each p times their number, at most 1."""
    return tuple(min(1.0, p * len(p_values)) for p in _checked(p_values))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down correction: the smallest p times their number, the next times one less …, rising."""
    order = np.argsort(_checked(p_values), kind="stable")
    corrected = np.zeros(len(p_values))
    worst = 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = worst
    return tuple(corrected.tolist())


def _checked(p_values: Sequence[float]) -> Sequence[float]:
    if any(not 0 <= p <= 1 for p in p_values):
        raise InputError(f"{list(p_values)} are no p-values, expected 0 to 1.")
    return p_values
