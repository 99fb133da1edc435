"""The repeated layers of a model compiled by torch, one form for all of them and for any length.

What is computed is the same but for the rounding; what is gained is the work between the matrix products,
whose loops become one. The first layer takes ten seconds to compile, or more where a processor is slow; the
others of its shape take what it left.

Lengths are left open from the beginning: a form for the first length and another for the rest, as torch does
by itself, would make the bytes of a take depend on what was composed before it.
Sources: https://docs.pytorch.org/tutorials/recipes/regional_compilation.html.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

import torch
from torch import Tensor, nn

from v2m.errors import MissingPartError

_MOST_FORMS: Final = 64
"""Of one layer, for as many ways of calling it (one row or several, with words or without). Past torch's own
8 it would go on without compiling and not say so."""


def compile_each(layers: Iterable[nn.Module], device: torch.device) -> None:
    """Have layers compiled when they are first called.

    Raises:
        MissingPartError: nothing can be compiled for that device here.
    """
    import torch._dynamo.config as tracing  # here, for it brings the whole compiler
    import torch.fx.experimental._config as shapes

    _try_compiler(device)
    shapes.use_duck_shape = False  # or two axes that are as long in the first call would have to stay so
    tracing.recompile_limit = _MOST_FORMS
    for layer in layers:
        layer.compile(dynamic=True)


@cache
def _try_compiler(device: torch.device) -> None:
    """Compile next to nothing: what is missing is then said before minutes of loading, and in one place."""
    double = torch.compile(_double)
    try:
        double(torch.ones(1, device=device))
    except Exception as error:  # of torch, of the compiler, or of the system that runs it
        needed = "a C++ compiler (g++, clang++ or cl)" if device.type == "cpu" else "Triton and a C compiler"
        raise MissingPartError(
            f"The layers cannot be compiled for {device.type} here: that needs {needed}.",
            hint="Install it, or leave out `compiled`.",
            detail=repr(error),
        ) from error


def _double(x: Tensor) -> Tensor:
    return x + x
