"""A fine-tuning run from a prepared set to averaged weights, going on from where it was stopped.

A run's folder holds `trained.safetensors` (averaged weights of what was trained, when it is done),
`state.safetensors` while it runs, `log.jsonl`, `tensorboard/` and `samples/`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open

from v2m.backbones.sound.adapter import load_adapter
from v2m.errors import InputError
from v2m.timebase import SAMPLE_RATE_HZ
from v2m_training.fit.batches import Batches, ReadAhead
from v2m_training.fit.config import FitConfig
from v2m_training.fit.cost import Cost, cost_of
from v2m_training.fit.families import load_family
from v2m_training.fit.head import HeadModel
from v2m_training.fit.log import Log
from v2m_training.fit.measures import measure
from v2m_training.fit.state import load_state, save_state, write_tensors
from v2m_training.fit.team import Team, gathered, repeatable
from v2m_training.fit.trainable import Trainable
from v2m_training.fit.trainer import Trainer
from v2m_training.prepare.prepared import PreparedSet, SetFacts

_HARMLESS: Final = (
    "out_dir", "data", "weights", "device", "cluster", "measuring", "save_every", "log_every",
    "micro_batch", "checkpointing", "steps", "adapter", "repeatable",
)  # fmt: skip
"""Settings that do not decide a state: where things lie, what is watched, how the work is divided. A run can
be lengthened: its state does not depend on its end."""

_HARMLESS_RATES: Final = ("fall_share", "final_rate")


def fit(config: FitConfig, model: Trainable | None = None) -> Path:
    """Fine-tune to the end; every process of a team calls it.

    Args:
        config: what is asked.
        model: to be trained; the family's own by default.

    Returns:
        The averaged weights of what was trained; at once, if they are there already.

    Raises:
        InputError: the set is not for this model.
        UnfinishedError: the loss is no longer a finite number.
    """
    with gathered(config.device) as team, repeatable(config.repeatable):
        prepared = PreparedSet(config.data)
        model = model or _model_of(config, prepared, team)
        check_set(prepared.facts, model)
        _begin_column(config, model)
        digest = _digest(config, model, prepared)
        done = config.out_dir / "trained.safetensors"
        if _is_done(done, digest, config):
            return done
        if team.is_first:
            config.out_dir.mkdir(parents=True, exist_ok=True)
        team.wait()
        return _train(config, model, prepared, team, digest)


def dry_run(config: FitConfig, model: Trainable | None = None) -> Cost:
    """What a run would take, found by trying a short excerpt; nothing is written.

    Raises:
        InputError: the set is not for this model.
    """
    with gathered(config.device) as team:
        prepared = PreparedSet(config.data)
        model = model or _model_of(config, prepared, team)
        check_set(prepared.facts, model)
        alone = replace(config, checkpointing=False)  # else what the blocks keep would not be seen
        return cost_of(Trainer(model, alone, team), Batches(prepared, config), config)


def _model_of(config: FitConfig, prepared: PreparedSet, team: Team) -> Trainable:
    if config.trained != "head":
        return load_family(config, team.device)
    frames = round(config.crop_s * float(prepared.facts.rate_hz))
    return HeadModel(prepared.facts, config.head, config.seed, frames)


def _begin_column(config: FitConfig, model: Trainable) -> None:
    """Put an adapter's column in the place of the first curve's."""
    if config.adapter is None or config.trained == "head":
        return
    column = dict(model.module.named_parameters())[model.column]
    adapter = load_adapter(
        config.adapter, base_sha256=model.weights_sha256, grid=model.grid, width=column.shape[-1]
    )
    with torch.no_grad():
        column[0] = torch.from_numpy(adapter.column.reshape(-1))


def check_set(facts: SetFacts, model: Trainable) -> None:
    """Refuse a set of latents that another model made.

    Raises:
        InputError: name, weights or grid differ.
    """
    grid = model.grid
    if facts.weights_sha256 != model.weights_sha256 or facts.channels != grid.channels:
        raise InputError(
            f"The set was prepared for {facts.model} ({facts.weights_sha256[:12]}), "
            f"the model is {model.name} ({model.weights_sha256[:12]}).",
            hint="Prepare the set with this very model: latents of one mean nothing to another.",
        )


def _train(config: FitConfig, model: Trainable, prepared: PreparedSet, team: Team, digest: str) -> Path:
    trainer, batches = Trainer(model, config, team), Batches(prepared, config)
    state = config.out_dir / "state.safetensors"
    trainer.step = load_state(state, digest, trainer.trained, trainer.average, trainer.optimizer)
    log = Log(config.out_dir, trainer.step, config.log_every, writes=team.is_first)
    ahead = ReadAhead(batches, trainer.step, team.rank, trainer.share)
    try:
        for batch in ahead:
            if trainer.step >= config.steps:
                break
            log.step(trainer.step + 1, trainer.update(batch))
            if _is_due(trainer.step, config.measuring.every, config.steps):
                _measure(trainer, batches, config, log)
            if trainer.step % config.save_every == 0:
                save_state(
                    state, trainer.step, digest, trainer.trained, trainer.average, trainer.optimizer,
                    writes=team.is_first,
                )  # fmt: skip
    finally:
        ahead.close()
    done = config.out_dir / "trained.safetensors"
    header = {
        "digest": digest, "steps": str(config.steps), "processes": str(team.size),
        "settings": json.dumps(_plain(config)),
    }  # fmt: skip
    write_tensors(done, trainer.average, header, writes=team.is_first)
    team.wait()
    if team.is_first:
        state.unlink(missing_ok=True)
    return done


def _is_due(step: int, every: int, steps: int) -> bool:
    return step == steps or (every > 0 and step % every == 0)


def _measure(trainer: Trainer, batches: Batches, config: FitConfig, log: Log) -> None:
    found = measure(trainer, batches, config, config.out_dir / "samples")
    log.write(trainer.step, found.figures)
    for i, path in enumerate(found.samples):
        frames = round(config.crop_s * SAMPLE_RATE_HZ)
        log.sound(trainer.step, f"sample-{i}", path, SAMPLE_RATE_HZ, frames)


def _plain(config: FitConfig) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return values


def _digest(config: FitConfig, model: Trainable, prepared: PreparedSet) -> str:
    settings = {name: value for name, value in _plain(config).items() if name not in _HARMLESS}
    for name in _HARMLESS_RATES:
        del settings["optimisation"][name]
    settings["base"] = model.weights_sha256
    settings["adapter"] = file_sha256(config.adapter) if config.adapter else ""
    settings["set"] = [[track.sha256, track.split, track.text] for track in prepared.tracks]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_done(path: Path, digest: str, config: FitConfig) -> bool:
    if not path.is_file():
        return False
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
    return header.get("digest") == digest and header.get("steps") == str(config.steps)


def trained_weights(run: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The averaged weights that a finished run left, and their header.

    Raises:
        InputError: the run is not done, or its file is damaged.
    """
    path = run / "trained.safetensors"
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            return tensors, dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{run} holds no finished run: {error}.", hint="Run `v2m-train fit` to its end first."
        ) from error
