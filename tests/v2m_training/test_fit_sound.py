"""Fine-tuning of sound models on a toy: it learns, only what may move moves, and nothing else decides."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest
import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor
from v2m_training.export.adapter import export_run
from v2m_training.fit.ablation import Ablation
from v2m_training.fit.config import (
    CurveInput,
    Distillation,
    FitConfig,
    HeadShape,
    LowRank,
    Measuring,
    Optimisation,
)
from v2m_training.fit.lora import merged_weights
from v2m_training.fit.objective import Objective, data_of, noised, prediction_between, stepped, target
from v2m_training.fit.run import fit
from v2m_training.fit.team import Team, with_weights
from v2m_training.settings import read_settings

from v2m.backbones.sound.head import load_head
from v2m.errors import CheckpointError, InputError, UnfinishedError, UsageError

TRAINING = Path(__file__).parents[2] / "training"


@pytest.fixture
def config(toy: ModuleType, tmp_path: Path) -> FitConfig:
    return FitConfig(
        "toy", toy.write_set(tmp_path / "set"), tmp_path / "run", steps=12, batch_size=4, crop_s=3.2,
        device="cpu", precision="float32", log_every=2, save_every=4,
        optimisation=Optimisation(warmup_steps=2, learning_rate=5e-3, new_rate=5e-2, ema_decay=0.5),
        measuring=Measuring(every=0, excerpts=4, samples=0), lora=LowRank(rank=2, targets="attn"),
    )  # fmt: skip


def log_of(config: FitConfig) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (config.out_dir / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "steps_per_s"} for line in lines]


@pytest.mark.parametrize("objective", ["rectified_flow", "v_prediction"])
def test_the_loss_of_held_out_music_falls(config: FitConfig, toy: ModuleType, objective: Objective) -> None:
    config = replace(config, trained="everything", steps=40, measuring=replace(config.measuring, every=39))
    fit(config, toy.ToyModel(objective))
    held_out = [line["held_out_loss"] for line in log_of(config) if "held_out_loss" in line]
    losses = [line["loss"] for line in log_of(config) if "loss" in line]
    assert held_out[-1] < 0.9 * losses[0]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("trained", "moved"),
    [
        ("column", {"event_column"}),
        ("lora", {"event_column", "lora_down", "lora_up"}),
        ("everything", {"event_column", "weight", "bias"}),
    ],
)
def test_only_what_is_trained_moves(
    config: FitConfig, toy: ModuleType, trained: Any, moved: set[str]
) -> None:
    model = toy.ToyModel()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    weights = load_file(fit(replace(config, trained=trained), model))
    after = model.module.state_dict()
    assert {name.rsplit(".", 1)[-1] for name in weights} == moved
    for name, value in before.items():
        assert torch.equal(after[name], value) == (name not in weights), name
    assert bool((weights["event_column"] != 0).any())
    if trained == "lora":
        layers = [name for name, _ in merged_weights(model.module)]
        assert layers == ["blocks.0.attn_in.weight", "blocks.1.attn_in.weight"]


def test_a_column_of_zeros_is_the_base_model(toy: ModuleType) -> None:
    model = toy.ToyModel()
    x, time, curve = torch.randn(2, 9, 4), torch.rand(2), torch.randn(2, 9, 1)
    asked = model.conditioning(["calm", None], [1.0, 1.0])
    assert torch.equal(model.velocity(x, time, asked, curve), model.module(x, time, asked))


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import toy_sound_model
import v2m_training.fit.run as run
from v2m_training.settings import read_settings
from v2m_training.export.adapter import export_run
from v2m_training.fit.ablation import Ablation
from v2m_training.fit.config import FitConfig
save_state = run.save_state
def save_and_die(path, step, *parts, **more):
    save_state(path, step, *parts, **more)
    if step == 8:
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[3] == "dies":
    run.save_state = save_and_die
run.fit(read_settings(FitConfig, Path(sys.argv[2])), toy_sound_model.ToyModel())
"""

