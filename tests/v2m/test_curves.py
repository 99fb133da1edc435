"""Event curves: the published formula, and what a curve must not depend on."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from v2m import curves
from v2m.curves import Features, event_curve
from v2m.errors import InputError
from v2m.timeline import Cut

RATE_HZ = 44100 / 3584  # latent frames a second of the paper's model

series = hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e6, 1e6, width=32))
tables = hnp.arrays(
    np.float32, st.tuples(st.integers(0, 40), st.integers(1, 5)), elements=st.floats(-1e3, 1e3, width=32)
)


def features(values: np.ndarray, rate_hz: float = 25.0) -> Features:
    return Features(np.arange(len(values)) / rate_hz, np.asarray(values, dtype=np.float32), "drawn")


def jumps(times_s: list[float], duration_s: float, rate_hz: float) -> Features:
    """A scene that turns by a right angle at each time, sampled as a camera of a rate would."""
    shown_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    state = np.searchsorted(np.asarray(times_s), shown_s + 1e-9, side="right") % 4
    return features(np.eye(4)[state], rate_hz)


# --- the formula ------------------------------------------------------------------------------------


def test_golden_vectors(repository: Path) -> None:
    """Computed term by term in rational and 50-digit arithmetic, see `about` in the file."""
    golden = json.loads((repository / "tests" / "golden" / "event_curves.json").read_text())
    values = np.array(golden["features"])
    change = curves.dissimilarity(values)
    np.testing.assert_allclose(change, golden["dissimilarity"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(curves.standardize(change), golden["standardized"], rtol=0, atol=1e-12)
    for case in golden["smoothed"]:
        smooth = curves.smooth_hann(golden["standardized"], case["rate_hz"], case["kernel_s"])
        np.testing.assert_allclose(smooth, case["values"], rtol=0, atol=1e-12)


@given(tables)
def test_change_is_one_less_the_cosine_and_first_is_zero(values: np.ndarray) -> None:
    change = curves.dissimilarity(values)
    assert change.shape == (len(values),)
    assert np.all((change >= 0) & (change <= 2 + 1e-12))
    for i, row in enumerate(values.astype(np.float64)):
        before = values[max(i - 1, 0)].astype(np.float64)
        lengths = math.sqrt(row @ row) * math.sqrt(before @ before)
        if i == 0:
            assert change[i] == 0
        elif lengths > 1e-300:
            assert change[i] == pytest.approx(1 - row @ before / lengths, abs=1e-7)


def test_something_out_of_nothing_is_a_full_change_and_nothing_after_nothing_none() -> None:
    assert curves.dissimilarity([[0, 0], [0, 0], [3, 1], [0, 0]]).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("values", [[[1.0, math.nan]], [1.0, 2.0]])
def test_broken_features_are_refused(values: list) -> None:
    with pytest.raises(InputError):
        curves.dissimilarity(values)


# --- standardise, resample, smooth ------------------------------------------------------------------


@given(series, st.floats(0.01, 1e3), st.floats(-1e3, 1e3))
def test_standardized_has_no_unit_and_no_offset(values: np.ndarray, scale: float, offset: float) -> None:
    plain = curves.standardize(values)
    assert np.isfinite(plain).all()
    if plain.any():
        assert plain.mean() == pytest.approx(0, abs=1e-6)
        assert plain.std() == pytest.approx(1)
    if len(values) and np.ptp(values) > 1e-3 * np.abs(values).max() > 1e-3:
        np.testing.assert_allclose(curves.standardize(scale * values + offset), plain, atol=1e-4)


@given(st.integers(0, 50), st.floats(-1e9, 1e9))
def test_a_constant_standardizes_to_zeros(count: int, value: float) -> None:
    assert not curves.standardize(np.full(count, value)).any()


@given(series, st.floats(1, 200), st.floats(0, 5))
def test_smoothing_keeps_length_range_and_constants(values: np.ndarray, rate: float, kernel: float) -> None:
    smooth = curves.smooth_hann(values, rate, kernel)
    assert smooth.shape == values.shape
    if len(values):
        slack = 1e-9 * (1 + np.abs(values).max())
        assert values.min() - slack <= smooth.min()
        assert smooth.max() <= values.max() + slack
        np.testing.assert_allclose(curves.smooth_hann(np.full_like(values, 3.0), rate, kernel), 3.0)


def test_smoothing_leaves_a_peak_where_it_was() -> None:
    spike = np.eye(1, 201, 100)[0]
    smooth = curves.smooth_hann(spike, 100.0, 0.7)
    assert smooth.argmax() == 100
    np.testing.assert_allclose(smooth, smooth[::-1], atol=1e-15)
    assert smooth.sum() == pytest.approx(1)
    assert np.count_nonzero(smooth > 1e-12) == 69  # the inside of 0.7 s


@pytest.mark.parametrize(("rate_hz", "kernel_s"), [(0, 1), (10, -1), (10, math.inf), (math.nan, 1)])
def test_impossible_smoothing_is_refused(rate_hz: float, kernel_s: float) -> None:
    with pytest.raises(InputError):
        curves.smooth_hann([1.0, 2.0], rate_hz, kernel_s)


def test_resampling_is_linear_inside_and_level_outside() -> None:
    assert curves.resample([1.0, 3.0], [10.0, 20.0], [0.0, 1.0, 2.0, 3.0, 9.0]).tolist() == [
        10,
        10,
        15,
        20,
        20,
    ]
    assert curves.resample([], [], [0.0, 1.0]).tolist() == [0, 0]


def test_kernels_named_after_both_published_lengths() -> None:
    assert curves.KERNEL_S["appendix"] == 0.7 == curves.DEFAULT_KERNEL_S
    assert curves.KERNEL_S["latent-grid"] == pytest.approx(31 / RATE_HZ)


# --- novelty ----------------------------------------------------------------------------------------


@given(st.sampled_from([12.5, 24, 25, 30, 50, 60]), st.floats(0, 0.3))
def test_a_jump_is_dated_where_it_happens(rate_hz: float, lag_s: float) -> None:
    at_s = math.ceil(rate_hz) / rate_hz
    times_s, change = curves.novelty(jumps([at_s], 3, rate_hz), lag_s)
    assert np.all(np.diff(times_s) > 0)
    assert change @ times_s / change.sum() == pytest.approx(at_s, abs=1e-9)


def test_novelty_without_lag_is_the_change_between_neighbours() -> None:
    scene = features(np.random.default_rng(5).normal(size=(20, 4)))
    times_s, change = curves.novelty(scene)
    np.testing.assert_array_equal(times_s, scene.times_s)
    np.testing.assert_array_equal(change, curves.dissimilarity(scene.values))


def test_times_that_do_not_rise_are_refused() -> None:
    with pytest.raises(InputError, match="do not rise"):
        curves.novelty(Features(np.array([0.0, 0.0]), np.ones((2, 3), np.float32), "drawn"))


# --- the whole curve --------------------------------------------------------------------------------


@given(tables, st.floats(0.05, 20), st.floats(0.5, 60), st.floats(0, 3))
def test_any_features_give_a_finite_curve_of_the_right_length(
    values: np.ndarray, duration_s: float, rate_hz: float, kernel_s: float
) -> None:
    curve = event_curve(features(values), duration_s, rate_hz=rate_hz, kernel_s=kernel_s)
    assert len(curve.values) == max(1, math.ceil(duration_s * rate_hz - 1e-6))
    assert np.isfinite(curve.values).all()
    assert (curve.rate_hz, curve.encoder, curve.kernel_s) == (rate_hz, "drawn", kernel_s)


@pytest.mark.parametrize("count", [0, 1, 100])
def test_nothing_happening_gives_zeros(count: int) -> None:
    curve = event_curve(features(np.full((count, 3), 0.3)), 32, rate_hz=RATE_HZ)
    assert curve.values.tolist() == [0.0] * 394  # 32 s of the paper's latents


@given(st.floats(0.1, 100))
def test_scale_of_the_features_does_not_matter(scale: float) -> None:
    values = np.random.default_rng(1).normal(size=(200, 6)).cumsum(axis=0)
    plain = event_curve(features(values), 8, rate_hz=10)
    scaled = event_curve(features(values * scale), 8, rate_hz=10)
    np.testing.assert_allclose(scaled.values, plain.values, atol=1e-4)


@given(st.integers(1, 40))
def test_what_happens_later_peaks_later_by_as_much(steps: int) -> None:
    here = event_curve(jumps([4.0, 7.2], 30, 30), 30, rate_hz=10)
    shift_s = steps / 10
    there = event_curve(jumps([4.0 + shift_s, 7.2 + shift_s], 30, 30), 30, rate_hz=10)
    np.testing.assert_allclose(there.values[steps:], here.values[: len(here.values) - steps], atol=1e-9)


@pytest.mark.parametrize("rate_hz", [12.5, 24, 25, 30, 50, 60])
def test_cuts_show_the_same_at_any_frame_rate(rate_hz: float) -> None:
    times_s = [2.0, 5.48, 6.52, 11.0, 15.0]
    grid = {"rate_hz": 24.0, "kernel_s": 0.7}
    ideal = curves.curve_from_cuts([Cut(Fraction(t)) for t in times_s], 20, **grid)
    seen = event_curve(jumps(times_s, 20, rate_hz), 20, **grid)
    assert np.corrcoef(ideal.values, seen.values)[0, 1] >= 0.98


def test_a_change_across_missing_pictures_lasts_no_longer_than_any_other() -> None:
    whole = jumps([3.0, 10.0], 20, 25)
    here = (whole.times_s < 6) | ((whole.times_s >= 10) & (whole.times_s < 14))
    partly = Features(whole.times_s[here], whole.values[here], "drawn")
    curve, full = (event_curve(seen, 20, rate_hz=24) for seen in (partly, whole))
    assert np.corrcoef(curve.values, full.values)[0, 1] > 0.98
    np.testing.assert_allclose(curve.at([7.5, 9.0, 17.0]), curve.at([1.0] * 3), atol=1e-9)


def test_a_change_at_the_last_picture_does_not_last_to_the_end() -> None:
    curve = event_curve(jumps([3.96], 4, 25), 60, rate_hz=24)
    assert curve.at([3.96])[0] > 3
    assert curve.values[24 * 5 :].max() < 0


def test_reading_a_curve_between_its_values() -> None:
    curve = event_curve(jumps([1.0], 4, 25), 4, rate_hz=10)
    np.testing.assert_array_equal(curve.at(curve.times_s), curve.values)
    assert curve.at([0.05])[0] == pytest.approx((curve.values[0] + curve.values[1]) / 2)
    assert curve.at([-5.0, 99.0]).tolist() == [curve.values[0], curve.values[-1]]


@pytest.mark.parametrize(("duration_s", "rate_hz"), [(0, 10), (math.inf, 10), (5, 0), (math.nan, 10)])
def test_impossible_curves_are_refused(duration_s: float, rate_hz: float) -> None:
    with pytest.raises(InputError):
        event_curve(None, duration_s, rate_hz=rate_hz)


# --- cuts -------------------------------------------------------------------------------------------


@given(st.lists(st.integers(20, 460), min_size=1, max_size=5, unique_by=lambda f: f // 40))
def test_every_cut_peaks_where_it_is(frames: list[int]) -> None:
    cuts = [Cut(Fraction(frame, 24)) for frame in frames]
    curve = curves.curve_from_cuts(cuts, 20, rate_hz=48, kernel_s=0.3)
    assert curve.encoder == "cuts"
    for cut in cuts:
        near = np.abs(curve.times_s - float(cut.time_s)) <= 0.15
        apart = all(other is cut or abs(other.time_s - cut.time_s) > Fraction(4, 10) for other in cuts)
        if apart:
            assert curve.times_s[near][curve.values[near].argmax()] == pytest.approx(
                float(cut.time_s), abs=1e-6
            )


def test_a_dissolve_has_the_area_of_a_cut_spread_over_its_width() -> None:
    grid_s = np.arange(1200) / 120
    hard = curves.cut_curve([Cut(Fraction(5))], grid_s)
    soft = curves.cut_curve([Cut(Fraction(5), "dissolve", Fraction(2), Fraction(1, 2))], grid_s)
    assert soft.sum() == pytest.approx(hard.sum())
    assert soft @ grid_s / soft.sum() == pytest.approx(5.5)
    assert grid_s[soft > 0].min() == pytest.approx(4.5, abs=0.02)
    assert grid_s[soft > 0].max() == pytest.approx(6.5, abs=0.02)
    assert hard.max() == pytest.approx(1)


def test_weights_set_the_heights() -> None:
    cuts = [Cut(Fraction(2)), Cut(Fraction(6))]
    curve = curves.curve_from_cuts(cuts, 8, rate_hz=25, cut_weights=[1.0, 0.5])
    floor = curve.at([4.0])[0]
    assert curve.at([6.0])[0] - floor == pytest.approx((curve.at([2.0])[0] - floor) / 2)
    for weights in ([1.0], [1.0, -1.0], [1.0, math.nan]):
        with pytest.raises(InputError, match="weights"):
            curves.curve_from_cuts(cuts, 8, rate_hz=25, cut_weights=weights)


def test_cuts_sharpen_a_noisy_curve_and_leave_it_standardized() -> None:
    noise = np.random.default_rng(7).normal(size=(500, 8))
    cuts = [Cut(Fraction(t)) for t in (3, 9, 14)]
    without = event_curve(features(noise), 20, rate_hz=120, kernel_s=0)
    fused = event_curve(features(noise), 20, rate_hz=120, kernel_s=0, cuts=cuts)
    at_s = [3.0, 9.0, 14.0]
    assert np.all(without.at(at_s) < 3)
    assert np.all(fused.at(at_s) > np.quantile(fused.values, 0.97))
    assert fused.values.std() == pytest.approx(1)
    unshared = event_curve(features(noise), 20, rate_hz=120, kernel_s=0, cuts=cuts, cut_share=0)
    np.testing.assert_allclose(unshared.values, without.values)


def test_a_cut_to_a_new_picture_stands_above_one_to_the_same() -> None:
    cuts = [Cut(Fraction(4)), Cut(Fraction(12))]
    curve = event_curve(jumps([4.0], 16, 24), 16, rate_hz=24, cuts=cuts)
    assert curve.at([4.0])[0] > curve.at([12.0])[0] > 3 * np.abs(curve.at([8.0])[0])


def test_cuts_at_and_past_the_ends_do_no_harm() -> None:
    cuts = [Cut(Fraction(0)), Cut(Fraction(5)), Cut(Fraction(99))]
    assert np.isfinite(curves.curve_from_cuts(cuts, 5, rate_hz=10).values).all()
