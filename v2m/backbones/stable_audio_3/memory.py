"""What composing takes of a device's memory, and what is said when that runs out all the same.

Conventions: bytes, beyond what is in use now.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch

from v2m.backbones.stable_audio_3.autoencoder import STRETCH
from v2m.backbones.stable_audio_3.config import AutoencoderConfig, TransformerConfig
from v2m.errors import OutOfMemoryError
from v2m.model.device import is_out_of_memory
from v2m.model.memory import loaded_bytes

BRANCHES: Final = 3  # of guidance, in one pass: both, words, none
_WIDTHS_AT_ONCE: Final = 8
"""Of tokens as wide as the model, alive beside the feed-forward's inner ones: residual, queries, keys, values
and what attention gives."""

_SOUND_AT_ONCE: Final = 3
"""Of the whole sound: as decoded, in float32, and with its channels behind time."""


def weights_bytes(path: Path, device: torch.device) -> int:
    """Of a file of weights that is loaded: as it is stored on a CPU, in half formats on a GPU."""
    if device.type == "cuda":
        return loaded_bytes([path], torch.float16.itemsize)
    return path.stat().st_size if path.is_file() else 0  # what is missing is said when it is read


def working_bytes(config: TransformerConfig, tokens: int, text_tokens: int, takes: int, itemsize: int) -> int:
    """Of composing: the tokens of all branches in one layer, and what all layers are told at every step."""
    inner = int(config.width * config.feed_forward_ratio)
    at_once = BRANCHES * takes * tokens * (3 * inner + _WIDTHS_AT_ONCE * config.width)
    words = 3 * 2 * text_tokens * config.context_width  # keys twice and values, of words and negative words
    known = takes * tokens * config.width
    return itemsize * (at_once + config.depth * (words + known))


def decoding_bytes(config: AutoencoderConfig, frames: int, itemsize: int) -> int:
    """Of decoding so many latent frames: one stretch of them in a layer, and the whole sound."""
    decoder = config.decoder
    tokens = min(frames, STRETCH) * (decoder.stride + 1)
    inner = int(decoder.width * decoder.feed_forward_ratio)
    layer = tokens * (3 * inner + _WIDTHS_AT_ONCE * decoder.width)
    sound = frames * config.hop_samples * config.audio_channels
    return itemsize * layer + torch.float32.itemsize * _SOUND_AT_ONCE * sound


@contextmanager
def telling_memory(device: torch.device, work: str) -> Iterator[None]:
    """Turn a device's error of memory into one that a person can act on.

    Raises:
        OutOfMemoryError: inside, memory did not suffice; says the numbers.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        free = ""
        if device.type == "cuda":
            here, whole = (amount / 2**30 for amount in torch.cuda.mem_get_info(device))
            free = f"; {here:.1f} of {whole:.1f} GiB are free"
        raise OutOfMemoryError(
            f"The memory of {device} did not suffice for {work}{free}.",
            hint="Compose shorter windows or fewer takes, or on another device.",
            detail=repr(error),
        ) from error
