"""DINOv2: the mean of the patches of whole frames, computed once, refused where the files are not it."""

import json
import shutil
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.curves import event_curve
from v2m.encoders import dinov2, vision
from v2m.encoders.dinov2 import Dinov2Encoder
from v2m.encoders.protocol import PictureEncoder
from v2m.errors import CancelledError, CheckpointError, InputError, OutOfMemoryError


def encoder_of(folder: Path, **options: object) -> Dinov2Encoder:
    settings = {"name": "dinov2-small", "device": "cpu", "dtype": torch.float32, **options}
    return Dinov2Encoder(folder, **settings)  # type: ignore[arg-type]


@pytest.fixture
def folder(checkpoints: Path) -> Path:
    return checkpoints / "dinov2-small"


@pytest.mark.parametrize("size", [(70, 70), (294, 168)])
def test_rows_are_those_of_the_official_code(
    folder: Path, tiny: ModuleType, golden: Mapping[str, torch.Tensor], size: tuple[int, int]
) -> None:
    encoder: PictureEncoder = encoder_of(folder)
    encoder.push(np.arange(3.0), tiny.random_pictures(3, *size))
    np.testing.assert_allclose(encoder.features().values, golden[f"dinov2_{size[0]}"].numpy(), atol=1e-6)
    assert encoder.features().encoder == "dinov2-small"


def test_rows_are_the_mean_of_the_patches_and_not_the_token_of_the_class(
    folder: Path, tiny: ModuleType
) -> None:
    from transformers import Dinov2Model

    pictures = tiny.random_pictures(2, 70, 70)
    encoder = encoder_of(folder)
    encoder.push(np.arange(2.0), pictures)
    model = Dinov2Model.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        seen = model(vision.normalised(pictures, torch.device("cpu"), torch.float32))
    got = torch.from_numpy(encoder.features().values)
    torch.testing.assert_close(got, seen.last_hidden_state[:, 1:].mean(1), atol=1e-6, rtol=0)
    assert (got - seen.pooler_output).abs().max() > 0.1


@pytest.mark.parametrize("aspect", [16 / 9, 4 / 3, 1.0, 9 / 16, 2.39])
def test_the_whole_frame_is_looked_at_in_about_as_many_patches_as_in_training(
    folder: Path, aspect: float
) -> None:
    width, height = encoder_of(folder).size(aspect)
    assert width % 14 == height % 14 == 0
    assert width / height == pytest.approx(aspect, rel=0.07)
    assert width * height / 14**2 == pytest.approx(256, rel=0.12)


def test_the_edges_count_by_default_and_not_in_the_crop(folder: Path, tiny: ModuleType) -> None:
    def row(crop: bool, edge: int) -> np.ndarray:
        encoder = encoder_of(folder, crop=crop)
        width, height = encoder.size(16 / 9)
        picture = tiny.random_pictures(1, width, height)
        picture[:, :, : width // 5] = edge  # a fifth of the width, which the crop leaves out
        encoder.push(np.zeros(1), picture)
        return encoder.features().values[0]

    assert np.abs(row(False, 0) - row(False, 255)).max() > 0.01
    np.testing.assert_array_equal(row(True, 0), row(True, 255))
    assert encoder_of(folder, crop=True).name == "dinov2-small:crop"


@pytest.mark.slow
@pytest.mark.parametrize("rates", list(pairwise((24, 30, 60))))
def test_the_curve_does_not_depend_on_the_rate(
    folder: Path, moving: ModuleType, monkeypatch: pytest.MonkeyPatch, rates: tuple[int, int]
) -> None:
    monkeypatch.setattr(dinov2, "PATCH_COUNT", 40)  # small pictures serve, and take less time
    curves = []
    for rate in rates:
        encoder = encoder_of(folder)
        moving.show(encoder, moving.dancer((0.8, 1.9), pan=0.05, cut_s=2.6), 3.6, rate)
        curves.append(event_curve(encoder.features(), 3.6, rate_hz=25.0).values)
    assert np.corrcoef(*curves)[0, 1] >= 0.95


def test_what_was_seen_before_is_not_computed_again(
    folder: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    pooled = Dinov2Encoder._pooled

    def counted(self: Dinov2Encoder, pictures: np.ndarray) -> np.ndarray:
        counts.append(len(pictures))
        return pooled(self, pictures)

    monkeypatch.setattr(Dinov2Encoder, "_pooled", counted)
    monkeypatch.setitem(dinov2._BATCH, "cpu", 1)
    pictures = tiny.random_pictures(6, 70, 70)
    first = encoder_of(folder)
    first.push(np.arange(8.0), pictures[[0, 1, 0, 2, 3, 3, 4, 1]])  # a still comes many times
    rows = first.features().values
    assert sum(counts) == 5
    again = encoder_of(folder)
    again.push(np.arange(7.0, -1, -1), pictures[[0, 1, 0, 2, 3, 3, 4, 1]])
    again.push(np.array([9.0]), pictures[5:])
    np.testing.assert_array_equal(again.features().values[:8], rows[::-1])
    assert sum(counts) == 6
    cropped = encoder_of(folder, dtype=torch.bfloat16)
    cropped.push(np.zeros(1), pictures[:1])
    assert sum(counts) == 7  # in other numbers it is another row


def test_a_row_does_not_depend_on_what_else_was_looked_at(
    folder: Path, tiny: ModuleType, tmp_path: Path
) -> None:
    pictures = tiny.random_pictures(7, 112, 70)
    for dtype in (torch.float32, torch.bfloat16):
        rows = []
        for number, parts in enumerate(([slice(7)], [slice(1), slice(1, 3), slice(3, 7)])):
            encoder = encoder_of(folder, dtype=dtype, cache=tmp_path / f"{dtype} {number}")
            for part in parts:
                encoder.push(np.arange(7.0)[part], pictures[part])
            rows.append(encoder.features().values)
        np.testing.assert_array_equal(*rows)


def test_a_cancel_is_heard_between_batches_and_what_was_done_is_kept(folder: Path, tiny: ModuleType) -> None:
    asked = 0

    def stop_at_second() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise CancelledError("stop")

    pictures = tiny.random_pictures(12, 70, 70)
    with pytest.raises(CancelledError):
        encoder_of(folder, cancel=stop_at_second).push(np.arange(12.0), pictures)
    assert asked == 2
    kept = encoder_of(folder)._gatherer._store
    assert 0 < sum(kept.get(dinov2_key) is not None for dinov2_key in map(key_of, pictures)) < 12


def key_of(picture: np.ndarray) -> bytes:
    from v2m.encoders.store import key_of as key

    return key(picture)


def test_the_hash_tells_the_weights_and_their_configuration(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert encoder_of(copy).weights_sha256 == encoder_of(folder).weights_sha256
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 0.1}))
    assert encoder_of(copy).weights_sha256 != encoder_of(folder).weights_sha256


