"""Training from outside: it learns, survives a kill to the same weights, and exports what loads."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from v2m_training.batches import CHANNEL_GROUPS, training_batch
from v2m_training.cli import main
from v2m_training.config import ModelConfig, RunConfig, StageConfig
from v2m_training.dataset import read_corpus
from v2m_training.train import learning_rate, train_stage

from v2m.codecs.layout import CHANNEL_COUNT, GROUPS, group_slices
from v2m.errors import CheckpointError, InputError, MissingPartError, UnfinishedError
from v2m.model.checkpoint import load_checkpoint
from v2m.model.conditioning import NO_TERM
from v2m.prompt.vocabulary import TERMS

TOML = """
threads = 1
log_every = 2
save_every = {save_every}
validate_every = 1000
validation_pieces = 2
device = "cpu"
[model]
width = 32
depth = 2
heads = 2
[text_to_music]
steps = {steps}
batch_size = 4
window_frames = 32
learning_rate = 5e-3
warmup_steps = 2
ema_decay = 0.9
[curve]
steps = 4
batch_size = 4
window_frames = 32
warmup_steps = 1
"""


def write_shard(folder: Path, number: int, pieces: int = 6, frames: int = 80) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    tensors, facts = {}, []
    for k in range(pieces):
        # Channels that beat at fixed periods: easy to learn, and no two alike.
        wave = np.sin(np.arange(frames)[:, None] * np.pi / (1 + np.arange(CHANNEL_COUNT) % 8))
        tensors[f"latents_{k}"] = np.where(wave > 0.1, 1, -1).astype(np.float16)
        tensors[f"curve_{k}"] = rng.standard_normal(frames).astype(np.float16)
        terms = [TERMS[i].name for i in rng.integers(len(TERMS), size=3)]
        facts.append({"terms": terms, "beats_per_bar": 4, "bpm": 110.0, "frames": frames})
    save_file(tensors, folder / f"{number:04d}.safetensors")
    (folder / f"{number:04d}.json").write_text(json.dumps(facts))


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    for stage in ("text-to-music", "curve"):
        write_shard(tmp_path / "corpus" / stage, 0)
        write_shard(tmp_path / "corpus" / stage, 1)
    path = tmp_path / "run.toml"
    path.write_text(TOML.format(save_every=3, steps=16))
    return path


def _log(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_both_stages_learn_and_export_a_model_that_loads(
    run_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = run_file.parent
    for command in ("text-to-music", "curve", "export"):
        assert main([command, "--config", str(run_file)]) == 0
    printed = capfd.readouterr().out.split()
    assert printed[-1] == str(folder / "sketch.safetensors")
    lines = [line for line in _log(folder / "run" / "text-to-music.jsonl") if "loss" in line]
    assert [line["step"] for line in lines] == list(range(2, 17, 2))
    assert lines[-1]["loss"] < 0.9 * lines[0]["loss"]
    exported = load_checkpoint(folder / "sketch.safetensors")
    assert exported.model.config.curve_channels == 1
    assert exported.model.config.channel_groups == CHANNEL_GROUPS
    assert json.loads(exported.notes["terms"]) == [term.name for term in TERMS]
    assert bool((exported.model.state_dict()["curve_column"] != 0).any())
    assert not list((folder / "run").glob("*.state"))


def test_a_finished_stage_is_not_trained_again(run_file: Path, tmp_path: Path) -> None:
    run = _small_run(tmp_path)
    train_stage(run, "text-to-music")
    log = tmp_path / "run" / "text-to-music.jsonl"
    before = log.read_text()
    train_stage(run, "text-to-music")
    assert log.read_text() == before


KILLED = """
import os, signal, sys
from v2m_training import train
from v2m_training.cli import main
save_state = train.save_state
def save_and_die(path, step, *parts):
    save_state(path, step, *parts)
    if step == 9:
        os.kill(os.getpid(), signal.SIGKILL)
train.save_state = save_and_die
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_killed_and_lengthened_run_ends_as_one_that_was_neither(run_file: Path, tmp_path: Path) -> None:
    assert main(["text-to-music", "--config", str(run_file)]) == 0
    whole = load_file(tmp_path / "run" / "text-to-music.safetensors")
    again = tmp_path / "again.toml"
    settings = 'out_dir = "again"\n' + run_file.read_text()
    again.write_text(settings.replace("steps = 16", "steps = 14"))
    command = [sys.executable, "-c", KILLED, "text-to-music", "--config", str(again)]
    killed = subprocess.run(command, stderr=subprocess.PIPE)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert (tmp_path / "again" / "text-to-music.state").is_file()
    assert not (tmp_path / "again" / "text-to-music.safetensors").exists()
    again.write_text(settings)
    assert main(["text-to-music", "--config", str(again)]) == 0
    steps = [line["step"] for line in _log(tmp_path / "again" / "text-to-music.jsonl") if "loss" in line]
    assert 10 in steps
    assert steps.count(2) == 1  # it went on and did not begin again
    resumed = load_file(tmp_path / "again" / "text-to-music.safetensors")
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_a_state_of_other_settings_or_damaged_is_refused(run_file: Path, tmp_path: Path) -> None:
    state = tmp_path / "run" / "text-to-music.state"
    state.parent.mkdir()
    state.write_bytes(b"not a state at all")
    with pytest.raises(CheckpointError, match="damaged"):
        train_stage(_small_run(tmp_path), "text-to-music")
    source = (tmp_path / "corpus" / "text-to-music" / "0000.safetensors").read_bytes()
    state.write_bytes(source)  # a sound file that is no state
    with pytest.raises(CheckpointError):
        train_stage(_small_run(tmp_path), "text-to-music")


