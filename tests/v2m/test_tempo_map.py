"""Positions and seconds are two views of one map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.errors import InputError
from v2m.tempo import TempoMap

intervals = st.lists(st.floats(0.3, 1.2), min_size=1, max_size=30)


def map_of(steps: list[float], start_s: float = 0.0) -> TempoMap:
    return TempoMap(tuple((start_s + np.concatenate([[0.0], np.cumsum(steps)])).tolist()))


@given(intervals, st.floats(-1, 0), st.lists(st.floats(-5, 40), min_size=1, max_size=8))
def test_seconds_and_positions_invert_each_other_within_and_past_the_ends(
    steps: list[float], start_s: float, positions: list[float]
) -> None:
    tempo_map = map_of(steps, start_s)
    asked = np.array(positions)
    np.testing.assert_allclose(tempo_map.beat_at(tempo_map.time_s(asked)), asked, atol=1e-9)


@given(intervals)
def test_whole_positions_are_the_beats_and_time_runs_evenly_between(steps: list[float]) -> None:
    tempo_map = map_of(steps)
    count = len(tempo_map.beats_s)
    np.testing.assert_allclose(tempo_map.time_s(np.arange(count, dtype=float)), tempo_map.beats_s)
    middles = (np.array(tempo_map.beats_s[1:]) + tempo_map.beats_s[:-1]) / 2
    np.testing.assert_allclose(tempo_map.time_s(np.arange(count - 1) + 0.5), middles)


def test_past_the_ends_the_tempo_stays() -> None:
    tempo_map = TempoMap((0.0, 0.5, 1.5))
    np.testing.assert_allclose(tempo_map.time_s(np.array([-2.0, 4.0])), [-1.0, 3.5])


def test_tempo_and_largest_step_are_those_of_the_intervals() -> None:
    tempo_map = TempoMap((0.0, 0.5, 1.0, 1.6))
    assert tempo_map.tempo_bpm == pytest.approx((100.0, 120.0))
    assert tempo_map.largest_step == pytest.approx(0.2)
    assert TempoMap((0.0, 1.0)).largest_step == 0.0


def test_bars_begin_where_the_downbeat_says() -> None:
    tempo_map = TempoMap(tuple(float(i) for i in range(8)), beats_per_bar=3, first_downbeat=2)
    assert tempo_map.bars_s == (2.0, 5.0)
    assert [beat for beat in range(-2, 8) if tempo_map.is_downbeat(beat)] == [-1, 2, 5]


@given(intervals, st.floats(0, 3), st.floats(0.5, 6))
def test_an_excerpt_has_the_same_beats_and_bars_counted_from_its_start(
    steps: list[float], start_s: float, length_s: float
) -> None:
    whole = map_of(steps)
    part = whole.excerpt(start_s, start_s + length_s)
    assert part.beats_s[0] <= 1e-6
    assert part.beats_s[-1] >= length_s - 1e-6
    positions = whole.beat_at(np.array(part.beats_s) + start_s)
    np.testing.assert_allclose(positions, np.round(positions), atol=1e-6)
    for beat, position in enumerate(np.round(positions)):
        assert part.is_downbeat(beat) == whole.is_downbeat(int(position))


def test_a_steady_click_covers_the_programme_and_no_beat_more() -> None:
    assert TempoMap.steady(120, 2.0).beats_s == (0.0, 0.5, 1.0, 1.5, 2.0)
    assert TempoMap.steady(120, 2.1).beats_s[-1] == 2.5


@pytest.mark.parametrize(
    ("beats", "per_bar", "downbeat"),
    [
        ((0.0,), 4, 0),
        ((0.0, 0.0), 4, 0),
        ((0.0, -1.0), 4, 0),
        ((0.0, float("nan")), 4, 0),
        ((0.0, 1.0), 4, 4),
        ((0.0, 1.0), 0, 0),
    ],
)
def test_what_is_no_tempo_map_is_refused(beats: tuple[float, ...], per_bar: int, downbeat: int) -> None:
    with pytest.raises(InputError):
        TempoMap(beats, per_bar, downbeat)


def test_a_click_of_no_length_and_an_empty_excerpt_are_refused() -> None:
    with pytest.raises(InputError, match="click"):
        TempoMap.steady(0, 10)
    with pytest.raises(InputError, match="empty"):
        TempoMap.steady(120, 10).excerpt(3, 3)
