"""Official LoRA files of Stable Audio 3, merged into the weights before these are loaded.

A file holds small matrices for each layer that it changes, named after it, and says in its metadata of what
kind they are: `lora`, W + s B A; `dora-rows` and `dora-cols`, the same with the length of every row or column
trained apart; `bora`, with both; and each of these as `…-xs`, where B and A are the singular vectors of the
layer's own weights and only the small matrix between them is stored. Merged, a model is as fast as without.

Conventions: o output, i input, r rank; s = alpha / rank times the strength. Computed in float32.
Sources: Hu et al. 2021 (LoRA); Liu et al. 2024 (DoRA); Bałazy et al. 2024 (LoRA-XS); how files are laid out,
https://github.com/Stability-AI/stable-audio-3, `docs/workflows/lora.md`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from torch import Tensor

from v2m.backbones.sound.checkpoint import read_safetensors
from v2m.errors import CheckpointError

KINDS: Final = ("lora", "dora-rows", "dora-cols", "bora")
"""Each also with `-xs` behind it."""

_PLACE: Final = ".parametrizations.weight.0."
"""Stands in a tensor's name between the layer and the matrix."""

_TARGETS: Final = {"model.": "model.model.", "conditioners.": "conditioner.conditioners."}
"""How layers begin in a LoRA file, and in the checkpoint."""

_FACTORS: Final = {False: {"lora_A", "lora_B"}, True: {"M_xs"}}
_LENGTHS: Final = {
    "lora": set[str](),
    "dora-rows": {"magnitude"},
    "dora-cols": {"magnitude"},
    "bora": {"magnitude_r", "magnitude_c"},
}
_TINY: Final = 1e-12  # keeps a row of zeros finite; the original's


@dataclass(frozen=True)
class Lora:
    """What one file changes."""

    name: str
    kind: str
    """One of `KINDS`."""

    is_extra_small: bool
    scale: float
    """Alpha over rank, times the strength it is merged with."""

    layers: Mapping[str, Mapping[str, Tensor]]
    """Name of the weight in the checkpoint -> its matrices."""


def read_lora(path: Path, strength: float = 1.0) -> Lora:
    """Read a LoRA file.

    Args:
        path: a safetensors file as the official training exports it.
        strength: 1 as trained, 0 not at all.

    Raises:
        CheckpointError: an InputError; the file is broken, or no LoRA of a known kind.
    """
    tensors = read_safetensors(path)
    layers: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        layer, place, matrix = name.rpartition(_PLACE)
        start = next((start for start in _TARGETS if layer.startswith(start)), None)
        if not place or start is None:
            raise _refusal(path, f"it holds {name}, which is no matrix of a LoRA")
        target = _TARGETS[start] + layer.removeprefix(start) + ".weight"
        layers.setdefault(target, {})[matrix] = value.float()
    config = _config(path)
    kind, is_extra_small = _kind(path, str(config.get("adapter_type", "lora")), layers)
    expected = _FACTORS[is_extra_small] | _LENGTHS[kind]
    for target, matrices in layers.items():
        if set(matrices) != expected:
            raise _refusal(path, f"{target} has {sorted(matrices)}, expected {sorted(expected)}")
        for length in _LENGTHS[kind]:
            matrices[length] = matrices[length].flatten()  # older files keep the axis that was summed over
    if not layers:
        raise _refusal(path, "it is empty")
    rank = _number(path, config, "rank", _rank(next(iter(layers.values()))))
    alpha = _number(path, config, "alpha", rank)
    return Lora(path.stem, kind, is_extra_small, strength * alpha / rank, layers)


