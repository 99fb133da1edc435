"""Linear layers whose weights lie as the processor's matrix product reads them, for composing on a CPU.

A product lays its weights out in tiles before it multiplies; here that is done once, when a model is loaded,
rather than at every step. It also chooses oneDNN for float32, which on processors that are not Intel's is the
faster of the two libraries that torch has; `benchmarks/sound_speed.py` prints what a model gains in all. In
bfloat16 the numbers are the same to the last bit, in float32 they round otherwise.

Packed layers are for composing alone: they have no gradient, and their weights cannot be read or saved.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

from v2m.model.device import fast_dtype

_X86: Final = ("x86_64", "amd64")
"""As `platform.machine` names it; what packing gains elsewhere nobody has measured."""


class PackedLinear(nn.Module):
    """What a linear layer computes."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None)
        # as buffers: what is compiled for one layer then serves all of its shape
        self.register_buffer("weight", packed, persistent=False)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach(), persistent=False)
        self._width = layer.out_features

    def forward(self, x: Tensor) -> Tensor:
        """(…, i) -> (…, o)."""
        if torch.compiler.is_compiling():
            opaque: Tensor = _packed_linear(x, self.weight, self.bias, self._width)
            return opaque
        return _product(x, self.weight, self.bias, self._width)


def pack_linears(parts: Iterable[nn.Module]) -> None:
    """Put packed layers in place of the linear ones within modules, where that is faster.

    Nothing happens on other devices and processors, and in formats that are not multiplied there. The modules
    themselves are not replaced, so that one that is a linear layer stays as it is.
    """
    for part in parts:
        for module in list(part.modules()):
            for name, child in list(module.named_children()):
                if type(child) is nn.Linear and _gains(child.weight):
                    setattr(module, name, PackedLinear(child))


def _gains(weight: Tensor) -> bool:
    if weight.device.type != "cpu" or platform.machine().lower() not in _X86:
        return False
    # a format that the processor has no instructions for is refused by oneDNN, and by nobody wanted
    known = weight.dtype in (torch.float32, fast_dtype(weight.device))
    here = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return known and here and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _product(x: Tensor, weight: Tensor, bias: Tensor | None, width: int) -> Tensor:
    if not x.numel():
        return x.new_empty(*x.shape[:-1], width)  # oneDNN knows no product of nothing
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return out


def _shape_of_product(x: Tensor, weight: Tensor, bias: Tensor | None, width: int) -> Tensor:
    return x.new_empty(*x.shape[:-1], width)


_packed_linear: Any = torch.library.custom_op("v2m::packed_linear", _product, mutates_args=())
"""The product as a whole to torch's compiler, which takes packed weights for constants."""

_packed_linear.register_fake(_shape_of_product)