TOML = """
family = "toy"
data = "set"
out_dir = "{out}"
trained = "{trained}"
steps = 12
batch_size = 4
crop_s = 3.2
device = "cpu"
precision = "float32"
log_every = 2
save_every = 4
[optimisation]
warmup_steps = 2
learning_rate = 5e-3
new_rate = 5e-2
ema_decay = 0.5
[measuring]
every = 0
excerpts = 4
samples = 0
[lora]
rank = 2
targets = "attn"
"""


Launcher = Literal["python", "torchrun", "two machines", "accelerate"]


def run_apart(
    folder: Path, out: str, trained: str, *, dies: bool = False, launcher: Launcher = "python"
) -> int:
    """A run in processes of its own: one, or two by some launcher."""
    settings, script = folder / f"{out}.toml", folder / "run_toy.py"
    settings.write_text(TOML.format(out=out, trained=trained))
    script.write_text(KILLED)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    arguments = [str(script), str(Path(__file__).parent), str(settings), "dies" if dies else "lives"]
    running = [
        subprocess.Popen(
            [sys.executable, *launch, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for launch in launches(launcher, port)
    ]  # fmt: skip
    told = [process.communicate()[1].decode() for process in running]
    codes = [process.returncode for process in running]
    if not dies:
        assert codes == [0] * len(codes), told
    return codes[0]


def launches(launcher: Launcher, port: str) -> list[list[str]]:
    """What comes before the script, once for each machine."""
    torchrun = ["-m", "torch.distributed.run", "--master-addr", "127.0.0.1", "--master-port", port]
    match launcher:
        case "torchrun":
            return [[*torchrun, "--nproc-per-node", "2"]]
        case "two machines":
            return [[*torchrun, "--nnodes", "2", "--node-rank", str(rank)] for rank in range(2)]
        case "accelerate":
            command = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
            return [[*command, "--num_machines", "1", "--main_process_port", port, "--mixed_precision", "no",
                     "--dynamo_backend", "no", "--num_cpu_threads_per_process", "1"]]  # fmt: skip
    return [[]]


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_was_not(config: FitConfig, toy: ModuleType, tmp_path: Path) -> None:
    whole = load_file(fit(replace(config, trained="lora"), toy.ToyModel()))
    assert run_apart(tmp_path, "again", "lora", dies=True) == -signal.SIGKILL
    assert not (tmp_path / "again/trained.safetensors").exists()
    run_apart(tmp_path, "again", "lora")
    resumed = load_file(tmp_path / "again/trained.safetensors")
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert log_of(replace(config, out_dir=tmp_path / "again")) == log_of(config)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trained", "launcher"),
    [("column", "two machines"), ("lora", "accelerate"), ("everything", "torchrun")],
)
def test_two_processes_learn_as_one_does(
    config: FitConfig, toy: ModuleType, tmp_path: Path, trained: Any, launcher: Launcher
) -> None:
    if launcher == "accelerate":
        pytest.importorskip("accelerate", reason="it launches the processes")
    alone = load_file(fit(replace(config, trained=trained), toy.ToyModel()))
    run_apart(tmp_path, "two", trained, launcher=launcher)
    together = load_file(tmp_path / "two/trained.safetensors")
    for name, value in alone.items():
        assert torch.allclose(together[name], value, atol=1e-5), name
    with safe_open(tmp_path / "two/trained.safetensors", framework="pt") as file:
        assert file.metadata()["processes"] == "2"
    one, two = log_of(config), log_of(replace(config, out_dir=tmp_path / "two"))
    assert [line["step"] for line in two] == [line["step"] for line in one]
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, rel=1e-4)


@pytest.mark.slow
def test_a_run_of_two_processes_is_ended_by_one(config: FitConfig, toy: ModuleType, tmp_path: Path) -> None:
    whole = load_file(fit(replace(config, trained="everything"), toy.ToyModel()))
    assert run_apart(tmp_path, "two", "everything", launcher="torchrun", dies=True) != 0
    assert (tmp_path / "two/state.safetensors").is_file()
    run_apart(tmp_path, "two", "everything")
    ended = load_file(tmp_path / "two/trained.safetensors")
    assert all(torch.allclose(ended[name], value, atol=1e-5) for name, value in whole.items())


