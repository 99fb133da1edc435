"""The score codec: an arrangement to latents that a model learns, and back (layout in `layout.py`).

Conventions: latents are float32 (t, c), t sixteenths from the first downbeat, c = `CHANNEL_COUNT`. A note
belongs to the sixteenth nearest to its start; what is left, -0.5..0.5 of a sixteenth, is the timing channel
of its part, doubled. Held notes keep their length to the sixteenth, the last one by fraction; chords share
one velocity. What the layout cannot hold is brought near: pitches fold by octaves, instruments map to the
nearest, a line's overlapping notes cut each other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import DRUM_VOICES, PITCHED_PARTS, STEPS_PER_BEAT, Arrangement, Note, Part
from v2m.codecs.layout import (
    BAR_COSINE,
    BAR_SINE,
    CHANNEL_COUNT,
    DRUMS,
    DYNAMICS,
    GROUPS,
    HARMONY,
    HELD,
    LINES,
    PROGRAM_CHANNELS,
    ROLL_LOW,
    SOFTEST,
    LineLayout,
    fold_pitch,
    group_slices,
    signed_tonic,
)
from v2m.codecs.programs import DEFAULT_PROGRAMS, program_signs
from v2m.codecs.score_reader import ScoreReader
from v2m.errors import InputError

__all__ = ["CHANNEL_COUNT", "GROUPS", "decode", "dynamics_curve", "encode", "group_slices"]

Latents = NDArray[np.float32]

_VOICE_OF_KEY = {key: voice for voice, key in enumerate(DRUM_VOICES.values())}
_NEAREST_KEY: Mapping[int, int] = {
    35: 36, 40: 38, 44: 42, 47: 45, 48: 50, 43: 41, 51: 51, 52: 49, 53: 51, 55: 49, 57: 49, 59: 51,
    54: 70, 69: 70, 82: 70, 56: 37, 64: 41, 60: 50, 61: 45,
}  # fmt: skip
"""Other General MIDI drum keys, and the voice that stands in for them."""

_FULL_LOUDNESS = 2.0
"""Energy a beat (sum of squared velocities, full = 1) at which dynamics is midway: that of a plain groove."""

_SHORTEST_REST_STEPS = 0.05
"""A length that exceeds whole sixteenths by less is those sixteenths: float dust, not articulation."""


def encode(arrangement: Arrangement) -> Latents:
    """The latents of an arrangement, (t, c) float32 with t = 4 frames a beat.

    Raises:
        InputError: the arrangement has no length or a note begins before it.
    """
    if arrangement.beat_count < 1:
        raise InputError(f"The arrangement is {arrangement.beat_count} beats long, expected one or more.")
    if any(note.start_beat < 0 for note in arrangement.notes):
        raise InputError("A note begins before the arrangement, expected starts of 0 or later.")
    latents = np.full((arrangement.beat_count * STEPS_PER_BEAT, CHANNEL_COUNT), -1.0, np.float32)
    by_part: defaultdict[Part, list[Note]] = defaultdict(list)
    for note in sorted(arrangement.notes, key=lambda note: note.start_beat):
        by_part[note.part].append(note)
    _write_drums(latents, by_part["drums"])
    _write_harmony(latents, by_part["harmony"], arrangement.tonic)
    for part, layout in LINES.items():
        _write_line(latents, layout, by_part[part], part, arrangement.tonic)
    _write_programs(latents, arrangement, by_part)
    latents[:, DYNAMICS] = 2 * dynamics_curve(arrangement) - 1
    phase = 2 * np.pi * np.arange(len(latents)) / (arrangement.beats_per_bar * STEPS_PER_BEAT)
    latents[:, BAR_COSINE], latents[:, BAR_SINE] = np.cos(phase), np.sin(phase)
    return latents


def decode(
    latents: NDArray[np.floating],
    tonic: int,
    beats_per_bar: int = 4,
    *,
    timing_dead_zone_steps: float = 0.03,
) -> Arrangement:
    """The arrangement that latents, perhaps noisy, stand for.

    Args:
        latents: (t, c), t a multiple of 4.
        tonic: pitch class 0-11 of the key; the latents do not hold it.
        beats_per_bar: as composed.
        timing_dead_zone_steps: attacks nearer to their sixteenth than this fall on it; the default, 4 ms at
            120 BPM, is below what is heard.

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
    return Arrangement(
        beat_count=len(latents) // STEPS_PER_BEAT,
        notes=notes,
        tonic=tonic,
        beats_per_bar=beats_per_bar,
        programs={part: reader.program(part) for part in ("drums", *PITCHED_PARTS) if part in sounding},
    )


