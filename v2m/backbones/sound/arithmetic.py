"""Where a model of sound computes and in which numbers, and what is said when memory runs out there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from v2m.errors import OutOfMemoryError
from v2m.model.device import choose_device, fast_dtype, is_out_of_memory


@dataclass(frozen=True)
class Arithmetic:
    """A device and a format of numbers; as text `cuda bfloat16`."""

    device: torch.device
    dtype: torch.dtype

    def __str__(self) -> str:
        """As `SoundModel.arithmetic` says it."""
        return f"{self.device.type} {str(self.dtype).removeprefix('torch.')}"

    def give_back(self) -> None:
        """Return to the device what is no longer used."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def choose_arithmetic(device: str, dtype: str) -> Arithmetic:
    """What two names mean.

    Args:
        device: as `v2m.model.device` names them.
        dtype: `bfloat16` or `float32`; empty for what is fast on the device.

    Raises:
        UsageError: the device's name is unknown.
        MissingPartError: the device is not here.
    """
    chosen = choose_device(device)
    return Arithmetic(chosen, getattr(torch, dtype) if dtype else fast_dtype(chosen))


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
