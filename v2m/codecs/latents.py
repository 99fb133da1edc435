"""The score codec: an arrangement to latents that a model learns, and back (layout in `layout.py`).

Conventions: latents are float32 (t, c), t sixteenths from the first downbeat, c = `CHANNEL_COUNT`. Starts,
lengths and velocities are kept note by note (`score_writer.py`), pedals to the sixteenth. What the layout
cannot hold is brought near: pitches fold by octaves, instruments map to the nearest, a line's overlapping
notes cut each other, notes of a chord that end in one sixteenth end together.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import PITCHED_PARTS, STEPS_PER_BEAT, Arrangement
from v2m.codecs.layout import (
    BAR_COSINE,
    BAR_SINE,
    CHANNEL_COUNT,
    DYNAMICS,
    GROUPS,
    LOUDNESS_CHANNELS,
    NEUTRAL,
    PEDAL_CHANNELS,
    group_slices,
)
from v2m.codecs.place import grid_step
from v2m.codecs.score_reader import ScoreReader
from v2m.codecs.score_writer import write_score
from v2m.errors import InputError

__all__ = ["CHANNEL_COUNT", "GROUPS", "decode", "dynamics_curve", "encode", "group_slices"]

Latents = NDArray[np.float32]

_FULL_LOUDNESS: Final = 2.0
"""Energy a beat (sum of squared velocities, full = 1) at which dynamics is midway: that of a plain groove."""


def encode(arrangement: Arrangement) -> Latents:
    """The latents of an arrangement, (t, c) float32 with t = 4 frames a beat.

    Raises:
        InputError: the arrangement has no length or a note begins before it.
    """
    if arrangement.beat_count < 1:
        raise InputError(f"The arrangement is {arrangement.beat_count} beats long, expected one or more.")
    if any(note.start_beat < 0 for note in arrangement.notes):
        raise InputError("A note begins before the arrangement, expected starts of 0 or later.")
    latents = np.tile(np.asarray(NEUTRAL, np.float32), (arrangement.beat_count * STEPS_PER_BEAT, 1))
    write_score(latents, arrangement)
    latents[:, DYNAMICS] = 2 * dynamics_curve(arrangement) - 1
    phase = 2 * np.pi * np.arange(len(latents)) / (arrangement.beats_per_bar * STEPS_PER_BEAT)
    latents[:, BAR_COSINE], latents[:, BAR_SINE] = np.cos(phase), np.sin(phase)
    return latents


def decode(
    latents: NDArray[np.floating],
    tonic: int,
    beats_per_bar: int = 4,
    *,
    timing_dead_zone_steps: float = 0.01,
) -> Arrangement:
    """The arrangement that latents, perhaps noisy, stand for.

    Args:
        latents: (t, c), t a multiple of 4.
        tonic: pitch class 0-11 of the key; the latents do not hold it.
        beats_per_bar: as composed.
        timing_dead_zone_steps: attacks nearer to their sixteenth than this fall on it; the default, 1 ms at
            120 BPM, only takes float16's dust off the grid.

    Raises:
        InputError: the shape is wrong, a value is not finite, or the tonic is no pitch class.
    """
    if latents.ndim != 2 or latents.shape[1] != CHANNEL_COUNT or len(latents) % STEPS_PER_BEAT:
        raise InputError(
            f"The score latents have shape {latents.shape}, expected (4 x beats, {CHANNEL_COUNT})."
        )
    if not np.isfinite(latents).all():
        raise InputError("The score latents hold values that are not finite.")
    if not 0 <= tonic < 12:
        raise InputError(f"The tonic is {tonic}, expected a pitch class from 0 to 11.")
    reader = ScoreReader(np.asarray(latents, np.float64), tonic, timing_dead_zone_steps)
    notes = reader.notes()
    sounding = {note.part for note in notes}
    pedals = {part: reader.pedal(part) for part in PEDAL_CHANNELS if part in sounding}
    levels = {part: reader.loudness_db(part) for part in LOUDNESS_CHANNELS if part in sounding}
    return Arrangement(
        beat_count=len(latents) // STEPS_PER_BEAT,
        notes=notes,
        tonic=tonic,
        beats_per_bar=beats_per_bar,
        programs={part: reader.program(part) for part in ("drums", *PITCHED_PARTS) if part in sounding},
        pedals={part: spans for part, spans in pedals.items() if spans},
        loudness_db={part: values for part, values in levels.items() if values},
    )


def dynamics_curve(arrangement: Arrangement) -> NDArray[np.float64]:
    """How much sounds around each sixteenth, 0..1, (t,): attacks' energy under a Hann window of two bars."""
    energy = np.zeros(arrangement.beat_count * STEPS_PER_BEAT)
    for note in arrangement.notes:
        energy[grid_step(note.start_beat, len(energy))] += (note.velocity / 127) ** 2
    bar = arrangement.beats_per_bar * STEPS_PER_BEAT
    window = np.hanning(2 * bar + 1)
    # normalising by what of the window lies inside keeps the first and last bar at their own level
    a_beat = np.convolve(energy, window)[bar:-bar] / np.convolve(np.ones_like(energy), window)[bar:-bar]
    a_beat *= STEPS_PER_BEAT
    curve: NDArray[np.float64] = a_beat / (a_beat + _FULL_LOUDNESS)
    return curve
