"""The original `model.safetensors` into our modules, key for key.

What may differ from the names that the modules expect is written down here and nowhere else: convolutions
whose weight norm is multiplied out, keys that an older file has one level deeper (the original code looks
for them the same way), and numbers that follow from the shape.
Sources: https://github.com/Stability-AI/stable-audio-3, `loading_utils.py`, for how files may name things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from v2m.backbones.sound.checkpoint import load_strict, read_safetensors
from v2m.backbones.stable_audio_3.autoencoder import Autoencoder
from v2m.backbones.stable_audio_3.conditioner import Conditioner
from v2m.backbones.stable_audio_3.config import StableAudioConfig
from v2m.backbones.stable_audio_3.lora import Lora, merge
from v2m.backbones.stable_audio_3.rotary import STORED_RATES
from v2m.backbones.stable_audio_3.transformer import DiffusionTransformer
from v2m.errors import CheckpointError

WEIGHTS: Final = "model.safetensors"
CONFIG: Final = "model_config.json"

PREFIXES: Final = ("model.model.", "pretransform.model.", "conditioner.")
"""Of the transformer, the autoencoder and the conditioner."""

ALLOWED_UNEXPECTED: Final = (STORED_RATES,)
"""The rates of the rotary positions, which follow from the width of a head."""

_NORMED: Final = {
    ".weight_v": ".weight_g",
    ".parametrizations.weight.original1": ".parametrizations.weight.original0",
}
"""How directions and lengths of a weight norm are called, by torch's older way and by its newer."""

_ENCODED: Final = "conditioner.conditioners.prompt.proj_out.weight"


@dataclass(frozen=True)
class Parts:
    """The modules of a checkpoint, in evaluation mode, in the number formats of the file, on the CPU."""

    transformer: DiffusionTransformer
    autoencoder: Autoencoder
    conditioner: Conditioner


def load_parts(path: Path, config: StableAudioConfig, loras: Sequence[Lora] = ()) -> Parts:
    """Read a checkpoint.

    Args:
        path: the `model.safetensors`.
        config: its shape.
        loras: merged into it in this order.

    Raises:
        CheckpointError: an InputError; the file is broken, or of another model than `config` says.
    """
    tensors = read_safetensors(path)
    if unknown := [name for name in tensors if not name.startswith(PREFIXES)]:
        raise CheckpointError(
            f"{path.name} holds {len(unknown)} weights of no part that is known, such as {unknown[0]}.",
            hint="Fetch the original model.safetensors of a Stable Audio 3 checkpoint.",
        )
    width = config.transformer.text_width
    encoder_width = tensors[_ENCODED].shape[-1] if _ENCODED in tensors else width
    with torch.device("meta"):
        modules = (
            DiffusionTransformer(config.transformer),
            Autoencoder(config.autoencoder),
            Conditioner(config, encoder_width),
        )
    named = _named(tensors, {p: set(m.state_dict()) for p, m in zip(PREFIXES, modules, strict=True)})
    merge(named, loras)
    for prefix, module in zip(PREFIXES, modules, strict=True):
        own = {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}
        load_strict(module, own, allowed_unexpected=ALLOWED_UNEXPECTED)
        module.eval().requires_grad_(False)
    return Parts(*modules)


def _named(tensors: Mapping[str, Tensor], expected: Mapping[str, set[str]]) -> dict[str, Tensor]:
    """The tensors by the names that the modules expect, where they have such a name."""
    known = {prefix + name for prefix, names in expected.items() for name in names}
    named: dict[str, Tensor] = {}
    for name, value in _without_weight_norm(tensors).items():
        target = name if name in known else _one_level_up(name, known)
        if target in named or (target != name and target in tensors):
            raise CheckpointError(f"The weights hold {target} twice, once as {name}.")
        # A copy lies where torch's kernels are fastest and always round alike, and no file is mapped that
        # may be replaced meanwhile.
        named[target] = value.clone()
    if (empty := "pretransform.model.bottleneck.noise_scaling_factor") in known and empty not in named:
        named[empty] = torch.ones(1, 0, 1)  # one for each channel of noise, of which there are none
    return named


def _one_level_up(name: str, known: set[str]) -> str:
    parts = name.split(".")
    for i in range(1, len(parts)):
        candidate = ".".join(parts[:i] + parts[i + 1 :])
        if candidate in known:
            return candidate
    return name


def _without_weight_norm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    plain = dict(tensors)
    for name in tensors:
        for direction, length in _NORMED.items():
            if not name.endswith(direction):
                continue
            stem = name.removesuffix(direction)
            if stem + length not in tensors:
                raise CheckpointError(f"The weights hold {name} but not {stem + length}.")
            along, by = plain.pop(name), plain.pop(stem + length)
            plain[stem + ".weight"] = along * (by / torch.norm_except_dim(along, 2, 0))
    return plain
