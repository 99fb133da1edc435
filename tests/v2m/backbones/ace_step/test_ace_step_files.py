"""What is wrong with an ACE-Step folder is refused in words, before anything is composed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.backbones.ace_step.model import AceStep
from v2m.backbones.sound.model import SoundWindow
from v2m.errors import CheckpointError, MissingPartError
from v2m.stages import never_cancel


def compose(folder: Path, window: Callable[..., SoundWindow]) -> None:
    model = AceStep(folder, name="ace-step-turbo", device="cpu", dtype="float32")
    model.compose(window(steps=1), lambda fraction: None, never_cancel)


def changed(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def drop_a_key(folder: Path) -> None:
    changed(folder / "model.safetensors", lambda tensors: tensors.pop("decoder.norm_out.weight"))


def add_a_key(folder: Path) -> None:
    changed(folder / "model.safetensors", lambda tensors: tensors.update({"decoder.more": torch.ones(1)}))


def put_a_nan(folder: Path) -> None:
    changed(folder / "model.safetensors", lambda tensors: tensors["decoder.norm_out.weight"].fill_(np.nan))


def drop_the_null(folder: Path) -> None:
    changed(folder / "model.safetensors", lambda tensors: tensors.pop("null_condition_emb"))


def cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def make_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"PK\x03\x04" + bytes(100))


def say_another_width(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "hidden_size": 64}))


def say_nothing(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def say_no_heads(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "head_dim": 0}))


def lose_the_silence(folder: Path) -> None:
    (folder / "silence_latent.safetensors").unlink()


def swap_the_silence(folder: Path) -> None:
    save_file({"silence": torch.zeros(1, 7, 9)}, folder / "silence_latent.safetensors")


def double_the_silence(folder: Path) -> None:
    save_file({"silence": torch.zeros(2, 64, 9)}, folder / "silence_latent.safetensors")


def widen_the_words(folder: Path) -> None:
    path = folder / "Qwen3-Embedding-0.6B" / "model.safetensors"
    changed(path, lambda t: t.update({"norm.weight": torch.ones(17)}))


def say_odd_words(folder: Path) -> None:
    path = folder / "Qwen3-Embedding-0.6B" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_key_value_heads": 3}))


def break_the_words(folder: Path) -> None:
    changed(folder / "Qwen3-Embedding-0.6B" / "model.safetensors", lambda t: t.pop("norm.weight"))


def lose_the_tokenizer(folder: Path) -> None:
    (folder / "Qwen3-Embedding-0.6B" / "tokenizer.json").write_text("no tokenizer")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (drop_a_key, "norm_out.weight"),
        (add_a_key, "more"),
        (put_a_nan, "not finite"),
        (drop_the_null, "null_condition_emb"),
        (cut_short, "damaged|cut short"),
        (make_a_pickle, "pickle"),
        (say_another_width, "shape"),
        (say_nothing, "describes no ACE-Step"),
        (say_no_heads, "head_dim 0, expected a number"),
        (lose_the_silence, "silence_latent"),
        (swap_the_silence, r"expected one \(1, 64, t\)"),
        (double_the_silence, r"expected one \(1, 64, t\)"),
        (break_the_words, "norm.weight"),
        (widen_the_words, "has not the shape"),
        (say_odd_words, "has not the shape"),
        (lose_the_tokenizer, "tokenizer"),
    ],
)
def test_a_broken_file_is_refused(
    harm: Callable[[Path], None], words: str, copied: Path, window: Callable[..., SoundWindow]
) -> None:
    harm(copied)
    with pytest.raises(CheckpointError, match=words):
        compose(copied, window)


def test_a_broken_autoencoder_is_refused(copied: Path) -> None:
    changed(copied / "vae" / "diffusion_pytorch_model.safetensors", lambda t: t.pop("decoder.conv1.bias"))
    with pytest.raises(CheckpointError, match=r"decoder\.layers\.0\.bias"):
        AceStep(copied, name="ace-step-turbo", device="cpu").decode(np.zeros((2, 64), np.float32))


def test_a_missing_part_is_named_with_how_to_add_it(
    copied: Path, tmp_path: Path, window: Callable[..., SoundWindow]
) -> None:
    (copied / "vae" / "config.json").unlink()
    with pytest.raises(MissingPartError, match="its part vae") as caught:
        compose(copied, window)
    assert "v2m models add ace-step-parts" in caught.value.hint
    with pytest.raises(MissingPartError, match="no ACE-Step model"):
        compose(tmp_path / "nowhere", window)
