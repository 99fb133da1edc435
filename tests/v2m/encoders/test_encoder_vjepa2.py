"""V-JEPA 2: clips of 64 pictures, a row for two, no events at seams."""

import json
import shutil
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from v2m.curves import event_curve, novelty
from v2m.encoders.protocol import PictureEncoder
from v2m.encoders.vjepa2 import CLIP_LENGTH, VJepa2Encoder
from v2m.errors import CheckpointError


@pytest.fixture
def folder(checkpoints: Path) -> Path:
    return checkpoints / "vjepa2"


def encoder_of(folder: Path) -> VJepa2Encoder:
    return VJepa2Encoder(folder, device="cpu", dtype=torch.float32)


@pytest.mark.parametrize("count", [64, 22])
def test_rows_are_those_of_the_official_code(
    folder: Path, tiny: ModuleType, golden: Mapping[str, torch.Tensor], count: int
) -> None:
    encoder: PictureEncoder = encoder_of(folder)
    assert encoder.size(16 / 9) == (32, 32)
    encoder.push(np.arange(count) / 24, tiny.random_pictures(count, 32, 32))
    features = encoder.features()
    np.testing.assert_allclose(features.values, golden[f"vjepa2_{count}"].numpy(), atol=1e-6)
    # half as many rows as pictures, each dated when the first of its two begins
    np.testing.assert_allclose(features.times_s, np.arange(0, count, 2) / 24)


def test_seams_between_clips_are_no_events(folder: Path, tiny: ModuleType) -> None:
    still, other = tiny.random_pictures(2, 32, 32)
    encoder = encoder_of(folder)
    count = 4 * CLIP_LENGTH
    encoder.push(
        np.arange(count) / 24, np.broadcast_to(still, (count, 32, 32, 3)).copy(), np.zeros(count, int)
    )
    encoder.push(
        (count + np.arange(20)) / 24, np.broadcast_to(other, (20, 32, 32, 3)).copy(), np.ones(20, int)
    )
    _, change = novelty(encoder.features())
    cut = change[count // 2]
    assert change.argmax() == count // 2
    assert np.delete(change, count // 2).max() < 0.02 * cut


@pytest.mark.slow
@pytest.mark.parametrize("rates", list(pairwise((24, 30, 60))))
def test_the_curve_does_not_depend_on_the_rate(
    folder: Path, moving: ModuleType, rates: tuple[int, int]
) -> None:
    curves = []
    for rate in rates:
        encoder = encoder_of(folder)
        scene = moving.dancer((0.8, 1.9), pan=0.05, cut_s=2.6)
        moving.show(encoder, scene, 3.6, rate, cuts=(2.6,))
        curves.append(event_curve(encoder.features(), 3.6, rate_hz=25.0).values)
    assert np.corrcoef(*curves)[0, 1] >= 0.95


def test_the_predictor_is_not_run(folder: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import VJEPA2Model

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the whole model was called")

    monkeypatch.setattr(VJEPA2Model, "forward", never)
    encoder = encoder_of(folder)
    encoder.push(np.arange(4) / 24, tiny.random_pictures(4, 32, 32))
    assert encoder.features().values.shape == (2, 48)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"model_type": "videomae"}, "expected vjepa2"), ({"crop_size": 0}, "crop_size is 0")],
)
def test_another_configuration_is_refused(
    folder: Path, tmp_path: Path, change: dict[str, object], told: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(CheckpointError, match=told):
        encoder_of(copy).size(1.0)