def _small_run(folder: Path, **changes: object) -> RunConfig:
    stage = StageConfig(steps=3, batch_size=2, window_frames=32, warmup_steps=1, **changes)  # type: ignore[arg-type]
    return RunConfig(
        corpus_dir=folder / "corpus", out_dir=folder / "run", threads=1, device="cpu", validation_pieces=1,
        model=ModelConfig(width=32, depth=1, heads=1), text_to_music=stage, curve=stage,
    )  # fmt: skip


def test_the_column_alone_can_be_trained(run_file: Path, tmp_path: Path) -> None:
    base = load_file(train_stage(_small_run(tmp_path), "text-to-music"))
    tuned = load_file(train_stage(_small_run(tmp_path, trainable="column"), "curve"))
    assert all(torch.equal(tuned[name], base[name]) for name in base)
    assert bool((tuned["curve_column"] != 0).all())
    assert float(torch.tensor(1e-40) * 1.0) > 0  # training leaves the process's arithmetic as it was


def test_the_curve_needs_a_trained_base(run_file: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPartError, match="text-to-music"):
        train_stage(_small_run(tmp_path), "curve")
    assert main(["export", "--config", str(run_file)]) == MissingPartError.exit_code


def test_a_loss_that_explodes_stops_the_run(run_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UnfinishedError, match="The loss is"):
        train_stage(
            _small_run(tmp_path, learning_rate=1e38, clip_norm=1e38, optimizer="adamw"), "text-to-music"
        )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("surprise = 1", 2),
        ("[model]\nwidth = 'wide'", 2),
        ("[curve]\nsteps = 0", 2),
        ("[curve]\ntext_dropout = 1.5", 2),
        ("[curve]\noptimizer = 'sgd'", 2),
        ("[curve]\ntrainable = 'none'", 2),
        ("[curve]\nwindow_frames = 30", 2),
        ("model = 3", 2),
        ("not toml", 3),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int
) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    assert main(["curve", "--config", str(path)]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_no_corpus_and_damaged_corpora_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds 0 pieces"):
        read_corpus(tmp_path, 1, 16)
    folder = tmp_path / "corpus"
    write_shard(folder, 0)
    facts = json.loads((folder / "0000.json").read_text())
    for change in ({"terms": ["no such term"]}, {"frames": 79}, {"bpm": "fast"}):
        (folder / "0000.json").write_text(json.dumps([{**facts[0], **change}]))
        with pytest.raises(InputError, match=r"0000\.safetensors"):
            read_corpus(folder, 1, 16)
    (folder / "0000.json").write_text(json.dumps(facts))
    assert len(read_corpus(folder, 2, 16).validation) == 1
    with pytest.raises(InputError, match="0 pieces of at least 81"):
        read_corpus(folder, 2, 81)


def test_batches_are_a_function_of_their_seed_and_teach_every_task(tmp_path: Path) -> None:
    write_shard(tmp_path, 0)
    pieces = read_corpus(tmp_path, 1, 32).training
    stage = StageConfig(batch_size=256, window_frames=32, short_share=0.0)
    batch, again = (training_batch(pieces, stage, True, (1, 2, 3)) for _ in range(2))
    other = training_batch(pieces, stage, True, (1, 2, 4))
    assert torch.equal(batch.data, again.data)
    assert torch.equal(batch.noise, again.noise)
    assert not torch.equal(batch.noise, other.noise)
    asked = batch.conditioning
    known = asked.mask.mean(dim=(1, 2))
    assert float((known == 0).float().mean()) == pytest.approx(0.5, abs=0.1)
    assert float(known.max()) < 1
    assert asked.term_ids is not None
    assert asked.curve is not None
    silent = (asked.term_ids == NO_TERM).all(dim=1).float().mean()
    assert 0.08 < float(silent) < 0.35  # a tenth on purpose, and some of those that keep few words
    assert float((asked.curve == 0).all(dim=1).float().mean()) == pytest.approx(0.1, abs=0.06)
    cells = asked.mask[..., list(CHANNEL_GROUPS)]
    assert torch.equal(asked.masked_latent, batch.data * cells)
    assert training_batch(pieces, stage, False, (1, 2, 3)).conditioning.curve is None


def test_some_batches_hold_twice_as_many_excerpts_of_half_the_length(tmp_path: Path) -> None:
    write_shard(tmp_path, 0)
    pieces = read_corpus(tmp_path, 1, 32).training
    stage = StageConfig(batch_size=2, window_frames=32, short_share=0.5)
    shapes = {tuple(training_batch(pieces, stage, False, (0, 0, i)).data.shape[:2]) for i in range(30)}
    assert shapes == {(2, 32), (4, 16)}


def test_every_channel_belongs_to_the_group_of_its_part() -> None:
    assert len(CHANNEL_GROUPS) == CHANNEL_COUNT
    for index, group in enumerate(GROUPS):
        assert set(CHANNEL_GROUPS[group_slices[group]]) == {index}


def test_the_rate_rises_is_held_and_falls_at_last() -> None:
    stage = StageConfig(steps=100, warmup_steps=10, learning_rate=1.0, final_rate=0.1, fall_share=0.4)
    rates = [learning_rate(step, stage) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert set(rates[9:61]) == {1.0}
    assert rates[80] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