def merge(tensors: dict[str, Tensor], loras: Sequence[Lora]) -> None:
    """Change the weights of a checkpoint in place of its dictionary; the tensors that were there stay.

    Several are merged one after the other; singular vectors are those of the weights without any.

    Raises:
        CheckpointError: a LoRA is for layers, or for shapes, that the checkpoint does not have.
    """
    bare = dict(tensors)
    for lora in loras:
        for name, matrices in lora.layers.items():
            if name not in tensors:
                raise _misfit(lora, f"changes {name}, which these weights do not have")
            try:
                tensors[name] = _changed(tensors[name], bare[name], matrices, lora)
            except RuntimeError as error:
                shape = tuple(tensors[name].shape)
                raise _misfit(lora, f"does not fit {name} of shape {shape}") from error


def _changed(weight: Tensor, bare: Tensor, matrices: Mapping[str, Tensor], lora: Lora) -> Tensor:
    if lora.scale == 0:
        return weight
    flat = weight.flatten(1).float()  # (o, i)
    if lora.is_extra_small:
        left, right = _singular_vectors(bare.flatten(1).float(), matrices["M_xs"].shape[0])
        delta = left @ matrices["M_xs"] @ right.T
    else:
        delta = matrices["lora_B"] @ matrices["lora_A"]
    changed = flat + lora.scale * delta
    if lora.kind == "dora-rows":
        changed = _with_lengths(changed, matrices["magnitude"], 1)
    elif lora.kind == "dora-cols":
        changed = _with_lengths(changed, matrices["magnitude"], 0)
    elif lora.kind == "bora":
        changed = _with_lengths(
            _with_lengths(changed, matrices["magnitude_r"], 1), matrices["magnitude_c"], 0
        )
    return changed.reshape(weight.shape).to(weight.dtype)


def _with_lengths(weight: Tensor, lengths: Tensor, axis: int) -> Tensor:
    """(o, i) with the norms over an axis replaced."""
    unit: Tensor = weight / (weight.norm(dim=axis, keepdim=True) + _TINY)
    return unit * lengths.unsqueeze(axis)


def _singular_vectors(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """(o, r) and (i, r), the largest entry of each left one positive, so that signs are the same anywhere."""
    left, _, right = torch.linalg.svd(weight, full_matrices=False)
    largest = left.abs().argmax(dim=0)
    signs = left[largest, torch.arange(left.shape[1])].sign()
    signs[signs == 0] = 1
    return (left * signs)[:, :rank], (right * signs[:, None])[:rank].T


def _kind(path: Path, said: str, layers: Mapping[str, Mapping[str, Tensor]]) -> tuple[str, bool]:
    is_extra_small = said.endswith("-xs")
    kind = said.removesuffix("-xs")
    if kind == "dora":  # files of before there were two ways; the axis that is left over tells which
        lengths = [m["magnitude"].shape for m in layers.values() if "magnitude" in m]
        kind = "dora-cols" if lengths and len(lengths[0]) == 2 and lengths[0][0] == 1 else "dora-rows"
    if kind not in KINDS:
        raise _refusal(path, f"its kind is {said!r}, expected one of {', '.join(KINDS)}, with -xs or without")
    return kind, is_extra_small


def _rank(matrices: Mapping[str, Tensor]) -> int:
    return int(matrices["M_xs" if "M_xs" in matrices else "lora_A"].shape[0])


def _config(path: Path) -> Mapping[str, Any]:
    with safe_open(path, framework="pt") as file:
        text = (file.metadata() or {}).get("lora_config", "{}")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(path, "its lora_config is no JSON") from error
    if not isinstance(config, dict):
        raise _refusal(path, f"its lora_config is {type(config).__name__}")
    return config


def _number(path: Path, config: Mapping[str, Any], name: str, default: float) -> float:
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise _refusal(path, f"its {name} is {value!r}")
    return value


def _misfit(lora: Lora, why: str) -> CheckpointError:
    return CheckpointError(
        f"The LoRA {lora.name} {why}.",
        hint="Use it with the model that it was trained on, base or post-trained.",
    )


def _refusal(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path.name} is no LoRA of Stable Audio 3: {why}.",
        hint="Use a file that the official training exported as safetensors.",
    )
