"""CoTracker: tracks as the official code's, velocities against the camera, non-commercial and said so."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.encoders.cotracker import eye
from v2m.encoders.cotracker.eye import CoTrackerEye
from v2m.encoders.cotracker.tracker import CoTracker, Tracks
from v2m.encoders.motion import FEATURE_COUNT, GRID, STILLNESS
from v2m.errors import CheckpointError
from v2m.licences import LICENCES, licence_notes

WEIGHTS = "scaled_offline.safetensors"


def test_tracks_are_those_of_the_official_code(
    checkpoints: Path, tiny: ModuleType, golden: Mapping[str, torch.Tensor]
) -> None:
    network = CoTracker.of(load_file(checkpoints / "cotracker" / WEIGHTS)).eval()
    with torch.inference_mode():
        tracks = network(tiny.random_clip(7, 96, 64), tiny.random_points(9, 7, 96, 64))
    torch.testing.assert_close(tracks.places, golden["cotracker_places"], atol=5e-5, rtol=0)
    sure = torch.stack([tracks.visibility, tracks.confidence])
    torch.testing.assert_close(sure, golden["cotracker_sure"], atol=1e-6, rtol=0)


def test_a_checkpoint_of_the_training_and_one_with_times_are_read_alike(checkpoints: Path) -> None:
    tensors = load_file(checkpoints / "cotracker" / WEIGHTS)
    wrapped = {f"model.{name}": value for name, value in tensors.items()} | {
        "model.time_emb": torch.ones(1, 60, 150)
    }
    plain, other = CoTracker.of(tensors), CoTracker.of(wrapped)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name])


@pytest.mark.parametrize(
    "key", ["fnet.conv3.weight", "corr_mlp.fc1.weight", "updateformer.vis_conf_head.weight"]
)
def test_what_is_no_cotracker_is_refused(checkpoints: Path, tmp_path: Path, key: str) -> None:
    tensors = load_file(checkpoints / "cotracker" / WEIGHTS)
    del tensors[key]
    save_file(tensors, tmp_path / WEIGHTS)
    encoder = CoTrackerEye(tmp_path, device="cpu")
    with pytest.raises(CheckpointError, match=f"no CoTracker 3: .*{key}"):
        encoder.push(np.arange(60) / 25, np.zeros((60, 32, 32, 3), np.uint8))


class Following:
    """A tracker that knows: the left half of the frame moves right by 4 pixels a picture, all pans by 2."""

    def __call__(self, clip: torch.Tensor, points: torch.Tensor) -> Tracks:
        left = points[:, 1] < 200
        step = torch.stack([2 + 4.0 * left, torch.zeros(len(points))], dim=1)
        places = points[None, :, 1:] + torch.arange(len(clip))[:, None, None] * step
        visibility = torch.ones(places.shape[:2])
        lost = points[:, 2] > 287  # the lowest points get lost, and seem to fly
        places[:, lost] += 1000 * torch.arange(len(clip))[:, None, None]
        visibility[1:, lost] = 0.85
        return Tracks(places, visibility, visibility)


def test_velocities_of_the_points_that_are_seen_are_taken_against_the_camera(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = CoTrackerEye(checkpoints / "cotracker", device="cpu")
    monkeypatch.setattr(CoTrackerEye, "_network", Following())
    width, height = encoder.size(2.0)
    assert (width, height) == (512, 384)
    encoder.push(np.arange(10) / 25, np.zeros((10, height, width, 3), np.uint8))
    rows = encoder.features().values
    assert rows.shape == (10, FEATURE_COUNT)
    np.testing.assert_allclose(rows[:, 0], STILLNESS)
    cells = rows[:, 1:].reshape(10, *GRID, 2)
    # 4 of 512 pixels in 1/25 s, where the frame is twice as wide as high
    np.testing.assert_allclose(cells[1, :3, 0, 0].max(), 4 / 512 * 2.0 * 25, rtol=1e-4)
    np.testing.assert_allclose(cells[:, :3, 4:], 0, atol=1e-5)
    np.testing.assert_allclose(cells[:, 3], 0, atol=1e-5)


@pytest.mark.slow
def test_points_are_seeded_again_for_each_shot_and_within_a_long_one(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    class Counting(Following):
        def __call__(self, clip: torch.Tensor, points: torch.Tensor) -> Tracks:
            seen.append(len(clip))
            assert points.shape == (eye.GRID**2, 3)
            assert (points[:, 0] == 0).all()
            return super().__call__(clip, points)

    monkeypatch.setattr(CoTrackerEye, "_network", Counting())
    encoder = CoTrackerEye(checkpoints / "cotracker", device="cpu")
    pictures = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((1, 384, 512, 3), np.uint8)
    encoder.push(np.arange(100) / 25, pictures, np.repeat([0, 1], [90, 10]))
    assert len(encoder.features().values) == 100
    assert seen == [60, 60, 10]


def test_one_picture_moves_nothing(checkpoints: Path) -> None:
    encoder = CoTrackerEye(checkpoints / "cotracker", device="cpu")
    encoder.push(np.zeros(1), np.zeros((1, 384, 512, 3), np.uint8))
    np.testing.assert_allclose(encoder.features().values, np.eye(1, FEATURE_COUNT) * STILLNESS)


def test_its_licence_forbids_to_earn_money_and_a_take_says_so() -> None:
    assert not LICENCES["cotracker"].commercial
    (note,) = licence_notes(["cotracker"])
    assert "not for commercial use" in note
