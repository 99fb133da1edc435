"""AVSiam: the published layout, for both senses."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.encoders.avsiam.ear import AVSiamEar
from v2m.encoders.avsiam.eye import AVSiamEye
from v2m.encoders.avsiam.network import AVSiam
from v2m.encoders.avsiam.spectrogram import spectrogram
from v2m.errors import CheckpointError
from v2m.licences import licence_notes

WEIGHTS = "as2m_pretrained.20.safetensors"


@pytest.fixture
def folder(checkpoints: Path) -> Path:
    return checkpoints / "avsiam"


def test_the_spectrogram_is_kaldi_s(tiny: ModuleType, golden: Mapping[str, torch.Tensor]) -> None:
    bands = spectrogram(tiny.random_sound(16_000 * 9)[:8000])
    assert bands.shape == (1024, 128)
    torch.testing.assert_close(bands[:48], golden["avsiam_spectrogram"], atol=1e-4, rtol=0)
    assert bands[48:].unique().numel() == 1  # zeros before they are normalised


def test_both_senses_give_what_the_official_code_gives(
    folder: Path, tiny: ModuleType, golden: Mapping[str, torch.Tensor]
) -> None:
    network = AVSiam.of(load_file(folder / WEIGHTS)).eval()
    with torch.inference_mode():
        seen = network(tiny.random_planes(6, 224, 224)[5:], "v").mean(1)
        heard = network(spectrogram(tiny.random_sound(16_000 * 9))[None], "a")[0]
    torch.testing.assert_close(seen, golden["avsiam_seen"], atol=1e-5, rtol=0)
    torch.testing.assert_close(heard.reshape(8, 64, -1).mean(0), golden["avsiam_heard"], atol=1e-5, rtol=0)


def test_the_ear_s_rows_are_those_of_the_network_160_ms_apart(
    folder: Path, tiny: ModuleType, golden: Mapping[str, torch.Tensor]
) -> None:
    features = AVSiamEar(folder, device="cpu")(tiny.random_sound(16_000 * 9).numpy(), 16_000)
    assert features.encoder == "avsiam"
    np.testing.assert_allclose(features.times_s, np.arange(57) * 0.16)
    np.testing.assert_allclose(features.values, golden["avsiam_heard"][:57].numpy(), atol=1e-5)


def test_a_piece_longer_than_its_span_is_heard_to_the_end(folder: Path) -> None:
    rng = np.random.default_rng(0)
    sound = (rng.normal(size=(44_100 * 23, 2)) * 0.1).astype(np.float32)
    features = AVSiamEar(folder, device="cpu")(sound, 44_100)
    assert len(features.values) == pytest.approx(23 / 0.16, abs=1)
    assert np.isfinite(features.values).all()


def test_the_eye_looks_at_whole_frames_in_its_square(folder: Path, tiny: ModuleType) -> None:
    eye = AVSiamEye(folder, device="cpu", dtype=torch.float32)
    assert eye.size(16 / 9) == eye.size(1.0) == (224, 224)
    pictures = tiny.random_pictures(3, 224, 224)
    eye.push(np.array([0.2, 0.0, 0.1]), pictures)
    features = eye.features()
    np.testing.assert_allclose(features.times_s, [0, 0.1, 0.2])
    again = AVSiamEye(folder, device="cpu", dtype=torch.float32)
    again.push(np.array([0.0, 0.1, 0.2]), pictures[[1, 2, 0]])
    np.testing.assert_array_equal(again.features().values, features.values)


@pytest.mark.parametrize(
    "key", ["vit_base.pos_embed_a", "vit_base.blocks.1.norm1_a.weight", "vit_base.norm_a.bias"]
)
def test_what_is_not_it_is_refused(folder: Path, tmp_path: Path, key: str) -> None:
    tensors = load_file(folder / WEIGHTS)
    del tensors[f"module.{key}"]
    save_file(tensors, tmp_path / WEIGHTS)
    with pytest.raises(CheckpointError, match=key.rpartition("vit_base.")[2]):
        AVSiamEar(tmp_path, device="cpu")(np.zeros(16_000, np.float32), 16_000)


def test_a_take_says_that_its_licence_is_unclear() -> None:
    (note,) = licence_notes(["avsiam"])
    assert "ask its authors" in note
