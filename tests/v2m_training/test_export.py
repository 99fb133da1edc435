"""From music files to an adapter that the product composes with, through the command line."""

import importlib
import json
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from v2m_daemon.cli import main as v2m
from v2m_training.cli import main
from v2m_training.export.adapter import export_run
from v2m_training.fit.config import CurveInput, FitConfig, LowRank, Measuring, Optimisation
from v2m_training.fit.families import load_family
from v2m_training.fit.run import dry_run, fit

from v2m.added_models import models_folder
from v2m.backbones import SOUND_BACKBONES
from v2m.backbones.sound.adapter import load_adapter
from v2m.backbones.sound.model import SoundWindow
from v2m.errors import InputError, OutputExistsError, UsageError
from v2m.stages import never_cancel

NAME = "stable-audio-3-small-base"

TOML = """
family = "stable-audio-3-small-base"
data = "set"
out_dir = "run"
trained = "{trained}"
steps = 6
batch_size = 2
crop_s = 1.0
device = "cpu"
precision = "float32"
[optimisation]
warmup_steps = 0
new_rate = 0.05
[measuring]
every = 0
excerpts = 2
samples = 2
sampling_steps = 2
"""


def music(path: Path, seed: int) -> None:
    import soundfile

    rng = np.random.default_rng(seed)
    sound = np.concatenate([rng.standard_normal(8_000) * level for level in rng.uniform(0.02, 0.2, 12)])
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.stack([sound, sound], axis=1), 48_000)
    path.with_suffix(".json").write_text(json.dumps({"text": "calm piano", "license": "CC0-1.0"}))


@pytest.mark.slow
def test_music_becomes_an_adapter_that_scores(
    tmp_path: Path, toy: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers", reason="the family's text encoder needs it")
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    toy.tiny("stable_audio_3").write(models_folder() / NAME, post_trained=False)
    for i in range(3):
        music(tmp_path / "music" / f"{i}.wav", i)
    asked = ["prepare", str(tmp_path / "music"), "--out", str(tmp_path / "set"), "--backbone", NAME]
    assert main([*asked, "--shortest", "1", "--workers", "1", "--device", "cpu"]) == 0
    (tmp_path / "run.toml").write_text(TOML.format(trained="column"))
    assert main(["fit", "--config", str(tmp_path / "run.toml"), "--dry-run"]) == 0
    assert not (tmp_path / "run").exists()
    assert "GiB a process" in capsys.readouterr().out
    assert main(["fit", "--config", str(tmp_path / "run.toml")]) == 0
    assert main(["export", str(tmp_path / "run")]) == 0
    adapter = tmp_path / "run" / "adapter.safetensors"
    assert capsys.readouterr().out.split()[-1] == str(adapter)
    assert adapter.stat().st_size < 1_000_000
    card = adapter.with_suffix(".md").read_text()
    assert re.search(r"CC0-1\.0 \| 0\.00", card)
    for words in ("spectral", "kernel_s | 0.7", "loss on held-out music", "by work"):
        assert words in card
    document = {"OTIO_SCHEMA": "Timeline.1", "name": "film", "tracks": stack(tmp_path, 30, 40)}
    (tmp_path / "film.otio").write_text(json.dumps(document))
    command = ["score", str(tmp_path / "film.otio"), "--out", str(tmp_path / "out"), "--backbone", NAME]
    flags = ["--adapter", str(adapter), "--steps", "2", "--seed", "1", "--prompt", "calm piano", "--json"]
    assert v2m([*command, *flags]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["backbone"] == NAME
    assert Path(result["wav"]).is_file()


def stack(folder: Path, *lengths: int) -> dict[str, object]:
    """Shots of some frames, cut hard, whose media are not there."""
    clips = []
    for i, length in enumerate(lengths):
        start = {"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": 0}
        span = {"OTIO_SCHEMA": "TimeRange.1", "start_time": start, "duration": {**start, "value": length}}
        media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(folder / f"{i}.mov")}
        clips.append(
            {"OTIO_SCHEMA": "Clip.1", "name": str(i), "source_range": span, "media_reference": media}
        )
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "name": "V1", "children": clips}
    return {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}


def composes_with(name: str, folder: Path, adapter: Path) -> None:
    """The product's own class takes the adapter, and what it composes follows it."""
    module, _, kind = SOUND_BACKBONES[name].partition(":")
    family = getattr(importlib.import_module(module), kind)
    model = family(folder, name=name, device="cpu", dtype="float32", adapter=adapter)
    curve = np.sin(np.arange(12)).astype(np.float32)
    made = [
        model.compose(
            SoundWindow("calm", 0, 12, curve, (1,), adherence=adherence, steps=2), print, never_cancel
        )
        for adherence in (0.0, 0.5)
    ]
    assert np.isfinite(made[1]).all()
    assert not np.allclose(made[0], made[1])