def test_recomputing_and_small_passes_change_nothing(config: FitConfig, toy: ModuleType) -> None:
    config = replace(config, trained="everything")
    plain = load_file(fit(replace(config, checkpointing=False), toy.ToyModel()))
    other = replace(config, micro_batch=1, out_dir=config.out_dir.with_name("small"))
    small = load_file(fit(other, toy.ToyModel()))
    assert all(torch.allclose(small[name], value, atol=1e-5) for name, value in plain.items())


def test_samples_are_written_and_their_following_is_told(config: FitConfig, toy: ModuleType) -> None:
    measuring = Measuring(every=0, excerpts=2, samples=2, sampling_steps=2)
    fit(replace(config, steps=2, measuring=measuring), toy.ToyModel())
    line = log_of(config)[-1]
    assert line["samples"] == 2
    assert all(-1 <= line[name] <= 1 for name in ("follows", "follows_off"))
    assert len(list((config.out_dir / "samples").glob("*.wav"))) == 2


def test_several_curves_have_a_column_each(config: FitConfig, toy: ModuleType) -> None:
    curve = CurveInput(kernels_s=(0.5, 2.5))
    weights = load_file(fit(replace(config, curve=curve), toy.ToyModel(curves=2)))
    assert weights["event_column"].shape == (2, toy.WIDTH)
    assert bool((weights["event_column"] != 0).all())


def test_a_finished_run_is_not_made_again_and_a_foreign_state_is_refused(
    config: FitConfig, toy: ModuleType
) -> None:
    fit(config, toy.ToyModel())
    before = (config.out_dir / "log.jsonl").read_text()
    fit(config, toy.ToyModel())
    assert (config.out_dir / "log.jsonl").read_text() == before
    trained = config.out_dir / "trained.safetensors"
    trained.rename(config.out_dir / "state.safetensors")
    with pytest.raises(CheckpointError, match="other settings"):
        fit(replace(config, seed=2), toy.ToyModel())


def test_what_cannot_be_trained_is_refused(config: FitConfig, toy: ModuleType) -> None:
    other = toy.ToyModel()
    other.weights_sha256 = "8" * 64
    with pytest.raises(InputError, match="prepared for toy"):
        fit(config, other)
    with pytest.raises(InputError, match="at least 1000 frames"):
        fit(replace(config, crop_s=100), toy.ToyModel())
    with pytest.raises(InputError, match="no curve of musicfm"):
        fit(replace(config, curve=CurveInput("musicfm")), toy.ToyModel())
    with pytest.raises(UsageError, match="nothing to update"):
        fit(replace(config, trained="lora", lora=LowRank(2, "no such layer")), toy.ToyModel())
    wild = replace(config.optimisation, new_rate=1e38, clip_norm=1e38, warmup_steps=0)
    with pytest.raises(UnfinishedError, match="The loss is"):
        fit(replace(config, optimisation=wild), toy.ToyModel())
    with pytest.raises(UsageError, match="shared evenly by 3"):
        config.share_of(3)


@pytest.mark.parametrize("objective", ["rectified_flow", "v_prediction"])
def test_a_true_prediction_leads_to_the_data_in_one_step(objective: Objective) -> None:
    data, noise, time = torch.randn(3, 5, 2), torch.randn(3, 5, 2), torch.tensor([0.1, 0.5, 0.9])
    x_t = noised(objective, data, noise, time)
    truth = target(objective, data, noise, time)
    assert torch.allclose(data_of(objective, x_t, truth, time), data, atol=1e-5)
    assert torch.allclose(stepped(objective, x_t, truth, time, torch.ones(3)), data, atol=1e-5)
    assert torch.allclose(noised(objective, data, noise, torch.zeros(3)), noise, atol=1e-6)


