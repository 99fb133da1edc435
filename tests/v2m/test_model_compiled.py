"""Compiled layers compute what they did, whatever came before; without a compiler they are refused."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from v2m.errors import MissingPartError
from v2m.model.compiled import compile_each

CPU = torch.device("cpu")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),  # of the compiler's own modules
]


@pytest.fixture
def compiler() -> None:
    """Skips where nothing can be compiled, as a user is told."""
    try:
        compile_each([], CPU)
    except MissingPartError as error:
        pytest.skip(str(error))


class Layer(nn.Module):
    """Of a kind that there are several of."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, t, 8) -> the same shape."""
        return x + torch.sigmoid(self.inner(nn.functional.layer_norm(x, (8,))))


@pytest.mark.usefixtures("compiler")
def test_many_layers_of_any_length_are_one_form() -> None:
    layers = [Layer() for _ in range(12)]  # more than the forms that torch makes of one function
    inputs = [torch.randn(2, count, 8) for count in (30, 7, 50)]

    def through(x: torch.Tensor) -> torch.Tensor:
        for layer in layers:
            x = layer(x)
        return x

    with torch.inference_mode():
        plain = [through(x) for x in inputs]
        compile_each(layers, CPU)
        first = [through(x) for x in inputs]
        with torch.compiler.set_stance("fail_on_recompile"):  # from here on nothing may be compiled
            again = [through(x) for x in (*inputs, torch.randn(2, 9, 8))]
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(plain, first, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=False))


def test_without_a_compiler_it_says_what_is_missing() -> None:
    code = (
        "import torch\n"
        "from v2m.errors import MissingPartError\n"
        "from v2m.model.compiled import compile_each\n"
        "try:\n"
        "    compile_each([torch.nn.Linear(2, 2)], torch.device('cpu'))\n"
        "except MissingPartError as error:\n"
        "    print(error, error.hint)\n"
    )
    bare = {name: value for name, value in os.environ.items() if name != "CXX"} | {"PATH": os.devnull}
    done = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=True)
    assert "needs a C++ compiler" in done.stdout
    assert "leave out `compiled`" in done.stdout
