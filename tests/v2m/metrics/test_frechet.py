"""Fréchet distance: the matrix root's value without the root, and an estimate without its bias."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from v2m.errors import InputError
from v2m.metrics.frechet import Gaussian, frechet_distance, frechet_infinity


def by_matrix_root(first: Gaussian, second: Gaussian) -> float:
    """The formula as frechet-audio-distance and pytorch-fid compute it."""
    apart = first.mean - second.mean
    root = sqrtm((first.covariance @ second.covariance).astype(complex))
    return float(
        apart @ apart + np.trace(first.covariance) + np.trace(second.covariance) - 2 * np.trace(root).real
    )


@given(st.integers(0, 2**31), st.integers(2, 24))
def test_equals_the_matrix_root(seed: int, size: int) -> None:
    drawn = np.random.default_rng(seed)
    clouds = [
        drawn.normal(size=(6 * size, size)) @ drawn.normal(size=(size, size)) + drawn.normal(size=size)
        for _ in range(2)
    ]
    first, second = (Gaussian.of(cloud) for cloud in clouds)
    assert frechet_distance(first, second) == pytest.approx(by_matrix_root(first, second), rel=1e-6)


def test_equals_the_closed_form_of_one_dimension() -> None:
    first = Gaussian(np.array([1.0]), np.array([[4.0]]), 9)
    second = Gaussian(np.array([3.0]), np.array([[25.0]]), 9)
    assert frechet_distance(first, second) == pytest.approx(4 + (2 - 5) ** 2)


def test_a_cloud_is_at_no_distance_from_itself_and_the_distance_is_symmetric() -> None:
    drawn = np.random.default_rng(0)
    first, second = Gaussian.of(drawn.normal(size=(50, 8))), Gaussian.of(drawn.normal(1, 2, size=(50, 8)))
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first))


def test_fewer_vectors_than_dimensions_still_give_a_distance() -> None:
    few = np.random.default_rng(1).normal(size=(5, 40))
    assert np.isfinite(frechet_distance(Gaussian.of(few), Gaussian.of(few + 1)))


def test_the_bias_of_few_vectors_is_taken_out() -> None:
    drawn = np.random.default_rng(2)
    reference, judged = drawn.normal(size=(4000, 16)), drawn.normal(size=(300, 16))
    plain = frechet_distance(Gaussian.of(reference), Gaussian.of(judged))
    infinity = frechet_infinity(reference, judged)
    assert plain > 0.2
    assert abs(infinity.value) < plain / 4
    assert infinity.r2 > 0.9


@pytest.mark.parametrize("cloud", [np.zeros((1, 3)), np.zeros(3), np.full((4, 2), np.nan)])
def test_what_is_no_cloud_is_refused(cloud: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    with pytest.raises(InputError):
        Gaussian.of(cloud)


def test_clouds_of_different_width_are_refused() -> None:
    with pytest.raises(InputError):
        frechet_distance(Gaussian.of(np.eye(3)), Gaussian.of(np.eye(4)))
    with pytest.raises(InputError):
        frechet_infinity(np.eye(3), np.eye(3))
