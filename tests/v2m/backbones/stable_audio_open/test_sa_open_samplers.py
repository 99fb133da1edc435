"""The samplers by themselves, where the data is known: one that is Gaussian has an exact model."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from v2m.backbones.stable_audio_open import dpmpp, straight
from v2m.backbones.stable_audio_open.numbers import told_seconds

SPREAD = 0.8
"""Of the data, a Gaussian around 0."""


def seen(x: Tensor, sigma: Tensor) -> Tensor:
    """The best guess of the data."""
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


def drawn(seed: int, count: int = 20_000) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((1, count, 1)))


def test_noise_levels_fall_evenly_in_their_logarithm() -> None:
    sigmas = dpmpp.noise_levels(100)
    assert len(sigmas) == 101
    assert sigmas[0].item() == pytest.approx(500)
    assert sigmas[-2].item() == pytest.approx(0.3)
    assert sigmas[-1].item() == 0
    steps = sigmas[:-1].double().log().diff()
    assert float((steps - steps.mean()).abs().max()) < 1e-4


def test_without_new_noise_the_path_is_the_exact_one() -> None:
    noise = drawn(1, 50)
    errors = []
    for steps in (10, 20, 40):
        sigmas = dpmpp.noise_levels(steps).double()[
            :-1
        ]  # up to the lowest level, where the path is still known
        reached = dpmpp.solve(seen, noise, sigmas, lambda step: torch.empty(0), eta=0.0)
        share = math.sqrt((SPREAD**2 + 0.3**2) / (SPREAD**2 + 500.0**2))
        errors.append(float((reached - noise * sigmas[0] * share).abs().max()))
    assert errors[1] < errors[0] / 3
    assert errors[2] < errors[1] / 3  # of higher order than Euler's, which would halve it


def test_with_new_noise_the_data_has_its_spread() -> None:
    sigmas = dpmpp.noise_levels(100).double()[:-1]
    reached = dpmpp.solve(seen, drawn(1), sigmas, lambda step: drawn(step + 2))
    assert float(reached.std()) == pytest.approx(math.sqrt(SPREAD**2 + 0.3**2), rel=0.03)


def test_each_step_but_the_last_draws_once() -> None:
    asked: list[int] = []

    def step_noise(step: int) -> Tensor:
        asked.append(step)
        return torch.zeros(1, 4, 1)

    dpmpp.solve(seen, torch.ones(1, 4, 1), dpmpp.noise_levels(7), step_noise)
    assert asked == list(range(6))
    asked.clear()
    straight.ping_pong(lambda x, time: x, torch.ones(1, 4, 1), straight.times(8), step_noise)
    assert asked == list(range(7))


def test_a_model_of_v_says_the_data() -> None:
    """v = alpha noise - sigma data on the cosine path: from latents and v the data follows."""
    data, noise = drawn(1, 30), drawn(2, 30)
    for sigma in (0.3, 2.0, 80.0):
        level = torch.tensor(sigma, dtype=torch.float64)

        def velocity(x: Tensor, time: Tensor) -> Tensor:
            alpha, beta = torch.cos(time * math.pi / 2), torch.sin(time * math.pi / 2)
            torch.testing.assert_close(x, alpha * data + beta * noise)
            return alpha * noise - beta * data

        found = dpmpp.denoised_by_v(velocity, data + sigma * noise, level)
        torch.testing.assert_close(found, data, atol=1e-9 * sigma, rtol=0)


def test_times_of_the_straight_path_begin_and_end_exactly() -> None:
    grid = straight.times(8)
    assert (grid[0].item(), grid[-1].item()) == (1.0, 0.0)
    assert bool((grid.diff() < 0).all())
    assert grid[4].item() == pytest.approx(1 / (1 + math.exp(-2)))  # log of signal to noise is -2 midway


def test_euler_of_the_straight_path_is_exact_for_one_point() -> None:
    data, noise = drawn(1, 30).float(), drawn(2, 30).float()
    reached = straight.euler(lambda x, time: data, noise, straight.times(50))
    torch.testing.assert_close(reached, data)


def test_the_spread_by_ping_pong_is_that_of_the_data() -> None:
    def best(x: Tensor, time: Tensor) -> Tensor:
        """A distilled model gives a draw rather than the mean; a Gaussian one can do so by scaling."""
        return x * SPREAD / torch.sqrt((1 - time) ** 2 * SPREAD**2 + time**2)

    reached = straight.ping_pong(best, drawn(1), straight.times(8).double(), lambda step: drawn(step + 2))
    assert float(reached.std()) == pytest.approx(SPREAD, rel=0.03)


@given(st.floats(0, 500), st.floats(0.1, 47), st.floats(0, 500))
def test_a_window_is_told_its_place_in_whole_seconds(start_s: float, window_s: float, more_s: float) -> None:
    total_s = start_s + window_s + more_s
    told = told_seconds(start_s, window_s, total_s)
    assert told == {"seconds_start": math.floor(start_s), "seconds_total": math.ceil(total_s)}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((30.0, 10.2, None), (0, 11)),  # as a piece of its own
        ((30.0, 10.2, 20.0), (0, 20)),  # of a length that it does not lie in
        ((-1.0, 10.2, 60.0), (0, 60)),  # with a pick-up
        ((0.0, 10.0, 10.0), (0, 10)),
    ],
)
def test_a_window_that_lies_nowhere_begins_at_zero(
    asked: tuple[float, float, float | None], told: tuple[int, int]
) -> None:
    assert tuple(told_seconds(*asked).values()) == told
