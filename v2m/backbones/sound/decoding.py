"""Latents of any length to sound, in pieces that are the sound of the whole.

Conventions: t latent frame, c channel, s audio sample; float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.backbones.sound.memory import frames_decoded_at_once
from v2m.backbones.sound.model import SoundModel, checked
from v2m.stages import Cancel, FractionDone

Latents = NDArray[np.float32]
Samples = NDArray[np.float32]

_STEP: Final = 64
"""Pieces are decoded from frames that are multiples of this: autoencoders that look at chunks of 32 frames,
shifted by half a chunk or not, then see the chunks that they would see in the whole."""

_AROUND: Final = 64
"""Frames decoded on both sides of a piece, of which the inner half is faded over: an autoencoder's reach."""


def decode(model: SoundModel, latents: Latents, on_progress: FractionDone, cancel: Cancel) -> Latents:
    """Sound (s, 2) of latents (t, c) of any length, in the model's sample rate."""
    return np.concatenate(list(decoded(model, latents, on_progress, cancel)))


def decoded(
    model: SoundModel, latents: Latents, on_progress: FractionDone, cancel: Cancel
) -> Iterator[Latents]:
    """The same in pieces, each about as long as what the model composes at once, shorter if memory is short.

    Raises:
        OutOfMemoryError: even the shortest piece needs more memory than is free; says the numbers.
    """
    grid = model.grid
    step = _step_of(model, len(latents))
    if step >= len(latents):
        cancel()
        yield checked(model.decode(latents), (len(latents) * grid.hop_samples, 2), model.name)
        return
    fading = np.zeros((0, 2), np.float32)  # the end of the piece before, which this one fades in over
    for first in range(0, len(latents), step):
        cancel()
        begin, end = max(0, first - _AROUND), min(len(latents), first + step + _AROUND)
        shape = ((end - begin) * grid.hop_samples, 2)
        piece = checked(model.decode(latents[begin:end]), shape, model.name)
        _fade(piece, begin, (first, first + step), len(latents), grid.hop_samples)
        piece[: len(fading)] += fading
        following = end if first + step >= len(latents) else first + step - _AROUND
        kept = (following - begin) * grid.hop_samples
        yield piece[:kept]
        fading = piece[kept:]
        on_progress(min(1.0, (first + step) / len(latents)))


def _step_of(model: SoundModel, count: int) -> int:
    """How many of so many frames a piece decides; all of them where that is little more than a window."""
    longest = model.grid.longest_frames
    steps = [count] if count <= longest + _AROUND else []
    step = longest // _STEP
    while step > 1:
        steps.append(step * _STEP)
        step //= 2
    steps.append(_STEP)
    sizes = [min(count, step + 2 * _AROUND) for step in steps]
    at_once = frames_decoded_at_once(model, sizes)
    return next(step for step, size in zip(steps, sizes, strict=True) if size <= at_once)


def _fade(piece: Samples, begin: int, decides: tuple[int, int], count: int, hop: int) -> None:
    """Fade a piece over in the inner half of what it shares with its neighbours, in place.

    The gains of two neighbours add up to one, for both are the same sound.

    Args:
        piece: (s, 2).
        begin: the frame at which it begins.
        decides: frames that are its own; it fades about both where others lie beyond.
        count: of frames in the whole.
        hop: samples of a frame.
    """
    first, last = decides
    rise = (np.arange(_AROUND * hop) / (_AROUND * hop)).astype(np.float32)[:, None]
    if first > 0:
        at = (first - _AROUND // 2 - begin) * hop
        piece[:at] = 0
        piece[at : at + len(rise)] *= rise[: len(piece) - at]
    if last < count:
        at = (last - _AROUND // 2 - begin) * hop
        piece[at : at + len(rise)] *= (1 - rise)[: len(piece) - at]
        piece[at + len(rise) :] = 0
