"""Whether what is to be composed fits into memory, asked before it is begun.

Conventions: bytes; what is free on the device that a model composes on.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from v2m.backbones.sound.model import SoundModel
from v2m.errors import OutOfMemoryError
from v2m.model.warm import WARM


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
    if not isinstance(model, MeasuredModel):
        return takes
    free = WARM.make_room(model.needed_bytes(frames, takes), model.arithmetic, but=model)
    if free is None:
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
