"""Every pretrained backbone scores a timeline from its official files: tiny ones with random weights."""

import json
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from v2m_daemon.cli import main

from v2m.added_models import models_folder
from v2m.audio import read_wav
from v2m.backbones import ARITHMETIC_VARIABLE, SOUND_BACKBONES, added_folder, load_sound_model
from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.backbones.sound.decoding import decode
from v2m.backbones.sound.head import HeadConfig, LatentHead, StoredHead, save_head
from v2m.backbones.sound.model import LatentGrid, SoundModel
from v2m.backbones.sound.programme import SoundOrder, compose
from v2m.curves import EventCurve
from v2m.errors import CancelledError, MissingPartError
from v2m.sound_take.score import SPARE_S
from v2m.stages import never_cancel
from v2m.timebase import samples_covering

FLAGS = ("--seed", "5", "--steps", "2", "--prompt", "warm piano", "--in", "0", "--out-point", "60f", "--json")
FRAMES = 60
RATE = "24000/1001"


def tiny(family: str) -> ModuleType:
    return import_module(f"tests.tiny_models.{family}")


WRITERS: dict[str, Callable[[Path], object]] = {
    "stable-audio-3-small": lambda folder: tiny("stable_audio_3").write(folder),
    "stable-audio-3-small-base": lambda folder: tiny("stable_audio_3").write(folder, post_trained=False),
    "stable-audio-3-medium": lambda folder: tiny("stable_audio_3").write(folder, size="medium"),
    "stable-audio-3-medium-base": lambda folder: tiny("stable_audio_3").write(
        folder, size="medium", post_trained=False
    ),
    "stable-audio-open": lambda folder: tiny("stable_audio_open").write(folder, diffusers=True),
    "stable-audio-open-small": lambda folder: tiny("stable_audio_open").write(folder, small=True),
    "stable-audio-controlnet": lambda folder: tiny("stable_audio_open").write(folder, controlnet=True),
    "ace-step": lambda folder: tiny("ace_step").write(folder, turbo=False),
    "ace-step-sft": lambda folder: tiny("ace_step").write(folder, turbo=False),
    "ace-step-turbo": lambda folder: tiny("ace_step").write(folder),
    "paper": lambda folder: tiny("paper").write(folder),
}
COLUMNS = {
    "stable-audio-3-small": (64,),
    "stable-audio-open": (64,),
    "ace-step-turbo": (32, 2),
    "paper": (32,),
}
"""One model of each family, and the shape of its event column."""

