"""Noise per absolute latent position: what is drawn for a frame depends on nothing but its number.

Conventions: standard normal float32, (t, c). The bits come from Philox 4x64-10, a counter-based generator,
so crop, batch, device, region and length never change them; bits become normals by Box-Muller rather than
through numpy's samplers, whose streams may change between releases (NEP 19).
Sources: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; Box and Muller 1958.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.errors import InputError

_WORDS_PER_BLOCK: Final = 4  # Philox 4x64 gives four 64-bit words per count
_COUNTER_SPAN: Final = 2**256


def latent_noise(
    seed: int, start_frame: int, frame_count: int, channels: int, stream: int = 0
) -> NDArray[np.float32]:
    """Standard normal noise for the frames `start_frame … start_frame + frame_count - 1`.

    Args:
        seed: 0 to 2^64 - 1.
        start_frame: absolute number of the first frame; may be negative (a pick-up before the programme).
        frame_count: how many frames.
        channels: how many channels; noise of another number of channels is other noise.
        stream: 0 to 2^64 - 1, for independent noise of the same seed.

    Returns:
        (t, c) float32; row i is a function of seed, stream, channels and `start_frame + i` alone.

    Raises:
        InputError: seed or stream outside its range, or a negative count.
    """
    if not (0 <= seed < 2**64 and 0 <= stream < 2**64):
        raise InputError(f"The seed is {seed} and the stream {stream}, expected whole numbers below 2^64.")
    if frame_count < 0 or channels < 1:
        raise InputError(f"Noise of {frame_count} frames and {channels} channels was asked for.")
    blocks = -(-channels // _WORDS_PER_BLOCK)
    bits = np.random.Philox(key=seed | (stream << 64), counter=start_frame * blocks % _COUNTER_SPAN)
    words = bits.random_raw(frame_count * blocks * _WORDS_PER_BLOCK)
    pairs = words.reshape(frame_count, blocks * 2, 2)  # (t, pair, radius and angle)
    return _box_muller(pairs)[:, :channels]


def _box_muller(pairs: NDArray[np.uint64]) -> NDArray[np.float32]:
    # The top 53 bits are the most that a double holds; half a step keeps the logarithm off zero.
    uniform = ((pairs >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log(uniform[..., 0]))
    angle = 2.0 * np.pi * uniform[..., 1]
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return normal.reshape(pairs.shape[0], 2 * pairs.shape[1]).astype(np.float32)
