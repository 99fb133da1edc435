"""Matching of moments: equal to mir_eval's on any lists."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.errors import InputError
from v2m.metrics.events import matched, shifts_s, turned

times = st.lists(st.integers(0, 5_000).map(lambda ms: ms / 1000), max_size=30)


@given(times, times, st.sampled_from([0.0205, 0.0705, 0.1005, 0.3005]))
def test_counts_equal_mir_eval(reference: list[float], estimated: list[float], tolerance_s: float) -> None:
    peer = mir_eval.util.match_events(np.sort(reference), np.sort(estimated), tolerance_s)
    assert matched(reference, estimated, tolerance_s) == len(peer)


def test_no_moment_serves_twice() -> None:
    assert matched([1.0, 1.1], [1.05], 0.1) == 1
    assert matched([], [1.0], 0.1) == 0


@pytest.mark.parametrize(("first", "tolerance_s"), [([float("nan")], 0.1), ([1.0], 0.0), ([[1.0]], 0.1)])
def test_what_no_list_of_moments_is_gets_refused(first: list[float], tolerance_s: float) -> None:
    with pytest.raises(InputError):
        matched(first, [1.0], tolerance_s)


@given(times)
def test_turning_keeps_the_number_and_stays_inside(moments: list[float]) -> None:
    for shift_s in shifts_s(5.001, 3):
        moved = turned(moments, shift_s, 5.001)
        assert len(moved) == len(moments)
        assert all(0 <= moment < 5.001 for moment in moved)