Scored = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def scored(
    home: Path, edit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Scored:
    """Runs `v2m score` on a tiny model, which is written when it is first asked for."""
    monkeypatch.setenv("V2M_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def run(name: str, out: Path, *flags: str) -> tuple[int, dict[str, Any]]:
        folder = models_folder() / name
        if not folder.exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # diffusers' modules are old inside
                WRITERS[name](folder)
        code = main(["score", str(edit), "--out", str(out), "--backbone", name, *FLAGS, *flags])
        return code, json.loads(capsys.readouterr().out)

    return run


def composed(result: dict[str, Any]) -> bytes:
    """The sound of a take before it was laid on the hits."""
    return (Path(result["take"]) / "composed.wav").read_bytes()


def test_every_backbone_has_a_tiny_one() -> None:
    assert WRITERS.keys() == SOUND_BACKBONES.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_it_scores_exactly_as_long_and_twice_the_same(name: str, scored: Scored, tmp_path: Path) -> None:
    code, result = scored(name, tmp_path / "one", "--takes", "2", "--no-report")
    assert code == 0, result
    assert result["backbone"] == name
    assert result["frame_rate"] == RATE
    assert {take["seed"] for take in result["takes"]} == {5, 6}
    for take in result["takes"]:
        expected = samples_covering(FRAMES * 1001 / 24000)  # type: ignore[arg-type]
        assert len(read_wav(Path(take["wav"]))) == expected
    wavs = {take["seed"]: Path(take["wav"]) for take in result["takes"]}
    assert wavs[5].read_bytes() != wavs[6].read_bytes()
    code, alone = scored(name, tmp_path / "two", "--no-report")
    assert code == 0, alone
    assert Path(alone["wav"]).read_bytes() == wavs[5].read_bytes()  # alone as beside another
    assert main(["take", "verify", "--compose", alone["take"]]) == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # of the compiler's own modules
@pytest.mark.parametrize("name", COLUMNS)
def test_compiled_it_says_so_and_makes_the_same_music_but_for_rounding(
    name: str, scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ARITHMETIC_VARIABLE, "cpu float32")
    code, plain = scored(name, tmp_path / "plain", "--no-report")
    assert code == 0, plain
    monkeypatch.setenv(ARITHMETIC_VARIABLE, "cpu float32 compiled")
    code, compiled = scored(name, tmp_path / "compiled", "--no-report")
    if code == MissingPartError.exit_code:
        pytest.skip(compiled["error"]["message"])
    assert code == 0, compiled
    told = json.loads((Path(compiled["take"]) / "take.json").read_text())
    assert told["arithmetic"] == "cpu float32 compiled"
    folders = [Path(result["take"]) for result in (plain, compiled)]
    latents = [load_file(folder / "latents.safetensors")["latents"] for folder in folders]
    assert np.abs(latents[0] - latents[1]).max() < 1e-3 * np.abs(latents[0]).max()
    monkeypatch.delenv(ARITHMETIC_VARIABLE)  # the take knows how it was made
    assert main(["take", "verify", "--compose", compiled["take"]]) == 0


@pytest.mark.slow
def test_a_lora_changes_the_music_as_strongly_as_is_asked(
    scored: Scored, tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "stable-audio-3-medium-base"
    _, plain = scored(name, tmp_path / "plain", "--no-report")
    place = added_folder(name) / "lora"
    place.mkdir()
    shutil.copy(repository / "tests/golden/stable_audio_3_dora-rows.safetensors", place / "style.safetensors")
    try:
        takes = {}
        for strength in ("0", "0.5", "1"):
            out = tmp_path / strength
            code, takes[strength] = scored(name, out, "--lora-strength", strength, "--no-report")
            assert code == 0, takes[strength]
        assert composed(takes["0"]) == composed(plain)
        assert len({composed(take) for take in takes.values()}) == 3
        told = json.loads((Path(takes["0.5"]["take"]) / "take.json").read_text())
        assert told["settings"]["lora_strength"] == 0.5
        assert main(["take", "verify", "--compose", takes["0.5"]["take"]]) == 0
        capsys.readouterr()
    finally:
        shutil.rmtree(place)
    code, refused = scored(name, tmp_path / "none", "--lora-strength", "0.5")
    assert code == 2
    assert "has no LoRA" in refused["error"]["message"]


def test_a_strength_that_makes_no_sense_is_refused(
    edit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["score", str(edit), "--out", str(tmp_path), "--json", "--lora-strength"]
    assert main([*asked, "0.5"]) == 2
    assert "sketch takes no LoRA" in json.loads(capsys.readouterr().out)["error"]["message"]
    for wrong in ("2.5", "-1", "nan", "much"):
        assert main([*asked, wrong]) == 2
        assert "--lora-strength" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("name", COLUMNS)
def test_a_zero_adapter_changes_nothing_and_another_is_refused(
    name: str, scored: Scored, tmp_path: Path
) -> None:
    code, plain = scored(name, tmp_path / "plain", "--no-report")
    assert code == 0, plain
    model: Any = load_sound_model(name)
    zeros = np.zeros(COLUMNS[name], np.float32)
    adapter = EventAdapter(zeros, model.base_sha256, model.grid.rate_hz)
    path = tmp_path / "event.safetensors"
    save_adapter(path, adapter)
    code, with_zeros = scored(name, tmp_path / "zeros", "--adapter", str(path), "--no-report")
    assert code == 0, with_zeros
    if name != "paper":  # which has a column of its own, that an adapter takes the place of
        assert composed(plain) == composed(with_zeros)
    save_adapter(path, EventAdapter(zeros, "0" * 64, model.grid.rate_hz))
    code, refused = scored(name, tmp_path / "other", "--adapter", str(path), "--no-report")
    assert code == 3
    assert "trained on weights" in refused["error"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stable-audio-3-small-base", "stable-audio-open"])
def test_a_latent_head_leads_where_there_is_no_adapter(name: str, scored: Scored, tmp_path: Path) -> None:
    code, plain = scored(name, tmp_path / "plain", "--no-report")
    assert code == 0, plain
    grid = load_sound_model(name).grid
    torch.manual_seed(1)
    path = tmp_path / "head.safetensors"
    head = LatentHead(HeadConfig(grid.channels, width=8, depth=1, level_features=4))
    save_head(path, StoredHead(head, grid.rate_hz))
    led = [scored(name, tmp_path / out, "--adapter", str(path), "--no-report") for out in ("one", "two")]
    assert [code for code, _ in led] == [0, 0]
    sounds = [composed(result) for _, result in led]
    assert sounds[0] == sounds[1] != composed(plain)
    code, none = scored(name, tmp_path / "none", "--adapter", str(path), "--adherence", "0", "--no-report")
    assert code == 0, none
    assert composed(none) == composed(plain)
    code, refused = scored("stable-audio-controlnet", tmp_path / "control", "--adapter", str(path))
    assert (code, refused["error"]["code"]) == (2, "usage")
    save_head(path, StoredHead(head, grid.rate_hz * 2))
    code, refused = scored(name, tmp_path / "other", "--adapter", str(path))
    assert (code, refused["error"]["code"]) == (3, "bad_checkpoint")


@pytest.mark.slow
def test_a_take_is_changed_by_its_own_model(
    scored: Scored, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, result = scored("stable-audio-3-small", tmp_path)
    assert code == 0, result
    was = read_wav(Path(result["wav"]))

    def changed(*words: str) -> dict[str, Any]:
        assert main([words[0], result["take"], *words[1:], "--json"]) == 0
        made: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert main(["take", "verify", made["take"]]) == 0
        capsys.readouterr()
        return made

    hit = next(hit for hit in result["hits"] if hit["kind"] == "cut")
    changed("retime", "--nudge", f"{hit['time_s']}={hit['time_s'] + 0.1}")
    again = changed("restyle", "--range", "0.9:2.2", "--seed", "8")
    now = read_wav(Path(again["wav"]))
    (span,) = again["plan"]["spans"]
    first = round(span["start_s"] * 48_000)
    np.testing.assert_array_equal(now[:first], was[:first])
    assert (now != was).any()
    other = changed("restyle", "--prompt", "dark drums")
    assert other["prompt"] == "dark drums"
    assert main(["take", "verify", "--compose", other["take"], again["take"]]) == 0
    capsys.readouterr()
    assert main(["restyle", result["take"], "--lock", "rhythm", "--prompt", "x", "--json"]) == 2
    assert "no parts" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.slow
def test_a_daemon_makes_the_same(
    home: Path, scored: Scored, edit: Path, v2m: Callable[..., Any], tmp_path: Path
) -> None:
    code, alone = scored("paper", tmp_path / "alone")
    assert code == 0, alone
    command = [sys.executable, "-m", "v2m_daemon.cli", "serve", "--home", str(home)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(line.startswith("v2m: ready") for line in process.stderr)
        try:
            flags = ("--backbone", "paper", "--daemon", *FLAGS)
            first, second = (v2m("score", edit, "--out", tmp_path / out, *flags) for out in ("1", "2"))
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    for ran in (first, second):
        assert ran.code == 0, ran.err
        assert Path(ran.result["wav"]).read_bytes() == Path(alone["wav"]).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", COLUMNS)
def test_broken_weights_are_told(name: str, scored: Scored, tmp_path: Path) -> None:
    code, result = scored(name, tmp_path / "whole", "--no-report")
    assert code == 0, result
    folder = added_folder(name)
    weights = max(folder.rglob("*.safetensors"), key=lambda path: path.stat().st_size)
    kept = tmp_path / "kept"
    shutil.copyfile(weights, kept)
    content = kept.read_bytes()
    try:
        for damaged in (content[: len(content) // 2], b"\x80\x04" + content[2:], b""):
            weights.write_bytes(damaged)
            code, result = scored(name, tmp_path / "broken")
            assert code == 3, result
            assert result["error"]["code"] == "bad_checkpoint"
            assert weights.name in result["error"]["message"]
            assert not (tmp_path / "broken").exists()
    finally:
        shutil.copyfile(kept, weights)


def test_a_model_that_is_not_here_is_named_with_what_to_do(
    edit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    code = main(["score", str(edit), "--out", str(tmp_path), "--backbone", "ace-step", "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert (code, error["code"]) == (4, "missing_part")
    assert "v2m models add ace-step" in error["hint"]
    code = main(["score", str(edit), "--backbone", "no-such", "--json"])
    assert (code, json.loads(capsys.readouterr().out)["error"]["code"]) == (2, "usage")


@dataclass
class Piecewise:
    """A model that decodes so many frames at once, however many it composes."""

    model: SoundModel
    name: str = "piecewise"

    @property
    def grid(self) -> LatentGrid:
        return replace(self.model.grid, longest_frames=100)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        assert len(latents) <= 64 + 2 * 64
        return self.model.decode(latents)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*COLUMNS, "stable-audio-3-medium-base"])
def test_sound_that_is_decoded_in_pieces_has_no_seams(name: str, scored: Scored, tmp_path: Path) -> None:
    scored(name, tmp_path, "--no-report")
    model: Any = load_sound_model(name, arithmetic="cpu float32")
    latents = np.random.default_rng(0).standard_normal((330, model.grid.channels)).astype(np.float32)
    needed = model.decoding_bytes(330)
    whole = model.decode(latents)
    loaded = model.decoding_bytes(330)
    assert whole.nbytes < loaded < needed  # once the weights are there, the sound and what makes it
    pieces = decode(cast(Any, Piecewise(model)), latents, lambda fraction: None, never_cancel)
    assert pieces.shape == whole.shape
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", COLUMNS)
def test_composing_stops_when_it_is_told(name: str, scored: Scored, tmp_path: Path) -> None:
    scored(name, tmp_path / "whole", "--no-report")
    model = load_sound_model(name)
    asked: list[int] = []

    def stop() -> None:
        asked.append(1)
        if len(asked) > 4:
            raise CancelledError("stop")

    order = SoundOrder("piano", 2 + SPARE_S, EventCurve(25.0, np.zeros(200), "cuts", 0.7), (1,), steps=50)
    with pytest.raises(CancelledError):
        compose(model, order, lambda fraction: None, stop)
    assert len(asked) == 5
