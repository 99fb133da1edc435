"""Models that lie on this machine are taken in by what is in them, and pickles never come in as they are."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from v2m_daemon.cli import main
from v2m_daemon.home import Home
from v2m_daemon.models.catalogue import find_model
from v2m_daemon.models.store import ModelStore

from v2m.errors import CheckpointError, InputError, UsageError
from v2m.licences import licence_notes

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    return ModelStore(Home.find().models)


def ignore(_fraction: float) -> None:
    pass


@pytest.fixture
def dinov2(tmp_path: Path) -> Path:
    """A tiny one of the size that transformers calls base, as transformers saves it, deep in a folder."""
    folder = tmp_path / "cache" / "models--x" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "dinov2", "hidden_size": 768}))
    weights = {name: np.ones(4, np.float32) for name in ("embeddings.cls_token", "encoder.layer.0.weight")}
    save_file(weights, folder / "model.safetensors")
    (folder / "setup.py").write_text("print('never taken')")
    return folder


@pytest.mark.parametrize("link", [False, True])
def test_a_folder_is_taken_wherever_in_it_the_model_lies(
    store: ModelStore, dinov2: Path, tmp_path: Path, link: bool
) -> None:
    model = find_model("dinov2-base")
    folder = store.add(model, tmp_path / "cache", ignore, link=link)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.json",
        "model.safetensors",
    ]
    assert os.path.samefile(folder / "config.json", dinov2 / "config.json") is link
    assert all(checked.intact for checked in store.verify(model))
    (folder / "config.json").unlink()
    assert [checked.intact for checked in store.verify(model)].count(False) == 1
    store.remove(model)
    assert (dinov2 / "config.json").is_file()


def test_a_sibling_is_told_by_its_size_and_a_size_of_ones_own_is_taken(
    store: ModelStore, dinov2: Path
) -> None:
    with pytest.raises(CheckpointError, match="not dinov2-large") as refused:
        store.add(find_model("dinov2-large"), dinov2, ignore)
    assert "dinov2-base" in refused.value.hint
    (dinov2 / "config.json").write_text(json.dumps({"model_type": "dinov2", "hidden_size": 32}))
    assert store.add(find_model("dinov2-large"), dinov2, ignore).is_dir()


def stable_audio(folder: Path, objective: str, width: int) -> Path:
    folder.mkdir()
    config = {
        "model_type": "diffusion_cond_inpaint",
        "model": {"diffusion": {"diffusion_objective": objective}},
    }
    (folder / "model_config.json").write_text(json.dumps(config))
    names = ("pretransform.model.x", "conditioner.conditioners.prompt.x")
    weights = {name: np.zeros(2, np.float32) for name in names}
    weights["model.model.transformer.project_in.weight"] = np.zeros((width, 8), np.float32)
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize(
    ("name", "objective", "width"),
    [
        ("stable-audio-3-small", "rf_denoiser", 1024),
        ("stable-audio-3-small-base", "rectified_flow", 1024),
        ("stable-audio-3-medium", "rf_denoiser", 1536),
        ("stable-audio-3-medium-base", "rectified_flow", 1536),
    ],
)
def test_the_four_stable_audio_3_are_told_apart(
    store: ModelStore, tmp_path: Path, name: str, objective: str, width: int
) -> None:
    folder = stable_audio(tmp_path / "x", objective, width)
    for other in ("small", "small-base", "medium", "medium-base"):
        model = find_model(f"stable-audio-3-{other}")
        if model.name == name:
            assert store.add(model, folder, ignore).is_dir()
        else:
            with pytest.raises(CheckpointError, match=f"not {model.name}"):
                store.add(model, folder, ignore)


def test_stable_audio_open_is_taken_in_either_layout(store: ModelStore, tmp_path: Path) -> None:
    model = find_model("stable-audio-open")
    official = stable_audio(tmp_path / "official", "v", 8)
    folder = store.add(model, official, ignore)
    assert (folder / "model_config.json").is_file()
    store.remove(model)
    parts = {
        "transformer/diffusion_pytorch_model": "proj_in.weight", "transformer/x": "transformer_blocks.0.a",
        "vae/diffusion_pytorch_model": "a", "text_encoder/model": "a", "projection_model/model": "a",
    }  # fmt: skip
    for name, key in parts.items():
        path = tmp_path / "diffusers" / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({key: np.zeros(1, np.float32)}, path)
        (path.parent / "config.json").write_text(json.dumps({"_class_name": "StableAudioDiTModel"}))
    for name in ("scheduler/scheduler_config.json", "tokenizer/tokenizer.json"):
        (tmp_path / "diffusers" / name).parent.mkdir()
        (tmp_path / "diffusers" / name).write_text("{}")
    folder = store.add(model, tmp_path / "diffusers", ignore)
    assert (folder / "scheduler" / "scheduler_config.json").is_file()


@pytest.mark.parametrize("harm", ["cut", "noise", "empty"])
def test_damaged_weights_are_refused(store: ModelStore, dinov2: Path, harm: str) -> None:
    path = dinov2 / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-3], "noise": b"\x93" * 200, "empty": b""}[harm])
    with pytest.raises(CheckpointError, match=r"model\.safetensors is (cut short|not a whole)"):
        store.add(find_model("dinov2-base"), dinov2, ignore)


def test_a_part_that_the_index_names_has_to_be_there(store: ModelStore, dinov2: Path) -> None:
    (dinov2 / "model.safetensors").rename(dinov2 / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (dinov2 / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="model-00002-of-00002"):
        store.add(find_model("dinov2-base"), dinov2, ignore)


def test_what_is_missing_is_named(store: ModelStore, tmp_path: Path, dinov2: Path) -> None:
    (dinov2 / "config.json").unlink()
    with pytest.raises(InputError, match=r"needs config\.json"):
        store.add(find_model("dinov2-base"), dinov2, ignore)
    with pytest.raises(InputError, match="more than one file"):
        store.add(find_model("dinov2-base"), dinov2 / "model.safetensors", ignore)
    with pytest.raises(InputError, match="no file and no folder"):
        store.add(find_model("dinov2-base"), tmp_path / "gone", ignore)


@pytest.mark.slow
def test_an_official_pickle_is_converted_apart_and_not_kept(store: ModelStore, tmp_path: Path) -> None:
    shared = torch.arange(6.0).reshape(2, 3)
    state = {"fnet.conv1.weight": shared.T, "updateformer.a": shared, "updateformer.b": shared}
    path = tmp_path / "whatever.pth"
    torch.save({"epoch": 3, "model": {**state, "steps": 7}}, path)
    model = find_model("cotracker")
    folder = store.add(model, path, ignore)
    assert sorted(p.name for p in folder.iterdir()) == ["model.json", "scaled_offline.safetensors"]
    loaded = load_file(folder / "scaled_offline.safetensors")
    assert loaded.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(loaded[name], value.numpy())
    assert len(store.record(model)["files"][0]["converted_from"]) == 64
    assert all(checked.intact for checked in store.verify(model))


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (self.mark,))


@pytest.mark.slow
def test_a_pickle_that_runs_code_is_refused_and_runs_none(store: ModelStore, tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    for name, write in (("new.pth", torch.save), ("old.pth", lambda thing, path: save_old(thing, path))):
        path = tmp_path / name
        write({"fnet.x": torch.zeros(1), "bomb": Bomb(mark)}, path)
        with pytest.raises(CheckpointError, match="was not taken"):
            store.add(find_model("cotracker"), path, ignore)
        assert not mark.exists()
        assert not list(store.folder.iterdir())


def save_old(thing: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps({"bomb": thing["bomb"]}, protocol=2))


def test_a_pickle_for_a_model_that_has_none_is_refused(store: ModelStore, tmp_path: Path) -> None:
    (path := tmp_path / "paper.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="is more than one file"):
        store.add(find_model("paper"), path, ignore)


def test_one_that_nobody_gives_out_wants_a_path(store: ModelStore) -> None:
    with pytest.raises(UsageError, match="given out by nobody"):
        store.add(find_model("paper"), None, ignore)
    with pytest.raises(UsageError, match="--link is for files that are here"):
        store.add(find_model("dinov2-base"), None, ignore, link=True)


def test_non_commercial_models_are_opted_into(store: ModelStore, tmp_path: Path, capsys: Capture) -> None:
    weights = {"fnet.a": np.zeros(1, np.float32), "updateformer.a": np.zeros(1, np.float32)}
    save_file(weights, path := tmp_path / "scaled_offline.safetensors")
    command = ["models", "add", "cotracker", str(path), "--accept-licence", "--json"]
    assert main(command) == 2
    assert "CC-BY-NC-4.0" in capsys.readouterr().err
    assert main([*command, "--non-commercial"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["commercial"] is False
    assert store.record(find_model("cotracker"))["commercial"] is False


def test_takes_say_what_they_were_made_with() -> None:
    assert licence_notes(["sketch", "dinov2-large", "pixel", "musicfm"]) == ()
    (note,) = licence_notes(["cotracker", "cotracker"])
    assert "cotracker" in note
    assert "not for commercial use" in note
    assert "1 million" in licence_notes(["stable-audio-3-small"])[0]
