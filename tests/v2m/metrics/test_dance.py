"""Beat scores: the published scripts' own numbers, mir_eval's counts, and the four laws."""

import json
from pathlib import Path

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.errors import InputError
from v2m.metrics.dance import (
    BeatScores,
    chance_scores,
    of_d2m_gan,
    of_loris,
    summarize,
    tempo_deviation_bpm,
    tempo_deviation_octave_bpm,
    tolerance_scores,
)

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "beat_scores.json"
times = st.lists(st.integers(0, 9_999).map(lambda ms: ms / 1000), min_size=1, max_size=40)


@given(times, times, st.sampled_from([0.0505, 0.1005, 0.2005]))
def test_tolerance_scores_equal_mir_eval(motion: list[float], music: list[float], tolerance_s: float) -> None:
    score = tolerance_scores(motion, music, tolerance_s)
    f1, precision, recall = mir_eval.onset.f_measure(np.sort(motion), np.sort(music), window=tolerance_s)
    assert (score.bcs, score.bhs, score.f1) == pytest.approx((recall, precision, f1), abs=1e-12)


def test_bins_of_a_second_equal_the_published_scripts() -> None:
    for case in json.loads(GOLDEN.read_text(encoding="utf-8")):
        ref, syn, seconds = case["reference_s"], case["estimated_s"], case["seconds"]
        d2m, loris = of_d2m_gan(ref, syn, seconds), of_loris(ref, syn, case["reference_seconds"], seconds)
        assert [d2m.bcs, d2m.bhs] == pytest.approx(case["d2m_gan"], abs=1e-9)
        assert [loris.bcs, loris.bhs] == pytest.approx(case["loris"], abs=1e-9)


def test_bins_of_a_second_tell_nothing_of_a_late_click_track() -> None:
    motion = np.arange(0.1, 10, 0.5)
    late = of_d2m_gan(motion, motion + 0.25, 10)
    assert (late.bcs, late.bhs) == (1.0, 1.0)
    assert tolerance_scores(motion, motion + 0.25, 0.1).f1 == 0.0


def test_perfect_music_scores_one() -> None:
    beats = [0.5, 1.0, 1.7]
    for score in (
        tolerance_scores(beats, beats, 0.05),
        of_d2m_gan(beats, beats, 2),
        of_loris(beats, beats, 2, 2),
    ):
        assert (score.bcs, score.bhs, score.f1) == (1.0, 1.0, 1.0)


def test_nothing_to_divide_by_is_no_score() -> None:
    assert tolerance_scores([], [1.0], 0.1).bcs is None
    assert tolerance_scores([1.0], [], 0.1).bhs is None
    assert of_d2m_gan([], [1.0], 3).bcs is None
    assert of_loris([], [], 3, 3).f1 == 0.0  # as the script has it
    summary = summarize([tolerance_scores([], [1.0], 0.1), tolerance_scores([1.0], [1.0], 0.1)])
    assert (summary.clips, summary.undefined, summary.bcs) == (2, 1, 1.0)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError):
        of_loris([1.0], [1.0], 3, 4)
    with pytest.raises(InputError):
        of_d2m_gan([1.0], [1.0], 0)
    with pytest.raises(InputError):
        summarize([])
    with pytest.raises(InputError):
        summarize([tolerance_scores([1.0], [1.0], 0.1), tolerance_scores([1.0], [1.0], 0.2)])


def test_macro_and_micro_means_are_different_things() -> None:
    clips = [tolerance_scores([1, 2, 3, 4], [1, 2, 3, 4], 0.1), tolerance_scores([1, 2], [1.5], 0.1)]
    summary = summarize(clips)
    assert (summary.bcs, summary.bhs) == (0.5, 0.5)
    assert summary.bcs_micro == pytest.approx(4 / 6)
    assert summary.bhs_micro == pytest.approx(4 / 5)
    assert summary.f1_of_means == 0.5
    assert summary.bcs_sd == pytest.approx(np.std([1, 0], ddof=1))


def test_the_papers_f1_is_no_harmonic_mean_while_its_peers_are() -> None:
    loris = BeatScores("tolerance", 0.3721, 0.3371, 0, 0, 0, 0.1)
    ours = BeatScores("tolerance", 0.5818, 0.6274, 0, 0, 0, 0.1)
    assert loris.f1 == pytest.approx(0.3537, abs=1e-4)
    assert ours.f1 == pytest.approx(0.6037, abs=1e-4)
    assert ours.f1 != pytest.approx(0.5856, abs=0.01)


def test_chance_is_what_blind_beats_reach() -> None:
    drawn = np.random.default_rng(0)
    motion, music = np.sort(drawn.uniform(0, 60, 120)), np.arange(0, 60, 0.5)
    bcs, _, _ = chance_scores(motion, music, 0.05, 60.0)
    blind = tolerance_scores(motion, (music + 0.123) % 60, 0.05)
    assert bcs == pytest.approx(blind.bcs, abs=0.06)


def test_tempo_deviation_and_its_octaves() -> None:
    assert tempo_deviation_bpm(120, 100) == 20
    assert tempo_deviation_octave_bpm(60, 118) == 2
    with pytest.raises(InputError):
        tempo_deviation_bpm(0, 100)
