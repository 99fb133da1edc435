"""Distances of curves, robustness and the three-way test: closed forms, extremes, and luck."""

import numpy as np
import pytest

from v2m.curves import EventCurve, Features
from v2m.encoders.pixel import PixelEncoder
from v2m.errors import InputError
from v2m.metrics.curve_distances import as_rows, conditional_distance, curve_distances
from v2m.metrics.robustness import Amounts, robustness
from v2m.metrics.three_way import classify


def test_equal_bodies_lie_at_no_distance() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 6))
    found = curve_distances(rows, rows, rows)
    assert max(found.music, found.music_with_video, found.music_to_video, found.music_given_video) < 1e-9


def test_the_conditional_distance_equals_its_closed_form() -> None:
    # m = a v + noise: with the videos' spread 1 the slopes' difference is what is left
    drawn = np.random.default_rng(1)
    video = drawn.normal(size=(20_000, 1))
    first = 0.8 * video + 0.1 * drawn.normal(size=video.shape)
    second = 0.2 * video + 0.1 * drawn.normal(size=video.shape) + 0.5
    assert conditional_distance(first, second, video) == pytest.approx(0.5**2 + 0.6**2, rel=0.03)


def test_music_that_follows_its_video_is_nearer_given_the_video() -> None:
    drawn = np.random.default_rng(2)
    video = drawn.normal(size=(300, 4))
    original = video + 0.3 * drawn.normal(size=video.shape)
    follows, shuffled = video + 0.3 * drawn.normal(size=video.shape), original[::-1]
    # the marginal distance cannot tell them apart, the conditional one can
    assert curve_distances(shuffled, original, video).music < 0.05
    near, far = (conditional_distance(music, original, video) for music in (follows, shuffled))
    assert far > 10 * near


def test_curves_of_any_rate_become_rows_of_one_length() -> None:
    curves = [EventCurve(rate, np.sin(np.arange(int(4 * rate)) / rate), "x", 0.7) for rate in (12.5, 25.0)]
    rows = as_rows(curves, 16)
    assert rows.shape == (2, 16)
    assert np.corrcoef(rows)[0, 1] > 0.99


def test_curves_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InputError):
        curve_distances(np.zeros((4, 3)), np.zeros((4, 3)), np.zeros((4, 2)))
    with pytest.raises(InputError):
        as_rows([])


def drawn_pictures(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    drawn = np.random.default_rng(4)
    y, x = np.mgrid[0:54, 0:96]
    waves = [np.sin(x * a + y * b + i / 5) for i, (a, b) in enumerate(drawn.uniform(-0.2, 0.2, (count, 2)))]
    return np.stack([np.clip(120 + 90 * wave[..., None] * [1, 0.6, 0.3], 0, 255) for wave in waves]).astype(
        np.uint8
    )


def encode(
    times_s: np.ndarray[tuple[int], np.dtype[np.float64]],
    pictures: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> Features:
    encoder = PixelEncoder()
    encoder.push(times_s, pictures)
    return encoder.features()


def test_harmless_changes_leave_features_where_they_were() -> None:
    times_s = np.arange(24) / 12
    found = robustness(times_s, drawn_pictures(24), encode)
    assert found.cosine_mean > 0.97
    assert found.cosine_mean > found.cosine_to_another
    assert found.curve_correlation is not None
    assert set(found.by_change) <= {"shift", "rotation", "brightness", "gamma"}


def test_no_change_changes_nothing() -> None:
    found = robustness(np.arange(8) / 12, drawn_pictures(8), encode, Amounts(0, 0, 0, 0))
    assert found.cosine_mean == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(InputError):
        robustness(np.arange(3) / 12, drawn_pictures(3), encode)


def kinds(
    clips: int, *, distinct: bool
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], list[str]]:
    drawn = np.random.default_rng(5)
    labels = [("cinematic", "dance", "natural")[i % 3] for i in range(clips)]
    rates = {"cinematic": 1.0, "dance": 6.0, "natural": 0.2} if distinct else dict.fromkeys(set(labels), 2.0)
    at = np.arange(32) / 8
    rows = [np.sin(rates[label] * at + drawn.uniform(0, 6)) + drawn.normal(0, 0.3, 32) for label in labels]
    return np.stack(rows), labels


def test_kinds_that_move_differently_are_told_apart() -> None:
    found = classify(*kinds(90, distinct=True), splits=4, view="spectrum")
    assert found.accuracy > 0.9
    assert found.chance == pytest.approx(1 / 3)


def test_kinds_that_move_alike_are_left_to_luck() -> None:
    found = classify(*kinds(90, distinct=False), splits=8, view="spectrum")
    assert found.low <= 1 / 3 + 0.1
    assert found.accuracy < 0.6


def test_too_little_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError):
        classify(np.zeros((5, 3)), ["a"] * 5)
    with pytest.raises(InputError):
        classify(np.zeros((5, 3)), ["a"] * 4)
