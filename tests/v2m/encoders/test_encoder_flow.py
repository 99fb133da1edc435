"""Movement without weights: steps of a dance stand out, the camera and the rate do not."""

from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest

from v2m.curves import event_curve
from v2m.encoders.flow import FlowEncoder
from v2m.encoders.motion import FEATURE_COUNT, GRID, STILLNESS, motion_rows
from v2m.encoders.optical_flow import optical_flow
from v2m.errors import CancelledError, InputError

STEPS_S = (0.9, 2.3, 3.1, 4.4)
DURATION_S = 5.5


def curve_of(moving: ModuleType, rate: int = 25, kernel_s: float = 0.3, **scene: float) -> np.ndarray:
    encoder = FlowEncoder()
    moving.show(encoder, moving.dancer(STEPS_S, **scene), DURATION_S, rate)
    return event_curve(encoder.features(), DURATION_S, rate_hz=25.0, kernel_s=kernel_s).values


def test_each_step_of_a_dance_stands_out(moving: ModuleType) -> None:
    curve = curve_of(moving)
    times_s = np.arange(len(curve)) / 25
    near = np.min([np.abs(times_s - step) for step in STEPS_S], axis=0)
    assert all(curve[np.abs(times_s - step) < 0.13].max() > 1.5 for step in STEPS_S)
    assert curve[(near > 0.4) & (times_s > 0.4)].max() < 0.5


@pytest.mark.slow
def test_the_camera_is_not_the_dance(moving: ModuleType) -> None:
    still, panned = curve_of(moving), curve_of(moving, pan=0.25)
    assert np.corrcoef(still, panned)[0, 1] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("rates", list(pairwise((24, 30, 60))))
def test_the_curve_does_not_depend_on_the_rate(moving: ModuleType, rates: tuple[int, int]) -> None:
    first, second = (curve_of(moving, rate, kernel_s=0.7) for rate in rates)
    assert np.corrcoef(first, second)[0, 1] >= 0.95


def test_flow_finds_a_known_shift_and_nothing_on_a_wall(moving: ModuleType) -> None:
    clouds = moving.texture(5, 3)
    earlier = clouds[None, 20:92, 20:148].astype(np.float32)
    for x, y in ((1, 0), (0, -2), (5, 3), (-8, 4)):
        later = clouds[None, 20 - y : 92 - y, 20 - x : 148 - x].astype(np.float32)
        flow, texture = optical_flow(earlier, later)
        inside = flow[0, 12:-12, 12:-12]
        np.testing.assert_allclose(np.median(inside, axis=(0, 1)), [x, y], atol=0.15)
        assert texture.min() >= 0
    wall = np.full((1, 72, 128), 90, np.float32)
    flow, texture = optical_flow(wall, wall + 3)  # a change of light is no movement
    assert np.abs(flow).max() < 0.01
    assert texture.max() == 0


def test_rows_turn_with_the_size_of_a_change_and_the_median_is_the_camera() -> None:
    rng = np.random.default_rng(0)
    positions = rng.random((1, 200, 2))
    velocities, weights = np.full((1, 200, 2), 0.7), np.ones((1, 200))
    panned = motion_rows(velocities, positions, weights)
    np.testing.assert_allclose(panned, np.eye(1, FEATURE_COUNT) * STILLNESS, atol=1e-6)
    velocities[:, positions[0, :, 0] < 0.3] += (0.5, 0)
    moved = motion_rows(velocities, positions, weights)[0, 1:].reshape(*GRID, 2)
    assert moved[:, 0, 0].min() > 0.25  # 0.5 where as many points lie as in any cell
    assert np.abs(moved[:, 3:]).max() < 1e-6


def test_points_that_are_not_seen_do_not_count() -> None:
    velocities = np.array([[[0.0, 0], [0, 0], [9, 9]]])
    positions = np.array([[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]])
    seen = motion_rows(velocities, positions, np.array([[1.0, 1, 0]]))
    np.testing.assert_allclose(seen, np.eye(1, FEATURE_COUNT) * STILLNESS, atol=1e-6)
    nothing = motion_rows(velocities, positions, np.zeros((1, 3)))
    np.testing.assert_allclose(nothing, np.eye(1, FEATURE_COUNT) * STILLNESS, atol=1e-6)


def test_a_cut_is_no_movement_and_shots_that_come_mixed_or_backwards_are_told_apart(
    moving: ModuleType,
) -> None:
    scenes = [moving.dancer(STEPS_S), moving.dancer(STEPS_S, cut_s=0.0)]
    times_s = np.arange(30) / 25
    alone = FlowEncoder()
    for shot, scene in enumerate(scenes):
        pictures = np.stack([scene(t, 128, 72) for t in times_s.tolist()])
        alone.push(times_s + 2 * shot, pictures, np.full(30, shot))
    mixed = FlowEncoder()
    for time_s in times_s.tolist():
        pair = np.stack([scene(time_s, 128, 72) for scene in scenes])
        mixed.push(np.array([time_s, time_s + 2]), pair, np.array([0, 1]))
    np.testing.assert_allclose(mixed.features().values, alone.features().values, atol=1e-5)
    np.testing.assert_allclose(mixed.features().times_s, alone.features().times_s)
    forwards = alone.features().values[:29]
    backwards = FlowEncoder()
    pictures = np.stack([scenes[0](t, 128, 72) for t in times_s.tolist()])
    backwards.push(times_s[::-1], pictures, np.zeros(30, int))
    reversed_rows = backwards.features().values[::-1]
    np.testing.assert_allclose(reversed_rows[:, 1:], -forwards[:, 1:], atol=1e-5)


def test_a_gap_in_a_shot_is_no_movement(moving: ModuleType) -> None:
    scene = moving.dancer(())
    encoder = FlowEncoder()
    times_s = np.array([0.0, 0.04, 0.08, 3.0, 3.04, 3.08, 6.0])
    encoder.push(times_s, np.stack([scene(t % 1, 128, 72) for t in times_s.tolist()]), np.zeros(7, int))
    features = encoder.features()
    np.testing.assert_allclose(features.times_s, [0, 0.04, 3.0, 3.04, 6.0])
    np.testing.assert_allclose(features.values[2], features.values[0], atol=0.05)
    np.testing.assert_allclose(features.values[4], np.eye(1, FEATURE_COUNT)[0] * STILLNESS)


def test_no_picture_and_one_picture_are_no_movement() -> None:
    assert FlowEncoder().features().values.shape == (0, FEATURE_COUNT)
    one = FlowEncoder()
    one.push(np.zeros(1), np.zeros((1, 72, 128, 3), np.uint8))
    np.testing.assert_allclose(one.features().values, np.eye(1, FEATURE_COUNT) * STILLNESS)


def test_what_is_no_picture_is_refused_and_a_cancel_is_heard() -> None:
    with pytest.raises(InputError, match="expected \\(n, height, width, 3\\) uint8"):
        FlowEncoder().push(np.zeros(1), np.zeros((1, 72, 128), np.uint8))
    with pytest.raises(InputError, match="2 times are given for 1 pictures"):
        FlowEncoder().push(np.zeros(2), np.zeros((1, 72, 128, 3), np.uint8))

    def stop() -> None:
        raise CancelledError("stop")

    with pytest.raises(CancelledError):
        FlowEncoder(cancel=stop).push(np.arange(4) / 25, np.zeros((4, 72, 128, 3), np.uint8))
