"""Names of tensors in the two layouts of a Stable Audio Open checkpoint, brought to the official ones.

diffusers splits the projections of queries, keys and values, and calls layers by what they do rather than by
their number; for the autoencoder see `v2m.backbones.sound.oobleck_names`.
Sources: diffusers, `scripts/convert_stable_audio.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

_TRANSFORMER: Final = (
    (r"time_proj\.weight", "timestep_features.weight"),
    (r"timestep_proj\.", "to_timestep_embed."),
    (r"global_proj\.", "to_global_embed."),
    (r"cross_attention_proj\.", "to_cond_embed."),
    (r"proj_(in|out)\.", r"transformer.project_\1."),
    (r"transformer_blocks\.", "transformer.layers."),
    (r"\.norm1\.", ".pre_norm."),
    (r"\.norm2\.", ".cross_attend_norm."),
    (r"\.norm3\.", ".ff_norm."),
    (r"(norm\.)weight$", r"\1gamma"),
    (r"(norm\.)bias$", r"\1beta"),
    (r"\.attn1\.", ".self_attn."),
    (r"\.attn2\.", ".cross_attn."),
    (r"to_out\.0\.", "to_out."),
    (r"\.ff\.net\.", ".ff.ff."),
)

_NUMBERS: Final = {"start_number_conditioner": "seconds_start", "end_number_conditioner": "seconds_total"}


def official_transformer(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of diffusers' `transformer` folder."""
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        for pattern, official in _TRANSFORMER:
            name = re.sub(pattern, official, name)
        found[name] = value[:, None] if name == "timestep_features.weight" else value
    for name in [name for name in found if name.endswith(".to_k.weight")]:
        stem = name.removesuffix("to_k.weight")
        parts = ("q", "k", "v") if ".self_attn." in stem else ("k", "v")
        if all(f"{stem}to_{part}.weight" in found for part in parts):
            rows = [found.pop(f"{stem}to_{part}.weight") for part in parts]
            found[f"{stem}to_{''.join(parts)}.weight"] = torch.cat(rows)
    return found


def official_numbers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of diffusers' `projection_model` folder."""
    found = {}
    for name, value in tensors.items():
        conditioner, _, rest = name.partition(".")
        rest = rest.replace("time_positional_embedding.", "embedder.embedding.")
        found[f"{_NUMBERS.get(conditioner, conditioner)}.{rest}"] = value
    return found


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose name begins with a prefix, without it."""
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
