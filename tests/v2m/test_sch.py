"""Scene Cut Hit: equal to brute force, to a matching where that applies, and to chance for blind beats."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.errors import InputError
from v2m.metrics.sch import scene_cut_hit

# Whole milliseconds: a distance then equals the tolerance exactly or not at all.
times = st.lists(st.integers(0, 20_000).map(lambda ms: ms / 1000), max_size=25)


@given(times, times, st.sampled_from([0.02, 0.1, 0.25]))
def test_equals_the_definition_by_brute_force(
    cuts: list[float], beats: list[float], tolerance_s: float
) -> None:
    score = scene_cut_hit(cuts, beats, 20.0, tolerance_s)
    window_ms = round(tolerance_s * 1000)
    hits = sum(any(abs(round(1000 * c) - round(1000 * b)) <= window_ms for b in beats) for c in cuts)
    assert (score.hits, score.cuts) == (hits, len(cuts))
    assert score.value == (hits / len(cuts) if cuts else None)


@given(st.lists(st.integers(1, 90), unique=True, min_size=1), times)
def test_equals_a_matching_where_no_beat_could_serve_two_cuts(slots: list[int], beats: list[float]) -> None:
    cuts = np.sort(slots) * 0.2111
    matched = mir_eval.util.match_events(cuts, np.sort(beats), 0.1) if beats else []
    assert scene_cut_hit(cuts, beats, 20.0).hits == len(matched)


def test_one_beat_may_serve_two_cuts() -> None:
    assert scene_cut_hit([1.0, 1.1], [1.05], 2.0).value == 1.0


def test_perfect_beats_score_one_and_far_beats_nothing() -> None:
    cuts = [1.0, 2.5, 4.0]
    assert scene_cut_hit(cuts, cuts, 5.0).value == 1.0
    assert scene_cut_hit(cuts, [0.5, 3.2], 5.0).value == 0.0
    assert scene_cut_hit(cuts, [], 5.0).value == 0.0


def test_a_distance_of_just_the_tolerance_is_a_hit_in_spite_of_rounding() -> None:
    assert 1.1 - 1.0 > 0.1
    assert scene_cut_hit([1.0], [1.1], 5.0, 0.1).value == 1.0


def test_no_cuts_have_no_score_but_a_chance() -> None:
    score = scene_cut_hit([], [0.0, 0.5, 1.0], 2.0)
    assert (score.value, score.gain) == (None, None)
    assert score.chance == pytest.approx(0.3)


def test_blind_beats_score_chance() -> None:
    cuts = np.random.default_rng(0).uniform(0, 3600, 4000)
    for bpm in (60, 120, 240):
        score = scene_cut_hit(cuts, np.arange(0, 3600, 60 / bpm), 3600.0)
        assert score.value == pytest.approx(score.chance, abs=0.03)
        assert score.gain == pytest.approx(0, abs=0.1)


def test_chance_counts_beats_inside_only_and_stops_at_one() -> None:
    assert scene_cut_hit([1.0], [-0.5, 1.0, 2.5], 2.0).chance == pytest.approx(0.1)
    crowded = scene_cut_hit([1.0], np.arange(0, 2, 0.05), 2.0)
    assert (crowded.chance, crowded.gain) == (1.0, None)


@pytest.mark.parametrize(
    ("cuts", "beats", "duration_s", "tolerance_s"),
    [
        ([float("nan")], [1.0], 2.0, 0.1),
        ([1.0], [float("inf")], 2.0, 0.1),
        ([1.0], [1.0], 0.0, 0.1),
        ([1.0], [1.0], 2.0, -0.1),
    ],
)
def test_what_no_programme_gives_is_refused(
    cuts: list[float], beats: list[float], duration_s: float, tolerance_s: float
) -> None:
    with pytest.raises(InputError):
        scene_cut_hit(cuts, beats, duration_s, tolerance_s)
