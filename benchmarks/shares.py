"""Shares with what they may be by chance: how the benchmarks print that so many of so many hold."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import binomtest


def share(held: Sequence[bool]) -> str:
    """A share, how many it is of, and the range that it lies in with 95 percent (Wilson's)."""
    if not held:
        return "    - (n 0)"
    interval = binomtest(sum(held), len(held)).proportion_ci(method="wilson")
    return f"{sum(held) / len(held):.3f} ({interval.low:.3f}-{interval.high:.3f}, n {len(held)})"


def paired_p(one: Sequence[bool], other: Sequence[bool]) -> float:
    """Two-sided exact McNemar test: whether of the pairs that differ more go one way than by chance."""
    gained = sum(a and not b for a, b in zip(one, other, strict=True))
    lost = sum(b and not a for a, b in zip(one, other, strict=True))
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
