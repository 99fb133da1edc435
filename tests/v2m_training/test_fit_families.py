"""Fine-tuning of tiny models of every family, read from files in their official layout."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import v2m_training.fit.run
from safetensors.torch import load_file
from v2m_training.fit.config import CurveInput, FitConfig, LowRank, Measuring, Optimisation
from v2m_training.fit.families import load_family
from v2m_training.fit.run import fit

from v2m.errors import UsageError

CPU = torch.device("cpu")

pytest.importorskip("transformers", reason="the families' text encoders need it")


def tiny(name: str) -> ModuleType:
    return import_module(f"tests.tiny_models.{name}")


WRITERS: dict[str, Callable[[Path], Path]] = {
    "stable-audio-3-small-base": lambda folder: tiny("stable_audio_3").write(folder, post_trained=False),
    "stable-audio-3-medium-base": lambda folder: tiny("stable_audio_3").write(
        folder, size="medium", post_trained=False
    ),
    "stable-audio-open": lambda folder: tiny("stable_audio_open").write(folder),
    "stable-audio-open-small": lambda folder: tiny("stable_audio_open").write(folder, small=True),
    "paper": lambda folder: tiny("paper").write(folder),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = WRITERS[family](tmp_path_factory.mktemp(family) / family)
        return made[family]

    return folder


def run_of(family: str, folder: Path, tmp_path: Path, toy: ModuleType, **changes: Any) -> FitConfig:
    config = FitConfig(
        family, tmp_path / "set", tmp_path / "run", weights=folder, steps=12, batch_size=4, device="cpu",
        precision="float32", log_every=2, save_every=100,
        optimisation=Optimisation(warmup_steps=1, learning_rate=1e-3, new_rate=5e-2, ema_decay=0.5),
        measuring=Measuring(every=0, excerpts=2, samples=0), lora=LowRank(rank=2),
    )  # fmt: skip
    model = load_family(config, CPU)
    frames = 40
    toy.write_set(config.data, 6, frames, model.weights_sha256, model.grid)
    return replace(config, crop_s=24 / float(model.grid.rate_hz), **changes)


@pytest.mark.slow
@pytest.mark.parametrize("family", WRITERS)
def test_only_the_column_moves_and_the_loss_falls(
    family: str, folders: Callable[[str], Path], tmp_path: Path, toy: ModuleType
) -> None:
    config = run_of(family, folders(family), tmp_path, toy)
    model = load_family(config, CPU)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    weights = load_file(fit(config, model))
    assert set(weights) == {model.column}
    moved = {
        name for name, value in model.module.state_dict().items() if not torch.equal(before[name], value)
    }
    assert moved == {model.column}
    everything = replace(config, trained="everything", out_dir=tmp_path / "all", steps=30)
    if family == "stable-audio-open-small":  # distilled
        with pytest.raises(UsageError, match="would undo"):
            fit(everything)
        return
    lines = (fit(everything).parent / "log.jsonl").read_text().splitlines()
    losses = [float(line.split('"loss": ')[1].split(",")[0]) for line in lines if '"loss"' in line]
    assert sum(losses[-3:]) < 0.95 * sum(losses[:3])


@pytest.mark.parametrize("family", WRITERS)
def test_a_column_of_zeros_is_the_base_and_rows_do_not_see_each_other(
    family: str, folders: Callable[[str], Path]
) -> None:
    config = FitConfig(family, Path("none"), weights=folders(family), curve=CurveInput(kernels_s=(0.7, 2.5)))
    model = load_family(config, CPU)
    torch.manual_seed(0)
    x, curve = torch.randn(3, 20, model.grid.channels), torch.randn(3, 20, 2)
    time, seconds = torch.tensor([0.2, 0.5, 0.8]), [2.0] * 3
    with torch.no_grad():
        column = dict(model.module.named_parameters())[model.column].zero_()
        asked = model.conditioning(["calm piano", None, "fast"], seconds)
        together = model.velocity(x, time, asked, curve)
        plain = model.velocity(x, time, asked, torch.zeros_like(curve))
        assert torch.equal(together, plain)
        for i, prompt in enumerate(["calm piano", None, "fast"]):
            row = slice(i, i + 1)
            alone = model.velocity(x[row], time[row], model.conditioning([prompt], seconds[:1]), curve[row])
            assert torch.allclose(alone, together[row], atol=1e-5)
        column.normal_()
        assert not torch.allclose(model.velocity(x, time, asked, curve), together)
        one_frame = torch.zeros_like(curve)
        one_frame[:, 7, 1] = 1.0
        assert not torch.allclose(model.velocity(x, time, asked, one_frame), together)


def test_the_second_column_of_several_is_trained_too(
    folders: Callable[[str], Path], tmp_path: Path, toy: ModuleType
) -> None:
    config = run_of("paper", folders("paper"), tmp_path, toy)
    config = replace(config, curve=CurveInput(kernels_s=(0.7, 2.5)), trained="lora", steps=3)
    weights = load_file(fit(config))
    assert weights["event_column"].shape == (2, 32)
    assert bool((weights["event_column"][1] != 0).any())
    assert any(name.endswith("lora_up") and bool(value.any()) for name, value in weights.items())


def test_families_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected one of"):
        load_family(FitConfig("sketch", tmp_path, weights=tmp_path), CPU)


@pytest.mark.slow
@pytest.mark.parametrize("family", WRITERS)
def test_products_in_bfloat16_train_weights_in_float32(
    family: str, folders: Callable[[str], Path], tmp_path: Path, toy: ModuleType
) -> None:
    exact = run_of(family, folders(family), tmp_path, toy, steps=3)
    config = replace(exact, precision="bfloat16", out_dir=tmp_path / "half")
    model = load_family(config, CPU)
    weights = load_file(fit(config, model))[model.column]
    assert weights.dtype == torch.float32
    formats = {p.dtype for name, p in model.module.named_parameters() if name != model.column}
    assert formats == {torch.bfloat16} | ({torch.float32} if "open" in family else set())
    expected = load_file(fit(exact))[model.column]
    assert torch.nn.functional.cosine_similarity(weights, expected).item() > 0.9


FAMILIES = ("stable-audio-3-small-base", "stable-audio-open", "paper")


class Stopped(Exception):
    """Stands for a kill right after a state was written; a real one is tried on the toy."""


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_run_that_goes_on_ends_as_one_that_was_not_stopped(
    family: str,
    folders: Callable[[str], Path],
    tmp_path: Path,
    toy: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = run_of(family, folders(family), tmp_path, toy, trained="lora", steps=6, save_every=2)
    whole = load_file(fit(config))
    save_state = v2m_training.fit.run.save_state

    def save_and_stop(path: Path, step: int, *parts: Any, **more: Any) -> None:
        save_state(path, step, *parts, **more)
        if step == 4:
            raise Stopped

    again = replace(config, out_dir=tmp_path / "again")
    with monkeypatch.context() as patched:
        patched.setattr(v2m_training.fit.run, "save_state", save_and_stop)
        with pytest.raises(Stopped):
            fit(again)
    resumed = load_file(fit(again))
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
    lines = [(run.out_dir / "log.jsonl").read_text().splitlines() for run in (config, again)]
    told = [[line.split(', "steps_per_s"')[0] for line in of_run] for of_run in lines]
    assert told[0] == told[1]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_two_processes_train_a_family_as_one_does(
    family: str, folders: Callable[[str], Path], tmp_path: Path, toy: ModuleType
) -> None:
    config = run_of(family, folders(family), tmp_path, toy, trained="everything", steps=4)
    alone = load_file(fit(config))
    (tmp_path / "two.toml").write_text(
        f'family = "{family}"\ndata = "set"\nout_dir = "two"\nweights = "{config.weights}"\n'
        f'trained = "everything"\nsteps = 4\nbatch_size = 4\ncrop_s = {config.crop_s}\ndevice = "cpu"\n'
        'precision = "float32"\nlog_every = 2\nsave_every = 100\n[optimisation]\nwarmup_steps = 1\n'
        "learning_rate = 1e-3\nnew_rate = 5e-2\nema_decay = 0.5\n"
        "[measuring]\nevery = 0\nexcerpts = 2\nsamples = 0\n[lora]\nrank = 2\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "v2m_training", "fit", "--config", str(tmp_path / "two.toml")]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    together = load_file(tmp_path / "two" / "trained.safetensors")
    for name, value in alone.items():
        assert torch.allclose(together[name], value, atol=2e-4), name
    one, two = (
        [json.loads(line) for line in (tmp_path / out / "log.jsonl").read_text().splitlines()]
        for out in ("run", "two")
    )
    assert [line["step"] for line in one] == [line["step"] for line in two]
    for a, b in zip(one, two, strict=True):
        name = "loss" if "loss" in a else "held_out_loss"
        assert b[name] == pytest.approx(a[name], rel=1e-4)
