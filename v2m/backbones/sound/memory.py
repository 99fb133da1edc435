"""Whether what is to be composed fits into memory, asked before it is begun.

Conventions: bytes; what is free on the device that a model composes on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol, runtime_checkable

from v2m.backbones.sound.model import SoundModel
from v2m.errors import OutOfMemoryError


@runtime_checkable
class MeasuredModel(Protocol):
    """A model that knows what it takes."""

    def needed_bytes(self, frame_count: int, takes: int) -> int:
        """What composing so many frames of so many takes at once takes beyond what is in use now."""
        ...


def takes_at_once(model: SoundModel, frames: int, takes: int) -> int:
    """How many takes can be composed together; of a model that does not know what it takes, all.

    Raises:
        OutOfMemoryError: not even one; says the numbers.
    """
    free = free_bytes(model.arithmetic)
    if free is None or not isinstance(model, MeasuredModel):
        return takes
    for count in range(takes, 0, -1):
        if model.needed_bytes(frames, count) <= free:
            return count
    needed = model.needed_bytes(frames, 1)
    seconds = frames / float(model.grid.rate_hz)
    raise OutOfMemoryError(
        f"{model.name} needs about {needed / 1e9:.1f} GB to compose {seconds:.0f} s at once, "
        f"{free / 1e9:.1f} GB are free.",
        hint="Close other programs, choose a smaller model, or score a part with --in and --out-point.",
    )


def free_bytes(arithmetic: str) -> int | None:
    """What is free where a model composes, `cuda bfloat16`; None where the system does not say."""
    device = arithmetic.partition(" ")[0]
    if device.startswith("cuda"):
        import torch

        free, _total = torch.cuda.mem_get_info(device)
        return int(free)
    try:
        facts = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None  # not Linux: the system pages out, and says so late
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", facts, re.MULTILINE)
    return int(found[1]) * 1024 if found else None
