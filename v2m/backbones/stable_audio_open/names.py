"""Names of tensors in the two layouts of a Stable Audio Open checkpoint, brought to the official ones.

diffusers splits the projections of queries, keys and values, calls layers by what they do rather than by
their number, and gives the autoencoder's Snake parameters the shape (1, c, 1). Weight norm comes in torch's
old style (`weight_g`, `weight_v`) or its new one (`parametrizations.weight.original0`, `…1`).
Sources: diffusers, `scripts/convert_stable_audio.py`; torch, `nn.utils.parametrizations.weight_norm`.
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

_UNIT: Final = {"snake1": 0, "conv1": 1, "snake2": 2, "conv2": 3}
"""Places in a residual unit."""

_ENCODER_STAGE: Final = {"res_unit1": 0, "res_unit2": 1, "res_unit3": 2, "snake1": 3, "conv1": 4}
_DECODER_STAGE: Final = {"snake1": 0, "conv_t1": 1, "res_unit1": 2, "res_unit2": 3, "res_unit3": 4}

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


def official_autoencoder(tensors: Mapping[str, Tensor], stages: int) -> dict[str, Tensor]:
    """Of diffusers' `vae` folder, for an autoencoder with so many changes of rate."""
    found = {}
    for name, value in tensors.items():
        side, _, rest = name.partition(".")
        official = f"{side}.layers.{_layer(side, rest, stages)}"
        found[official] = value.reshape(-1) if name.endswith(("alpha", "beta")) else value
    return found


def _layer(side: str, rest: str, stages: int) -> str:
    ends = {"conv1": "0", "snake1": str(stages + 1), "conv2": str(stages + 2)}
    first, _, tail = rest.partition(".")
    if first != "block":
        return f"{ends.get(first, first)}.{tail}"
    number, part, *tails = tail.split(".")
    places = _ENCODER_STAGE if side == "encoder" else _DECODER_STAGE
    place = f"{int(number) + 1}.layers.{places.get(part, part)}"
    if part.startswith("res_unit"):
        place, tails = f"{place}.layers.{_UNIT.get(tails[0], tails[0])}", tails[1:]
    return ".".join([place, *tails])


def official_numbers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of diffusers' `projection_model` folder."""
    found = {}
    for name, value in tensors.items():
        conditioner, _, rest = name.partition(".")
        rest = rest.replace("time_positional_embedding.", "embedder.embedding.")
        found[f"{_NUMBERS.get(conditioner, conditioner)}.{rest}"] = value
    return found


def folded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights whose length and direction are stored apart, put together; the others as they are."""
    found = dict(tensors)
    for length, direction in (
        ("weight_g", "weight_v"),
        ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ):
        for name in [name for name in found if name.endswith(f".{length}")]:
            stem = name.removesuffix(length)
            if f"{stem}{direction}" in found:
                g, v = found.pop(name).float(), found.pop(f"{stem}{direction}").float()
                found[f"{stem}weight"] = torch._weight_norm(v, g, 0)
    return found


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose name begins with a prefix, without it."""
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