WRITERS = {
    NAME: lambda toy, folder: toy.tiny("stable_audio_3").write(folder, post_trained=False),
    "stable-audio-open": lambda toy, folder: toy.tiny("stable_audio_open").write(folder),
    "paper": lambda toy, folder: toy.tiny("paper").write(folder),
}


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["lora", "everything"])
@pytest.mark.parametrize("family", WRITERS)
def test_weights_that_moved_are_written_in_the_official_layout(
    family: str, trained: Any, tmp_path: Path, toy: ModuleType
) -> None:
    pytest.importorskip("transformers", reason="the family's text encoder needs it")
    WRITERS[family](toy, tmp_path / "model")
    config = FitConfig(
        family, tmp_path / "set", tmp_path / "run", weights=tmp_path / "model",
        trained=trained, steps=3, batch_size=2, device="cpu", precision="float32",
        optimisation=Optimisation(warmup_steps=0, learning_rate=1e-3, new_rate=1e-2, ema_decay=0.0),
        measuring=Measuring(0, 2, 0), lora=LowRank(2),
    )  # fmt: skip
    model = load_family(config, torch.device("cpu"))
    config = replace(config, crop_s=20 / float(model.grid.rate_hz))
    toy.write_set(config.data, 6, 40, model.weights_sha256, model.grid)
    fit(config, model)
    adapter = export_run(config.out_dir, tmp_path / "out")
    before = load_file(tmp_path / "model" / "model.safetensors")
    after = load_file(tmp_path / "out" / "model.safetensors")
    assert after.keys() == before.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(name.startswith(("pretransform", "conditioner")) for name in changed)
    if trained == "lora":
        assert all("attn" in name or "attention" in name for name in changed)
    composes_with(family, tmp_path / "out", adapter)
    # what the product reads is what was trained
    again = load_family(replace(config, weights=tmp_path / "out"), torch.device("cpu"))
    x, asked = torch.randn(1, 9, model.grid.channels), model.conditioning(["calm"], [0.5])
    curve, time = torch.zeros(1, 9, 1), torch.tensor([0.4])
    with torch.no_grad():
        same = again.velocity(x, time, asked, curve)
        assert torch.allclose(same, model.velocity(x, time, asked, curve), atol=1e-4)
    with pytest.raises(OutputExistsError):
        export_run(config.out_dir, tmp_path / "out")


@pytest.fixture
def config(tmp_path: Path, toy: ModuleType) -> FitConfig:
    return FitConfig(
        "toy", toy.write_set(tmp_path / "set"), tmp_path / "run", steps=2, batch_size=2, crop_s=3.2,
        device="cpu", precision="float32", measuring=Measuring(0, 2, 0),
    )  # fmt: skip


def test_an_adapter_says_what_it_is(config: FitConfig, toy: ModuleType, tmp_path: Path) -> None:
    fit(config, toy.ToyModel())
    path = export_run(config.out_dir, tmp_path / "a.safetensors", toy.ToyModel())
    adapter = load_adapter(path, base_sha256="7" * 64, grid=toy.TOY_GRID, width=toy.WIDTH)
    assert adapter.recipe["encoder"] == "spectral"
    assert adapter.recipe["kernel_s"] == 0.7
    assert adapter.trained_range[0] < 0 < adapter.trained_range[1]
    assert "CC0-1.0" in path.with_suffix(".md").read_text()


def test_what_cannot_be_exported_is_refused(config: FitConfig, toy: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished run"):
        export_run(tmp_path, tmp_path / "a.safetensors", toy.ToyModel())
    several = replace(config, curve=CurveInput(kernels_s=(0.5, 1.0)), out_dir=tmp_path / "several")
    fit(several, toy.ToyModel(curves=2))
    with pytest.raises(UsageError, match="told 2 curves"):
        export_run(several.out_dir, tmp_path / "a.safetensors", toy.ToyModel(curves=2))


def test_the_cost_grows_as_it_should(config: FitConfig, toy: ModuleType) -> None:
    one = dry_run(config, toy.ToyModel())
    assert one.trained == toy.WIDTH
    assert one.step_flops > 0
    longer = dry_run(replace(config, steps=4), toy.ToyModel())
    assert longer.seconds == pytest.approx(2 * one.seconds)
    more = dry_run(replace(config, batch_size=4), toy.ToyModel())
    assert more.activation_bytes == pytest.approx(2 * one.activation_bytes)
    whole = dry_run(replace(config, trained="everything", checkpointing=False), toy.ToyModel())
    assert whole.training_bytes == 16 * whole.trained > one.training_bytes
    assert whole.activation_bytes > one.activation_bytes
    assert "cost" not in str(one)
    priced = replace(config, cluster=replace(config.cluster, price_per_hour=2.0, processes=2))
    cost = dry_run(priced, toy.ToyModel())
    assert cost.price == pytest.approx(one.seconds / 3600 * 2.0)
    assert "cost" in str(cost)
