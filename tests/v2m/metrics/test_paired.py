"""Paired tests: scipy's and textbook numbers, coverage by simulation, corrections."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from v2m.errors import InputError
from v2m.metrics.paired import bonferroni, holm, paired_test, win_rate

STUDENT_EXTRA_SLEEP = (
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
)
"""Hours of sleep won by two drugs, in the paper that the test comes from (Student 1908)."""


def test_equals_students_own_example() -> None:
    result = paired_test(*STUDENT_EXTRA_SLEEP)
    assert result.mean_difference == pytest.approx(1.58)
    assert result.t == pytest.approx(4.0621, abs=1e-4)
    assert result.p == pytest.approx(0.002833, abs=1e-6)
    assert (result.low, result.high) == pytest.approx((0.7001, 2.4599), abs=1e-4)


@given(st.integers(0, 2**31), st.integers(2, 30))
def test_equals_scipy(seed: int, size: int) -> None:
    first, second = np.random.default_rng(seed).normal(size=(2, size))
    peer = ttest_rel(first, second)
    ours = paired_test(first, second)
    assert (ours.t, ours.p) == pytest.approx((peer.statistic, peer.pvalue))
    assert (ours.low, ours.high) == pytest.approx(tuple(peer.confidence_interval(0.95)))


def test_equal_differences_have_no_spread_to_test() -> None:
    assert paired_test([1, 2, 3], [1, 2, 3]).p == 1.0
    assert paired_test([2, 3, 4], [1, 2, 3]).p == 0.0


def test_a_win_rate_has_wilsons_interval() -> None:
    result = win_rate(8, 10)
    assert (result.low, result.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert result.p_exact == pytest.approx(0.109375)
    assert win_rate(0, 0).rate is None
    assert win_rate(10, 10).p_t == 0.0


def test_corrections_equal_a_worked_example() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert bonferroni(p_values) == pytest.approx((0.04, 0.16, 0.12, 0.02))
    assert holm(p_values) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert bonferroni([]) == holm([]) == ()


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_never_more_severe_than_bonferroni(p_values: list[float]) -> None:
    assert all(h <= b for h, b in zip(holm(p_values), bonferroni(p_values), strict=True))


@pytest.mark.parametrize("pair", [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, np.nan], [1.0, 2.0])])
def test_what_cannot_be_tested_is_refused(pair: tuple[list[float], list[float]]) -> None:
    with pytest.raises(InputError):
        paired_test(*pair)


def test_impossible_votes_and_p_values_are_refused() -> None:
    with pytest.raises(InputError):
        win_rate(3, 2)
    with pytest.raises(InputError):
        holm([1.2])
