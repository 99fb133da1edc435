"""Where to compute and in which number format, found by looking.

Conventions: device names as torch's: `cuda`, `mps`, `cpu`; `auto` picks in that order.
"""

from __future__ import annotations

from typing import Final

import torch

from v2m.errors import MissingPartError, UsageError

_BF16_CHECKS: Final = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
"""Of `torch.cpu`: x86 processors with these instructions multiply bf16 2 to 5 times as fast as float32, those
without them slower. The processor decides, never a measurement: the format must not change with the load, for
the same seed would then make other music."""


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
        return torch.bfloat16 if _cpu_multiplies_bf16() else torch.float32
    return torch.float32  # mps: half formats save memory there but hardly time at this size


def _cpu_multiplies_bf16() -> bool:
    return any(getattr(torch.cpu, check, lambda: False)() for check in _BF16_CHECKS)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, the CPU included, had no memory left to give."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # the allocator of the CPU has no class of its own: "DefaultCPUAllocator: can't allocate memory"
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def gpu_facts(device: torch.device) -> dict[str, str | int | bool] | None:
    """Name, memory in bytes, CUDA's version and whether bfloat16 is multiplied; None without CUDA."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    return {
        "name": torch.cuda.get_device_name(device),
        "total_bytes": total,
        "free_bytes": free,
        "cuda": str(torch.version.cuda or torch.version.hip),
        "bf16": torch.cuda.is_bf16_supported(including_emulation=False),
    }
