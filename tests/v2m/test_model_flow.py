"""The path between noise and data, and what the loss counts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from v2m.model.flow import data_at_end, flow_loss, interpolate, time_grid, training_times, velocity


def _pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 5, 3, generator=generator), torch.randn(2, 5, 3, generator=generator)


def test_the_path_runs_straight_from_noise_to_data() -> None:
    noise, data = _pair()
    assert torch.equal(interpolate(noise, data, torch.tensor([0.0, 0.0])), noise)
    assert torch.equal(interpolate(noise, data, torch.tensor([1.0, 1.0])), data)
    time = torch.tensor([0.2, 0.7])
    x = interpolate(noise, data, time)
    torch.testing.assert_close(x + (1 - time)[:, None, None] * velocity(noise, data), data)
    torch.testing.assert_close(data_at_end(x, velocity(noise, data), time), data)
    step = 1e-3
    slope = (interpolate(noise, data, time + step) - x) / step
    torch.testing.assert_close(slope, velocity(noise, data), atol=1e-3, rtol=1e-3)


def test_the_loss_is_zero_for_the_true_velocity_and_blind_to_known_cells() -> None:
    noise, data = _pair()
    known = torch.zeros_like(data)
    known[:, :2] = 1
    truth = velocity(noise, data)
    assert flow_loss(truth, noise, data, known) == 0
    wild = truth.clone()
    wild[:, :2] = 1e6
    assert flow_loss(wild, noise, data, known) == 0
    torch.testing.assert_close(flow_loss(truth + 0.5, noise, data, known), torch.tensor(0.25))
    assert flow_loss(truth + 1, noise, data, torch.ones_like(data)) == 0


@given(st.integers(1, 64), st.floats(0.05, 20))
def test_time_grids_rise_from_noise_to_data(steps: int, shift: float) -> None:
    grid = time_grid(steps, shift)
    assert len(grid) == steps + 1
    assert grid[0] == 0
    assert grid[-1] == 1
    assert bool((grid.diff() > 0).all())
    middle = time_grid(2, shift)[1]
    assert float(middle) == pytest.approx(1 / (1 + shift))


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_training_times_cover_the_path(spread: float) -> None:
    times = training_times(400, torch.Generator().manual_seed(1), spread)
    assert 0 < float(times.min()) < 0.1
    assert 0.9 < float(times.max()) < 1
    assert float(times.median()) == pytest.approx(0.5, abs=0.02)
    inside = float(((times > 0.25) & (times < 0.75)).float().mean())
    # Logit-normal: P(|logit| < ln 3) = 0.728; even: one half.
    assert inside == pytest.approx(0.728 if spread else 0.5, abs=0.01)
