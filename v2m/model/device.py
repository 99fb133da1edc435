"""Where to compute and in which number format, found by looking and by a short measurement.

Conventions: device names as torch's: `cuda`, `mps`, `cpu`; `auto` picks in that order.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Final

import torch

from v2m.errors import MissingPartError, UsageError

_PROBE_SHAPE: Final = (512, 256, 1408)
"""Rows, inner size and columns of the product that the embedded model spends most of its time in."""

_WORTH: Final = 1.5
"""bf16 halves the digits of every product, so it has to pay: it is taken from this speed-up on. CPUs with
bf16 instructions show 2 to 5, those without show below 1, with nothing in between."""


def choose_device(name: str = "auto") -> torch.device:
    """The device that a name means; `auto` is the best one here.

    Raises:
        UsageError: the name is unknown.
        MissingPartError: the device is not in this machine, or torch was built without it.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, here in present.items() if here))
    kind, _, index = name.partition(":")
    if kind not in present or (index and not index.isdigit()):
        raise UsageError(f"The device is {name!r}, expected auto, cuda, cuda:N, mps or cpu.")
    if not present[kind] or (index and kind == "cuda" and int(index) >= torch.cuda.device_count()):
        raise MissingPartError(
            f"The device {name} is not available here.", hint="Use auto, or install torch for that device."
        )
    return torch.device(name)


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where it is faster than float32 on that device, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu":
        return torch.bfloat16 if _cpu_speed_up() >= _WORTH else torch.float32
    return torch.float32  # mps: half formats save memory there but hardly time at this size


@lru_cache(maxsize=1)
def _cpu_speed_up() -> float:
    rows, inner, columns = _PROBE_SHAPE
    best = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = torch.ones(rows, inner, dtype=dtype), torch.ones(inner, columns, dtype=dtype)
        seconds = []
        for _ in range(4):  # the first sets up kernels; the best of the rest is free of other load
            start = time.perf_counter()
            torch.matmul(a, b)
            seconds.append(time.perf_counter() - start)
        best[dtype] = min(seconds[1:])
    return best[torch.float32] / best[torch.bfloat16]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, the CPU included, had no memory left to give."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # the allocator of the CPU has no class of its own: "DefaultCPUAllocator: can't allocate memory"
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)
