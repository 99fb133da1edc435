"""Packed linear layers compute what linear layers do."""

import platform

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from v2m.model.device import fast_dtype
from v2m.model.packed import PackedLinear, pack_linears

PACKS = platform.machine().lower() in ("x86_64", "amd64")


def pair(
    width: int, out: int, *, bias: bool, dtype: torch.dtype = torch.float32
) -> tuple[nn.Linear, nn.Module]:
    """A layer, and what takes its place in a model."""
    layer = nn.Linear(width, out, bias=bias).to(dtype)
    model = nn.Sequential(layer)
    pack_linears([model])
    return layer, model[0]


@given(
    shape=st.lists(st.integers(0, 9), max_size=3),
    width=st.integers(1, 70),
    out=st.integers(1, 70),
    bias=st.booleans(),
)
def test_the_same_numbers_but_for_rounding(shape: list[int], width: int, out: int, bias: bool) -> None:
    with torch.inference_mode():
        layer, packed = pair(width, out, bias=bias)
        x = torch.randn(*shape, width)
        assert packed(x).shape == layer(x).shape
        assert torch.allclose(packed(x), layer(x), atol=1e-5)


def test_rows_may_lie_apart() -> None:
    with torch.inference_mode():
        layer, packed = pair(24, 16, bias=True)
        for x in (
            torch.randn(3, 24, 10).mT,
            torch.randn(2, 10, 24)[:, ::2],
            torch.randn(1, 24).expand(7, 24),
        ):
            assert torch.allclose(packed(x), layer(x), atol=1e-5)


@pytest.mark.skipif(fast_dtype(torch.device("cpu")) != torch.bfloat16, reason="no bf16 in this processor")
def test_the_same_bits_in_bfloat16() -> None:
    with torch.inference_mode():
        layer, packed = pair(256, 640, bias=True, dtype=torch.bfloat16)
        x = torch.randn(2, 50, 256).bfloat16()
        assert isinstance(packed, PackedLinear)
        assert torch.equal(packed(x), layer(x))


@pytest.mark.skipif(not PACKS, reason="layers are packed on x86 alone")
def test_all_linear_layers_within_are_packed_and_no_others() -> None:
    class Own(nn.Linear):
        """Which may compute something else."""

    model = nn.ModuleDict(
        {
            "deep": nn.Sequential(nn.Linear(4, 4), nn.SiLU(), nn.Sequential(nn.Linear(4, 4))),
            "own": Own(4, 4),
            "norm": nn.LayerNorm(4),
            "narrow": nn.Linear(4, 4, dtype=torch.float16),
        }
    )
    pack_linears([model])
    packed = [name for name, module in model.named_modules() if isinstance(module, PackedLinear)]
    assert packed == ["deep.0", "deep.2.0"]
    assert not model.state_dict().keys() & {"deep.0.weight", "deep.2.0.weight"}
