"""Latents of models that were trained on other channels than today's, brought to today's layout.

A model says which channels it composes: its checkpoint's note `channels` is a JSON list of names as in
`layout.CHANNEL_NAMES`. A channel that it lacks is taken from the one that stood for several (`drums.timing`
for `drums.timing.kick`), else is neutral. Models without the note have the channels of the first layout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import DRUM_VOICES, Part
from v2m.codecs.layout import CHANNEL_NAMES, LINES, LOUDEST, NEUTRAL, SOFTEST, TIMING_STEPS
from v2m.codecs.programs import PROGRAM_BITS
from v2m.errors import CheckpointError

Latents = NDArray[np.float32]

NOTE: Final = "channels"
"""What the list is called among a checkpoint's notes."""

_FIRST_TIMING_STEPS: Final = 0.5
"""Sixteenths at timing 1 in the first layout."""

_FIRST_LOUDEST: Final = 1.0
"""Code of velocity 127 in the first layout."""


def _first_line(part: Part) -> list[str]:
    names = [f"{part}.pitch class.{i}" for i in range(12)]
    names += [f"{part}.octave.{i}" for i in range(LINES[part].octave_count - 1)]
    return names + [f"{part}.{name}" for name in ("attack", "hold", "timing")] + _program(part)


def _program(part: Part) -> list[str]:
    return [f"{part}.program.{i}" for i in range(PROGRAM_BITS[part])]


FIRST_CHANNELS: Final[tuple[str, ...]] = (
    *(f"drums.strike.{voice}" for voice in DRUM_VOICES), "drums.timing", *_program("drums"),
    *_first_line("bass"),
    *(f"harmony.roll.{pitch}" for pitch in range(46, 75)), "harmony.attack", "harmony.timing",
    *_program("harmony"),
    *_first_line("lead"), *_first_line("extras"),
    "global.dynamics", "global.bar cosine", "global.bar sine",
)  # fmt: skip
"""The layout that had one timing a part and no pedals; its 126 channels in order."""


def channels_note() -> str:
    """What a checkpoint of today's layout says."""
    return json.dumps(CHANNEL_NAMES)


def channels_of(notes: Mapping[str, str], channel_count: int) -> tuple[str, ...]:
    """The channels of a model, by its notes.

    Raises:
        CheckpointError: the list is not one, or not of this many channels, or names one that is unknown.
    """
    try:
        names = json.loads(notes[NOTE]) if NOTE in notes else list(FIRST_CHANNELS)
    except ValueError as error:
        raise CheckpointError(f"The model's list of channels cannot be read: {error}.") from error
    known = {*CHANNEL_NAMES, *FIRST_CHANNELS}
    if not isinstance(names, list) or not all(isinstance(name, str) and name in known for name in names):
        raise CheckpointError(
            "The model composes channels that this version does not know.", hint="Install a newer v2m."
        )
    if len(names) != channel_count:
        raise CheckpointError(f"The model has {channel_count} channels, but names {len(names)} of them.")
    return tuple(names)


def to_layout(latents: Latents, names: tuple[str, ...]) -> Latents:
    """Latents (t, len(names)) of the named channels as (t, c) of today's layout."""
    if names == CHANNEL_NAMES:
        return latents
    column = {name: i for i, name in enumerate(names)}
    full = np.tile(np.asarray(NEUTRAL, np.float32), (len(latents), 1))
    for channel, name in enumerate(CHANNEL_NAMES):
        source = column.get(name, column.get(name.rpartition(".")[0]))
        if source is not None:
            values = latents[:, source]
            full[:, channel] = _first_values(name, values) if names == FIRST_CHANNELS else values
    return full


def _first_values(name: str, values: Latents) -> Latents:
    """What the first layout wrote on another scale."""
    if ".timing" in name:
        return values * np.float32(_FIRST_TIMING_STEPS / TIMING_STEPS)
    if ".strike." in name or name.endswith(".attack"):
        stretch = np.float32((LOUDEST - SOFTEST) / (_FIRST_LOUDEST - SOFTEST))
        return np.where(values > SOFTEST, SOFTEST + stretch * (values - SOFTEST), values).astype(np.float32)
    return values
