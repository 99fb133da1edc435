"""Where a model of sound computes, in which numbers and how, and what is said when memory runs out there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from v2m.errors import OutOfMemoryError, UsageError
from v2m.model.compiled import compile_each
from v2m.model.device import choose_device, fast_dtype, is_out_of_memory
from v2m.model.packed import pack_linears

FORMATS: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Arithmetic:
    """A device, a format of numbers, and whether layers are compiled; as text `cuda bfloat16 compiled`."""

    device: torch.device
    dtype: torch.dtype
    compiled: bool = False
    """Rounds otherwise, so that a take's bytes depend on it."""

    def __str__(self) -> str:
        """As `SoundModel.arithmetic` says it."""
        words = f"{self.device.type} {str(self.dtype).removeprefix('torch.')}"
        return f"{words} compiled" if self.compiled else words

    def make_fast(self, layers: Iterable[nn.Module]) -> None:
        """Prepare a model's repeated layers, which are where and in the format in which they will compute.

        Raises:
            MissingPartError: they are to be compiled, and there is no compiler here.
        """
        layers = list(layers)
        pack_linears(layers)
        if self.compiled:
            compile_each(layers, self.device)

    def give_back(self) -> None:
        """Return to the device what is no longer used."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def choose_arithmetic(device: str, dtype: str, *, compiled: bool = False) -> Arithmetic:
    """What two names mean.

    Args:
        device: as `v2m.model.device` names them.
        dtype: one of `FORMATS`; empty for what is fast on the device.
        compiled: see `Arithmetic`.

    Raises:
        UsageError: the device's name or the format's is unknown.
        MissingPartError: the device is not here.
    """
    if dtype and dtype not in FORMATS:
        raise UsageError(f"The number format is {dtype!r}, expected one of {', '.join(FORMATS)}.")
    chosen = choose_device(device)
    return Arithmetic(chosen, FORMATS[dtype] if dtype else fast_dtype(chosen), compiled)


@contextmanager
def telling_memory(name: str, frame_count: int) -> Iterator[None]:
    """Turn a device's error of memory into one that a person can act on.

    Raises:
        OutOfMemoryError: inside, memory did not suffice.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            f"{name} ran out of memory at {frame_count} latent frames.",
            hint="Ask for a shorter window or fewer takes, or use a device with more memory.",
            detail=str(error),
        ) from error
