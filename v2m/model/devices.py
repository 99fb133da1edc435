"""The device that models run on here, and what it is good at; as a program it prints that as JSON.

Run as `python -m v2m.model.devices` it lets a process that must not load torch, or must survive a broken
torch, ask all the same.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

import torch


@dataclass(frozen=True)
class Device:
    """What computes."""

    kind: str
    """`cuda`, `mps` or `cpu`: what `torch.device` takes."""

    name: str
    memory_bytes: int | None
    """Memory of its own; None where it shares the machine's."""

    bfloat16_speedup: float
    """How many times as fast as float32 a matrix product in bfloat16 is, measured."""


def best_device() -> Device:
    """The device to use: CUDA before Apple's GPU before the CPU."""
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return Device("cuda", properties.name, properties.total_memory, _bfloat16_speedup("cuda"))
    if torch.backends.mps.is_available():
        return Device("mps", "Apple GPU", None, _bfloat16_speedup("mps"))
    capability = torch.backends.cpu.get_cpu_capability()
    return Device("cpu", f"CPU with {capability}", None, _bfloat16_speedup("cpu"))


def _bfloat16_speedup(kind: str) -> float:
    return round(_product_s(kind, torch.float32) / _product_s(kind, torch.bfloat16), 2)


def _product_s(kind: str, dtype: torch.dtype) -> float:
    side = 512  # large enough that arithmetic outweighs the call, small enough for milliseconds on a CPU
    matrix = torch.ones(side, side, device=kind, dtype=dtype)
    best = float("inf")
    for _ in range(5):  # the first warms up; the best of the rest is the least disturbed
        began = time.perf_counter()
        (matrix @ matrix)[0, 0].item()  # .item() waits for the device
        best = min(best, time.perf_counter() - began)
    return best


if __name__ == "__main__":
    print(json.dumps(asdict(best_device())))
