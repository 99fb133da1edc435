"""Official weights are read whole or refused, and every key is accounted for."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from v2m.backbones.sound.checkpoint import folder_hash, load_strict, read_safetensors
from v2m.errors import InputError


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))


def test_a_whole_file_is_read_as_it_is_stored(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6.0).reshape(2, 3).half(), "n": torch.tensor([1, 2])}
    save_file(tensors, tmp_path / "w.safetensors")
    back = read_safetensors(tmp_path / "w.safetensors")
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensors[name]) and back[name].dtype == tensors[name].dtype
               for name in tensors)  # fmt: skip


def test_broken_files_are_refused_by_name(tmp_path: Path) -> None:
    save_file({"a": torch.ones(64)}, tmp_path / "w.safetensors")
    content = (tmp_path / "w.safetensors").read_bytes()
    torch.save({"a": torch.ones(3)}, tmp_path / "torch.safetensors")
    save_file({"a": torch.tensor([1.0, float("nan")])}, tmp_path / "nan.safetensors")
    save_file({"a": torch.tensor([1.0, float("inf")]).bfloat16()}, tmp_path / "inf.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(content[:-1])
    (tmp_path / "long.safetensors").write_bytes(content + b"x")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    (tmp_path / "header.safetensors").write_bytes(b"\xff" * 100)
    for name in ("torch", "nan", "inf", "cut", "long", "empty", "header", "absent"):
        with pytest.raises(InputError, match=f"{name}.safetensors"):
            read_safetensors(tmp_path / f"{name}.safetensors")


def test_keys_and_shapes_must_agree() -> None:
    good = model().state_dict()
    into = model()
    load_strict(into, good)
    assert all(torch.equal(value, good[name]) for name, value in into.state_dict().items())
    with pytest.raises(InputError, match=r"1 \(1\.bias\) missing"):
        load_strict(model(), {name: value for name, value in good.items() if name != "1.bias"})
    with pytest.raises(InputError, match=r"1 \(ema\.step\) unknown"):
        load_strict(model(), {**good, "ema.step": torch.ones(1)})
    with pytest.raises(InputError, match=r"1\.bias has the shape \(5,\), expected \(2,\)"):
        load_strict(model(), {**good, "1.bias": torch.ones(5)})


def test_what_is_allowed_is_written_down() -> None:
    good = model().state_dict()
    load_strict(model(), {**good, "ema.step": torch.ones(1)}, allowed_unexpected=["ema.*"])
    into = model()
    before = into.state_dict()["1.bias"].clone()
    load_strict(into, {k: v for k, v in good.items() if k != "1.bias"}, allowed_missing=["1.bias"])
    assert torch.equal(into.state_dict()["1.bias"], before)


def test_a_hollow_module_is_filled_without_a_copy() -> None:
    good = {name: value.bfloat16() for name, value in model().state_dict().items()}
    with torch.device("meta"):
        hollow = model()
    load_strict(hollow, good)
    assert hollow.state_dict()["0.weight"].data_ptr() == good["0.weight"].data_ptr()
    with torch.device("meta"):
        hollow = model()
    with pytest.raises(InputError, match=r"1\.bias"):
        load_strict(hollow, {k: v for k, v in good.items() if k != "1.bias"}, allowed_missing=["1.*"])


def test_the_hash_follows_names_and_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    first = folder_hash([one, other])
    assert first == folder_hash([other, one])
    assert first != folder_hash([one])
    other.write_bytes(b"22")
    assert folder_hash([one, other]) != first
    with pytest.raises(InputError, match="absent"):
        folder_hash([tmp_path / "absent"])
