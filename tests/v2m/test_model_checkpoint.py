"""Checkpoints: what is written comes back, and nothing else is let in."""

import json
import pickle
import struct
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.errors import CheckpointError, OutputWriteError
from v2m.model.checkpoint import FORMAT, load_checkpoint, save_checkpoint, weights_hash
from v2m.model.dit import DiT, DiTConfig, add_curve_channel

CONFIG = DiTConfig(channel_groups=(0, 1), grid_channels=2, width=16, depth=1, heads=2, text_terms=3)


@pytest.fixture
def model() -> DiT:
    torch.manual_seed(0)
    return add_curve_channel(DiT(CONFIG))


@pytest.fixture
def saved(model: DiT, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, model, {"terms": "a b"}, torch.float32)
    return path


def test_weights_config_and_notes_come_back(model: DiT, saved: Path) -> None:
    read = load_checkpoint(saved)
    assert read.model.config == model.config
    assert not read.model.training
    assert read.notes == {"terms": "a b"}
    assert read.sha256 == weights_hash(saved)
    for name, value in model.state_dict().items():
        assert torch.equal(read.model.state_dict()[name], value)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_halve_the_file_and_keep_the_weights(
    model: DiT, saved: Path, dtype: torch.dtype
) -> None:
    half = saved.with_name("half.safetensors")
    save_checkpoint(half, model, {}, dtype)
    assert half.stat().st_size < 0.7 * saved.stat().st_size
    assert weights_hash(half) != weights_hash(saved)
    for name, value in load_checkpoint(half).model.state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-2, atol=1e-3)


def _with_header(saved: Path, change: Callable[[dict[str, str]], None]) -> None:
    tensors = load_file(saved)
    header = {
        "format": FORMAT,
        "config": json.dumps(asdict(DiTConfig(**{**asdict(CONFIG), "curve_channels": 1}))),
    }
    change(header)
    save_file(tensors, saved, header)


def _config(change: Callable[[dict[str, object]], None]) -> Callable[[dict[str, str]], None]:
    def apply(header: dict[str, str]) -> None:
        values = json.loads(header["config"])
        change(values)
        header["config"] = json.dumps(values)

    return apply


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda header: header.pop("format"), "names no format"),
        (lambda header: header.update(format="other-1"), "other-1"),
        (lambda header: header.pop("config"), "describes no model"),
        (lambda header: header.update(config="[1]"), "config"),
        (lambda header: header.update(config="{" * 100), "describes no model"),
        (_config(lambda c: c.update(surprise=1)), "surprise"),
        (_config(lambda c: c.pop("channel_groups")), "channel_groups"),
        (_config(lambda c: c.update(channel_groups=[0, "x"])), "'x'"),
        (_config(lambda c: c.update(channel_groups=7)), "None"),
        (_config(lambda c: c.update(width=16.5)), "fraction"),
        (_config(lambda c: c.update(depth=10**12)), "number"),
        (_config(lambda c: c.update(heads=True)), "True"),
        (_config(lambda c: c.update(heads=3)), "four"),
        (_config(lambda c: c.update(depth=2)), "missing"),
        (_config(lambda c: c.update(curve_channels=0)), "curve_column"),
        (_config(lambda c: c.update(text_terms=4)), "shape"),
    ],
)
def test_a_header_that_is_not_a_models_is_refused(
    saved: Path, change: Callable[[dict[str, str]], None], says: str
) -> None:
    _with_header(saved, change)
    with pytest.raises(CheckpointError, match=says):
        load_checkpoint(saved)


def test_an_untouched_header_is_taken(saved: Path) -> None:
    _with_header(saved, lambda header: None)
    assert load_checkpoint(saved).model.config.curve_channels == 1


@pytest.mark.parametrize("keep", [0, 4, 8, 100, 0.5, 0.999])
def test_a_file_cut_short_is_refused(saved: Path, keep: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    with pytest.raises(CheckpointError):
        load_checkpoint(saved)


def test_damage_is_refused(saved: Path) -> None:
    tensors, header = load_file(saved), {"format": FORMAT, "config": json.dumps(asdict(CONFIG))}
    tensors.pop("curve_column")
    for value in (torch.nan, torch.inf):
        tensors["output.bias"][0] = value
        save_file(tensors, saved, header)
        with pytest.raises(CheckpointError, match="not finite"):
            load_checkpoint(saved)
    tensors["output.bias"] = torch.zeros(2, dtype=torch.int64)
    save_file(tensors, saved, header)
    with pytest.raises(CheckpointError, match=r"output\.bias"):
        load_checkpoint(saved)


def test_other_kinds_of_file_are_refused(model: DiT, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    torch.save(model.state_dict(), path)
    with pytest.raises(CheckpointError, match="pickle"):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match="pickle"):
        load_checkpoint(path)
    for content in (b"hello, this is text", struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 2) + b"[]"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError):
            load_checkpoint(path)
    for missing in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_checkpoint(missing)
        with pytest.raises(CheckpointError, match="cannot be read"):
            weights_hash(missing)


def test_a_folder_that_is_not_there_is_told(model: DiT, tmp_path: Path) -> None:
    with pytest.raises(OutputWriteError):
        save_checkpoint(tmp_path / "none" / "weights.safetensors", model, {})