def dynamics_curve(arrangement: Arrangement) -> NDArray[np.float64]:
    """How much sounds around each sixteenth, 0..1, (t,): attacks' energy under a Hann window of two bars."""
    energy = np.zeros(arrangement.beat_count * STEPS_PER_BEAT)
    for note in arrangement.notes:
        step, _ = _grid_place(note, len(energy))
        energy[step] += (note.velocity / 127) ** 2
    bar = arrangement.beats_per_bar * STEPS_PER_BEAT
    window = np.hanning(2 * bar + 1)
    # normalising by what of the window lies inside keeps the first and last bar at their own level
    a_beat = np.convolve(energy, window)[bar:-bar] / np.convolve(np.ones_like(energy), window)[bar:-bar]
    a_beat *= STEPS_PER_BEAT
    curve: NDArray[np.float64] = a_beat / (a_beat + _FULL_LOUDNESS)
    return curve


# --- writing ----------------------------------------------------------------------------------------


def _grid_place(note: Note, step_count: int) -> tuple[int, float]:
    """The sixteenth of a note, and how far from it the note begins, -0.5..0.5 sixteenths."""
    exact = note.start_beat * STEPS_PER_BEAT
    step = min(math.floor(exact + 0.5), step_count - 1)
    return step, min(exact - step, 0.5)


def _strike(velocity: float) -> float:
    return SOFTEST + (1 - SOFTEST) * velocity / 127


def _write_timing(latents: Latents, channel: int, places: Sequence[tuple[int, float]]) -> None:
    """Attacks that share a sixteenth share its mean offset; elsewhere the channel is 0."""
    latents[:, channel] = 0.0
    offsets: defaultdict[int, list[float]] = defaultdict(list)
    for step, offset in places:
        offsets[step].append(offset)
    for step, values in offsets.items():
        latents[step, channel] = 2 * sum(values) / len(values)


def _write_drums(latents: Latents, notes: Sequence[Note]) -> None:
    places = []
    for note in notes:
        voice = _VOICE_OF_KEY.get(_NEAREST_KEY.get(note.pitch, note.pitch))
        if voice is None:
            continue
        step, offset = _grid_place(note, len(latents))
        channel = DRUMS.voices.start + voice
        latents[step, channel] = max(latents[step, channel], _strike(note.velocity))
        places.append((step, offset))
    _write_timing(latents, DRUMS.timing, places)


def _write_harmony(latents: Latents, notes: Sequence[Note], tonic: int) -> None:
    places = [_grid_place(note, len(latents)) for note in notes]
    roll = latents[:, HARMONY.roll]
    velocities: defaultdict[int, list[int]] = defaultdict(list)
    ends: defaultdict[int, int] = defaultdict(int)
    for note, (step, _) in zip(notes, places, strict=True):
        pitch = fold_pitch("harmony", tonic, note.pitch) - signed_tonic(tonic) - ROLL_LOW
        held = max(1, round(note.duration_beats * STEPS_PER_BEAT))
        # a later strike of the same pitch ends the earlier one: notes come in order of time
        roll[step : ends[pitch], pitch] = -1.0
        ends[pitch] = step + held
        roll[step : step + held, pitch] = HELD
        roll[step, pitch] = 1.0
        velocities[step].append(note.velocity)
    for step, values in velocities.items():
        latents[step, HARMONY.attack] = _strike(sum(values) / len(values))
    _write_timing(latents, HARMONY.timing, places)


def _write_line(latents: Latents, layout: LineLayout, notes: Sequence[Note], part: Part, tonic: int) -> None:
    places = [_grid_place(note, len(latents)) for note in notes]
    # of notes on one sixteenth the last written stays: the highest, which the ear follows
    order = sorted(range(len(notes)), key=lambda i: (places[i][0], notes[i].pitch))
    line = slice(layout.pitch_classes.start, layout.timing)
    end = 0
    for i in order:
        note, step = notes[i], places[i][0]
        octave, pitch_class = divmod(fold_pitch(part, tonic, note.pitch) - signed_tonic(tonic), 12)
        length = max(note.duration_beats * STEPS_PER_BEAT, _SHORTEST_REST_STEPS)
        held = max(1, math.ceil(length - _SHORTEST_REST_STEPS))
        span = slice(step, step + held)
        latents[step : max(end, step + held), line] = -1.0
        end = step + held
        latents[span, layout.pitch_classes.start + pitch_class] = 1.0
        above = octave - layout.first_octave
        latents[span, layout.octaves.start : layout.octaves.start + above] = 1.0
        latents[span, layout.hold] = 1.0
        if step + held <= len(latents):
            latents[step + held - 1, layout.hold] = _strike(127 * min(1.0, length - (held - 1)))
        latents[step, layout.attack] = _strike(note.velocity)
    kept = {places[i][0]: places[i] for i in order}
    _write_timing(latents, layout.timing, list(kept.values()))


def _write_programs(latents: Latents, arrangement: Arrangement, by_part: Mapping[Part, list[Note]]) -> None:
    """The same signs in every frame; 0, which says nothing, where the part is silent throughout."""
    for part, channels in PROGRAM_CHANNELS.items():
        program = arrangement.programs.get(part, DEFAULT_PROGRAMS[part])
        latents[:, channels] = program_signs(part, program) if by_part.get(part) else 0.0
