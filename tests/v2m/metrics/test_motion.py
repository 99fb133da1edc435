"""Motion beats: found where a drawn dancer arrives, from the joints and from the picture alone."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from v2m.errors import InputError
from v2m.metrics.events import matched
from v2m.metrics.motion import (
    Motion,
    PictureMotion,
    motion_beats,
    motion_of_pictures,
    motion_of_poses,
    tempo_of_arrivals,
)
from v2m.metrics.optical_flow import grey, optical_flow

RATE_HZ = 30.0


def swing(times_s: NDArray[np.float64], beats_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """A place that travels to the other side from each beat to the next, and stands still on beats."""
    after = np.clip(np.searchsorted(beats_s, times_s, side="right"), 1, len(beats_s) - 1)
    share = np.clip((times_s - beats_s[after - 1]) / (beats_s[after] - beats_s[after - 1]), 0, 1)
    eased = share**3 * (10 - 15 * share + 6 * share**2)
    return np.where(after % 2 == 0, eased, 1 - eased)


def texture(seed: int, shape: tuple[int, int]) -> NDArray[np.float64]:
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(0, 1, shape), 2) * 240


def scene(times_s: NDArray[np.float64], place: NDArray[np.float64], pan: float) -> NDArray[np.uint8]:
    """A textured block that swings before a textured wall, seen by a camera that pans."""
    wall, block = texture(0, (54, 200)), texture(1, (26, 14)) + 60
    pictures = []
    for time_s, at in zip(times_s, place, strict=True):
        offset = 40 + pan * 20 * np.sin(time_s)
        picture = ndimage.shift(wall, (0, -offset), order=1, mode="nearest")[:, :96] + 110
        canvas = np.zeros((54, 96))
        canvas[14:40, 20:34] = block + 500
        moved = ndimage.shift(canvas, (0, 40 * at - (offset - 40)), order=1)
        picture = np.where(moved > 250, moved - 500 + 110, picture)
        pictures.append(np.repeat(np.clip(picture, 0, 255)[..., None], 3, axis=2).astype(np.uint8))
    return np.stack(pictures)


@pytest.mark.slow
@pytest.mark.parametrize("pan", [0.0, 1.0])
def test_arrivals_are_found_in_the_picture_whatever_the_camera_does(pan: float) -> None:
    times_s = np.arange(0, 7, 1 / RATE_HZ)
    beats_s = np.arange(0.37, 6.9, 0.55)
    pictures = scene(times_s, swing(times_s, beats_s), pan)
    found = motion_beats(motion_of_pictures([(times_s[:90], pictures[:90]), (times_s[90:], pictures[90:])]))
    inner = beats_s[1:-1]
    assert matched(inner, found.times_s, 1 / RATE_HZ) >= 0.9 * len(inner)
    assert len(found.times_s) <= len(beats_s) + 2
    assert found.tempo_bpm == pytest.approx(60 / 0.55, rel=0.02)


@pytest.mark.parametrize("rate_hz", [24, 30, 60])
def test_arrivals_of_joints_are_found_at_any_rate(rate_hz: int) -> None:
    times_s, beats_s = np.arange(0, 8, 1 / rate_hz), np.arange(0.2, 7.9, 0.48)
    place = swing(times_s, beats_s)
    poses = np.stack([np.stack([place, 0 * place], axis=1), np.stack([0 * place, 2 * place], axis=1)], axis=1)
    found = motion_beats(motion_of_poses(times_s, poses))
    inner = beats_s[1:-1]
    assert matched(inner, found.times_s, 0.02) == len(inner)
    assert found.tempo_bpm == pytest.approx(125, rel=0.01)


def test_a_joint_that_is_not_seen_is_left_out() -> None:
    times_s = np.arange(6) / 10
    poses = np.zeros((6, 2, 2))
    poses[:, 0, 0] = times_s  # 1 unit a second
    poses[:, 1] = np.nan
    assert motion_of_poses(times_s, poses).speed == pytest.approx(np.ones(5))


def test_stillness_has_no_beats() -> None:
    still = np.full((40, 54, 96, 3), 90, np.uint8)
    assert len(motion_beats(motion_of_pictures([(np.arange(40) / 30, still)])).times_s) == 0
    assert motion_beats(Motion(np.zeros(0), np.zeros(0))).tempo_bpm is None
    looking = PictureMotion()
    looking.push(np.zeros(0), np.zeros((0, 54, 96, 3), np.uint8))
    assert len(looking.motion().times_s) == 0


def test_flow_equals_a_known_shift() -> None:
    first = ndimage.gaussian_filter(texture(3, (54, 96)), 2) * 2 + 120
    for dx, dy in ((0.4, 0.0), (2.5, -1.5), (-6.0, 3.0)):
        second = ndimage.shift(first, (dy, dx), order=3, mode="nearest")
        pair = np.stack([first, second])[..., None].repeat(3, axis=3)
        seen = grey(np.clip(pair, 0, 255).astype(np.uint8))
        inner = optical_flow(seen[:1], seen[1:])[0, 12:-12, 16:-16]
        assert np.median(inner[..., 0]) == pytest.approx(dx, abs=0.15)
        assert np.median(inner[..., 1]) == pytest.approx(dy, abs=0.15)


def test_the_tempo_of_arrivals_bears_gaps_and_refuses_to_guess() -> None:
    beats_s = np.delete(np.arange(0, 12, 0.5), [3, 4, 11])
    assert tempo_of_arrivals(beats_s) == pytest.approx(120, rel=0.01)
    assert tempo_of_arrivals(beats_s[:3]) is None


def test_poses_without_rising_times_are_refused() -> None:
    with pytest.raises(InputError):
        motion_of_poses([0.0, 0.0, 1.0], np.zeros((3, 2, 2)))
