"""Whether what is to be composed fits into memory, asked before it is begun.

Conventions: bytes; what is free on the device that a model composes on.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@runtime_checkable
class MeasuredDecoder(Protocol):
    """A model that knows what decoding takes."""

    def decoding_bytes(self, frame_count: int) -> int:
        """What decoding so many latent frames at once takes beyond what is in use now."""
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


def frames_decoded_at_once(model: SoundModel, counts: Sequence[int]) -> int:
    """The first of some numbers of latent frames that can be decoded together.

    Where none can, what composed is let go of, of which decoding needs a part alone.

    Args:
        model: with the sound; of one that does not know what it takes, the first.
        counts: the one that is liked best first.

    Raises:
        OutOfMemoryError: not even the last; says the numbers.
    """
    if not isinstance(model, MeasuredDecoder):
        return counts[0]
    for unloads in (False, True):
        if unloads:
            model.unload()
        free = WARM.make_room(model.decoding_bytes(counts[0]), model.arithmetic, but=model)
        for count in counts:
            if free is None or model.decoding_bytes(count) <= free:
                return count
    needed = model.decoding_bytes(counts[-1])
    raise OutOfMemoryError(
        f"{model.name} needs about {needed / 1e9:.1f} GB to decode what it composed, "
        f"{(free or 0) / 1e9:.1f} GB are free.",
        hint="Close other programs, or choose a smaller model.",
    )
