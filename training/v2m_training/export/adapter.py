"""From a finished run to the files that the product reads.

Where the column alone was trained that is one adapter for the base as it is. Where more moved, the base's
folder is written anew with its weights, and the adapter names that folder: the two belong together.
Conventions: as in `v2m.backbones.sound.adapter`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from v2m.backbones import added_folder
from v2m.backbones.sound.adapter import EventAdapter, load_adapter, save_adapter
from v2m.backbones.sound.checkpoint import load_strict, read_safetensors
from v2m.backbones.sound.head import HeadConfig, LatentHead, StoredHead, save_head
from v2m.curves import FINE_RATE_HZ, LAG_S
from v2m.errors import CheckpointError, InputError, OutputExistsError, UsageError
from v2m.model.checkpoint import write_whole
from v2m_training.export.card import write_card
from v2m_training.fit.config import CurveInput, FitConfig
from v2m_training.fit.families import load_family
from v2m_training.fit.lora import DOWN, UP
from v2m_training.fit.run import trained_weights
from v2m_training.fit.trainable import Trainable
from v2m_training.prepare.prepared import PreparedSet
from v2m_training.settings import build_settings

_SAMPLE = 200
"""Tracks whose curves tell the range: the highest of so many is as good as that of all."""


def export_run(run: Path, out: Path, model: Trainable | None = None) -> Path:
    """Write the adapter of a run, and its card beside it.

    Args:
        run: folder of a finished run of `fit`.
        out: the adapter's file, or, where more than the column was trained, the folder for model and adapter.
        model: of the run; the family's own by default.

    Returns:
        The adapter.

    Raises:
        InputError: the run is not done, or its set is gone.
        UsageError: it was trained on several curves, of which the product tells one.
        OutputExistsError: the folder for the model is there.
    """
    weights, header = trained_weights(run)
    config = settings_of(header)
    prepared = PreparedSet(config.data)
    if config.trained == "head":
        return export_head(config, prepared, weights, out)
    if model is None:
        model = load_family(config, torch.device("cpu"))
    column = weights.pop(model.column, None)
    if column is None:  # distilled: the column is the one that it was given, or none
        column = _given_column(config, model)
    if len(column) != 1:
        kernels = ", ".join(f"{kernel_s:g}" for kernel_s in config.curve.kernels_s)
        raise UsageError(
            f"The run was told {len(column)} curves, smoothed over {kernels} s: a programme has one, "
            "smoothed once and kept with its take, so nobody would tell the model the others.",
            hint="Such runs are for comparing time scales; train one with a single value in kernels_s.",
        )
    base, place = model.weights_sha256, out
    if weights:
        base, place = _with_weights(config, model, weights, out), out / "adapter.safetensors"
    adapter = EventAdapter(
        column[0].float().numpy(), base, model.grid.rate_hz, recipe_of(config.curve),
        _range(prepared, config.curve),
    )  # fmt: skip
    place.parent.mkdir(parents=True, exist_ok=True)
    save_adapter(place, adapter)
    write_card(place.with_suffix(".md"), config, prepared, adapter, _last_measures(run))
    return place


def export_head(config: FitConfig, prepared: PreparedSet, weights: dict[str, Tensor], out: Path) -> Path:
    """Write the head of a run; the file.

    Raises:
        OutputWriteError: the folder or the disk does not take it.
    """
    facts = prepared.facts
    head = LatentHead(HeadConfig(facts.channels, config.head.width, config.head.depth))
    load_strict(head, weights)
    out.parent.mkdir(parents=True, exist_ok=True)
    recipe = {**recipe_of(config.curve), "trained_on": facts.model}
    save_head(out, StoredHead(head, facts.rate_hz, recipe))
    return out


def _given_column(config: FitConfig, model: Trainable) -> Tensor:
    """(1, d) of the adapter that a run began with; zeros without one: a model that follows no curve."""
    width = dict(model.module.named_parameters())[model.column].shape[-1]
    if config.adapter is None:
        return torch.zeros(1, width)
    sha256 = model.weights_sha256
    adapter = load_adapter(config.adapter, base_sha256=sha256, grid=model.grid, width=width)
    return torch.from_numpy(adapter.column).reshape(1, width)


def settings_of(header: Mapping[str, str]) -> FitConfig:
    """The settings that a run's weights were made with.

    Raises:
        InputError: the header holds none.
    """
    try:
        values = json.loads(header["settings"])
    except (KeyError, ValueError) as error:
        raise InputError("The run's weights do not say how they were made.") from error
    return build_settings(FitConfig, {k: v for k, v in values.items() if v is not None}, Path())


def recipe_of(curve: CurveInput) -> dict[str, Any]:
    """How the curves of a run were made, as an adapter tells it."""
    return {
        "encoder": curve.encoder,
        "kernel_s": curve.kernels_s[0],
        "lag_s": LAG_S,
        "fine_rate_hz": FINE_RATE_HZ,
        "ddof": 0,
        "standardised_over": "track",
        "at": "frame middles",
    }


def _range(prepared: PreparedSet, curve: CurveInput) -> tuple[float, float]:
    tracks = prepared.of("training")[:_SAMPLE]
    values = [prepared.curves(track, curve.encoder, curve.kernels_s)[:, 0] for track in tracks]
    return float(min(map(np.min, values))), float(max(map(np.max, values)))


def _last_measures(run: Path) -> dict[str, float]:
    """What was last measured on held-out music."""
    found: dict[str, float] = {}
    log = run / "log.jsonl"
    for line in log.read_text("utf-8").splitlines() if log.is_file() else ():
        values = json.loads(line)
        if "held_out_loss" in values:
            found = values
    return found


def _with_weights(config: FitConfig, model: Trainable, trained: dict[str, Tensor], out: Path) -> str:
    """The base's folder with the weights that moved; its hash."""
    source = config.weights or added_folder(config.family)
    if out.exists():
        raise OutputExistsError(f"{out} is there already.", hint="Give another folder.")
    shutil.copytree(source, out)
    wanted = _by_official_name(model, trained)
    for path in sorted(out.glob("model*.safetensors")):
        tensors = read_safetensors(path)
        mine = {name: wanted.pop(name) for name in list(wanted) if name in tensors}
        for name, (value, is_update) in mine.items():
            old = tensors[name]
            tensors[name] = (old.float() + value if is_update else value).to(old.dtype).contiguous()
        if mine:
            write_whole(path, save(tensors))
    if wanted:
        shutil.rmtree(out)
        raise CheckpointError(
            f"{source} has no tensor {next(iter(wanted))}, nor {len(wanted) - 1} others that were trained.",
            hint="Weights can be written back to the original layout alone, not to that of diffusers.",
        )
    return load_family(replace(config, weights=out), torch.device("cpu")).weights_sha256


def _by_official_name(model: Trainable, trained: dict[str, Tensor]) -> dict[str, tuple[Tensor, bool]]:
    """What becomes of each tensor of the file: the new value, or what is added to the old."""
    found: dict[str, tuple[Tensor, bool]] = {}
    for name, value in trained.items():
        layer, _, kind = name.rpartition(".")
        if kind == DOWN:
            update = trained[f"{layer}.{UP}"].float() @ value.float()
            found[model.official_name(f"{layer}.weight")] = (update, True)
        elif kind != UP:
            found[model.official_name(name)] = (value, False)
    return found