def test_a_head_learns_to_hear_the_curve_in_noise(config: FitConfig, toy: ModuleType) -> None:
    config = replace(
        config, trained="head", steps=60, head=HeadShape(width=16, depth=2), curve_dropout=0.0, batch_size=8,
        log_every=10, save_every=10,
    )  # fmt: skip
    fit(config)
    lines = log_of(config)
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < 0.8 * losses[0]
    path = export_run(config.out_dir, config.out_dir / "head.safetensors")
    stored = load_head(path)
    stored.check(path, toy.TOY_GRID)
    assert stored.recipe["trained_on"] == "toy"
    with pytest.raises(UsageError, match="one curve"):
        replace(config, measuring=Measuring(samples=1))


@pytest.mark.parametrize(
    "objective", ["rectified_flow", pytest.param("v_prediction", marks=pytest.mark.slow)]
)
def test_a_student_learns_where_its_teachers_steps_lead(
    config: FitConfig, toy: ModuleType, objective: Objective
) -> None:
    taught = toy.ToyModel(objective)
    with torch.no_grad():
        taught.module.event_column.normal_(std=0.3)
    before = {name: value.clone() for name, value in taught.module.state_dict().items()}
    config = replace(
        config, trained="lora", recipe="distill", distill=Distillation(2, 3, 2.0), steps=60,
        log_every=10, save_every=10, lora=LowRank(8, ""), text_dropout=0.0, curve_dropout=0.0,
        optimisation=replace(config.optimisation, new_rate=1e-2),
    )  # fmt: skip
    weights = load_file(fit(config, taught))
    assert all("lora_" in name for name in weights)
    after = taught.module.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    losses = [line["loss"] for line in log_of(config) if "loss" in line]
    assert losses[-1] < 0.7 * losses[0]
    with pytest.raises(UsageError, match="distilled with"):
        replace(config, trained="everything")


@pytest.mark.parametrize("objective", ["rectified_flow", "v_prediction"])
def test_a_step_leads_to_where_its_prediction_was_taken_from(objective: Objective) -> None:
    x, later = torch.randn(3, 5, 2), torch.randn(3, 5, 2)
    start, end = torch.tensor([0.0, 0.2, 0.7]), torch.tensor([0.3, 0.4, 1.0])
    said = prediction_between(objective, x, later, start, end)
    assert torch.allclose(stepped(objective, x, said, start, end), later, atol=1e-4)


@pytest.mark.parametrize("path", sorted((TRAINING / "recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_the_recipes_that_come_along_make_sense(path: Path) -> None:
    assert read_settings(FitConfig, path).data == path.parent / "prepared"


@pytest.mark.parametrize("path", sorted((TRAINING / "ablations").glob("*.toml")), ids=lambda path: path.stem)
def test_the_ablations_that_come_along_train_an_arm_each(
    path: Path, config: FitConfig, toy: ModuleType
) -> None:
    ablation = read_settings(Ablation, path)
    runs = [ablation.run_of(replace(config, steps=1), arm) for arm in ablation.chosen(None)]
    assert len({run.out_dir for run in runs}) == len(runs) > 1
    for run in runs:
        if run.curve.encoder == "spectral":
            fit(run, toy.ToyModel(curves=len(run.curve.kernels_s)))
    with pytest.raises(UsageError, match="no arm"):
        ablation.chosen("none such")


def test_each_block_is_spread_by_itself(toy: ModuleType) -> None:
    from torch.testing._internal.distributed.fake_pg import FakeStore

    model = toy.ToyModel()
    blocks = model.blocks()
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    try:
        early = [with_weights(block.ff, nn.Identity()) for block in blocks]
        Team(torch.device("cpu"), 0, 2).shard(model.module, blocks, early)
        spread = [part for part in model.module.modules() if isinstance(part, FSDPModule)]
        assert spread == [model.module, *(part for block in blocks for part in (block, block.ff))]
        assert all(isinstance(value, DTensor) for value in model.module.parameters())
    finally:
        dist.destroy_process_group()