def changed(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


BREAKS: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "damaged or cut short"),
    "pickle": (lambda path: path.write_bytes(b"PK\x03\x04 a zip of torch.save"), "pickle"),
    "not a number": (
        lambda path: changed(path, lambda t: t["layernorm.weight"].fill_(float("nan"))),
        "not finite",
    ),
    "key missing": (lambda path: changed(path, lambda t: t.pop("layernorm.bias")), "1 missing"),
    "key unknown": (lambda path: changed(path, lambda t: t.update(more=torch.ones(2))), "1 unexpected"),
    "other shape": (
        lambda path: changed(path, lambda t: t.update({"layernorm.bias": torch.ones(5)})),
        "describe no Dinov2",
    ),
    "empty": (lambda path: path.write_bytes(b""), "damaged or cut short"),
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_broken_file_of_weights_is_refused_in_a_sentence(
    folder: Path, tmp_path: Path, tiny: ModuleType, how: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    spoil, told = BREAKS[how]
    spoil(copy / "model.safetensors")
    with pytest.raises(CheckpointError, match=told) as raised:
        encoder_of(copy).push(np.zeros(1), tiny.random_pictures(1, 70, 70))
    assert raised.value.hint


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("{", "is no JSON"),
        ("[]", "expected an object"),
        ('{"model_type": "dinov2", "num_hidden_layers": 1000000}', "beyond any model"),
        ('{"model_type": "vit"}', "of the type 'vit', expected dinov2"),
        ('{"model_type": "dinov2", "hidden_size": "wide"}', "hidden_size is 'wide'"),
    ],
)
def test_another_configuration_is_refused(folder: Path, tmp_path: Path, config: str, told: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "config.json").write_text(config)
    with pytest.raises(CheckpointError, match=told):
        encoder_of(copy).size(1.0)


def test_a_classifier_s_file_is_read_without_its_head(folder: Path, tmp_path: Path, tiny: ModuleType) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    tensors = {f"dinov2.{name}": value for name, value in load_file(folder / "model.safetensors").items()}
    save_file({**tensors, "classifier.weight": torch.ones(2, 2)}, copy / "model.safetensors")
    rows = []
    for path in (folder, copy):
        encoder = encoder_of(path)
        encoder.push(np.zeros(1), tiny.random_pictures(1, 70, 70))
        rows.append(encoder.features().values)
    np.testing.assert_array_equal(*rows)


def test_a_batch_that_does_not_fit_is_halved_until_one_does_not() -> None:
    sizes: list[int] = []

    def compute(pictures: np.ndarray) -> np.ndarray:
        sizes.append(len(pictures))
        if len(pictures) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return pictures[:, 0, 0, 0].astype(np.float32)

    pictures = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 6, 3), np.uint8)
    np.testing.assert_array_equal(np.concatenate(vision.halving(compute, pictures, "it")), np.arange(8))
    assert sizes == [8, 4, 2, 2, 4, 2, 2]

    def never(pictures: np.ndarray) -> np.ndarray:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(OutOfMemoryError, match="not even one input of 6 x 4"):
        vision.halving(never, pictures, "it")


def test_what_is_no_picture_is_refused_and_none_gives_no_rows(folder: Path) -> None:
    encoder = encoder_of(folder)
    with pytest.raises(InputError, match="expected \\(n, height, width, 3\\) uint8"):
        encoder.push(np.zeros(1), np.zeros((1, 70, 70), np.uint8))
    assert encoder.features().values.shape == (0, 32)


def test_loading_says_nothing_on_stderr(
    folder: Path, tiny: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder_of(folder).push(np.zeros(1), tiny.random_pictures(1, 70, 70))
    assert capfd.readouterr() == ("", "")
