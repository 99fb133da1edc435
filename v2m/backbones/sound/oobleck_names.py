"""Names of an Oobleck autoencoder's tensors in the layouts that there are, brought to the official ones.

diffusers calls layers by what they do rather than by their number, and gives Snake parameters the shape
(1, c, 1). Weight norm comes in torch's old style (`weight_g`, `weight_v`) or its new one
(`parametrizations.weight.original0`, `…1`).
Sources: diffusers, `scripts/convert_stable_audio.py`; torch, `nn.utils.parametrizations.weight_norm`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

_UNIT: Final = {"snake1": 0, "conv1": 1, "snake2": 2, "conv2": 3}
"""Places in a residual unit."""

_ENCODER_STAGE: Final = {"res_unit1": 0, "res_unit2": 1, "res_unit3": 2, "snake1": 3, "conv1": 4}
_DECODER_STAGE: Final = {"snake1": 0, "conv_t1": 1, "res_unit1": 2, "res_unit2": 3, "res_unit3": 4}


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
