"""What the store takes in, the families load: tiny models in their makers' layouts, added and opened."""

import re
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from v2m_daemon.home import Home
from v2m_daemon.models.catalogue import CATALOGUE, find_model
from v2m_daemon.models.store import ModelStore

from v2m.backbones import SOUND_BACKBONES, load_sound_model
from v2m.encoders.choosing import ENCODERS, new_encoder
from v2m.encoders.musicfm.ear import MusicFMEncoder
from v2m.licences import LICENCES
from v2m.prompt.watching.listening import Listener
from v2m.prompt.watching.looking import Reader


def tiny(family: str) -> ModuleType:
    return import_module(f"tests.tiny_models.{family}")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return ModelStore(Home.find().models)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "stable-audio-open": lambda folder: tiny("stable_audio_open").write(folder, diffusers=True),
    "stable-audio-open-small": lambda folder: tiny("stable_audio_open").write(folder, small=True),
    "stable-audio-controlnet": lambda folder: tiny("stable_audio_open").write(folder, controlnet=True),
    "ace-step": lambda folder: tiny("ace_step").write(folder, turbo=False),
    "ace-step-sft": lambda folder: tiny("ace_step").write_diffusers(folder, turbo=False),
    "ace-step-turbo": lambda folder: tiny("ace_step").write(folder),
    "paper": lambda folder: tiny("paper").write(folder),
    "stable-audio-3-small": lambda folder: tiny("stable_audio_3").write(folder),
    "stable-audio-3-medium-base": lambda folder: tiny("stable_audio_3").write(
        folder, size="medium", post_trained=False
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_backbone_that_was_added_opens(name: str, store: ModelStore, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # diffusers' modules are old inside
        WRITERS[name](tmp_path / "given")
    model = find_model(name)
    store.add(model, tmp_path / "given", lambda fraction: None, link=True)
    assert not [checked for checked in store.verify(model) if not checked.intact]
    assert set(store.lacks(model)) <= {"stable-audio-open"}
    loaded = load_sound_model(name)
    assert loaded.grid.sample_rate_hz > 0
    assert len(loaded.weights_sha256) == 64
    sound = loaded.decode(np.zeros((4, loaded.grid.channels), np.float32))
    assert sound.shape == (4 * loaded.grid.hop_samples, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dinov2-small", "vjepa2", "cotracker", "avsiam"])
def test_an_encoder_that_was_added_opens(name: str, store: ModelStore, tmp_path: Path) -> None:
    getattr(tiny("encoders"), f"write_{name.split('-')[0]}")(tmp_path / "given")
    store.add(find_model(name), tmp_path / "given", lambda fraction: None)
    assert new_encoder(name).name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "writer"),
    [("gemma-3-4b-it", "gemma"), ("qwen3-vl", "qwen"), ("llama", "llama"), ("whisper", "whisper")],
)
def test_a_reader_that_was_added_opens(name: str, writer: str, store: ModelStore, tmp_path: Path) -> None:
    getattr(tiny("readers"), f"write_{writer}")(tmp_path / "given")
    folder = store.add(find_model(name), tmp_path / "given", lambda fraction: None)
    if name == "whisper":
        noise = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
        assert Listener(folder, name).heard(noise)
    else:
        assert Reader(folder, name).answer("Well?", 4)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "writer"), [("t5gemma-b-b-ul2", "stable_audio_3"), ("t5-base", "")])
def test_a_text_encoder_is_taken_in(name: str, writer: str, store: ModelStore, tmp_path: Path) -> None:
    if writer:
        tiny("stable_audio_3").write_text_encoder(tmp_path / "given")
    else:
        tiny("stable_audio_open").write_t5(tmp_path / "given", tmp_path / "given")
    assert (
        store.add(find_model(name), tmp_path / "given", lambda fraction: None) / "tokenizer.json"
    ).is_file()


@pytest.mark.slow
def test_musicfm_that_was_added_hears(store: ModelStore, tmp_path: Path) -> None:
    tiny("encoders").write_musicfm(tmp_path / "given")
    store.add(find_model("musicfm"), tmp_path / "given", lambda fraction: None)
    sound = np.random.default_rng(0).normal(size=24_000).astype(np.float32)
    assert len(MusicFMEncoder()(sound, 24_000).values) > 0


def test_every_model_has_a_place_and_a_licence(repository: Path) -> None:
    assert set(SOUND_BACKBONES) <= CATALOGUE.keys()
    pretrained = {name for name in ENCODERS if name not in ("pixel", "auto", "flow", "dinov2")}
    assert pretrained <= CATALOGUE.keys()
    assert CATALOGUE.keys() - LICENCES.keys() == {"musescore-general"}
    told = {
        name
        for path in (repository / "v2m").rglob("*.py")
        for name in re.findall(r"models add ([a-z][\w-]*)", path.read_text(encoding="utf-8"))
    }
    assert told <= CATALOGUE.keys()
