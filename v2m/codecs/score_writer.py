"""Writing an arrangement into score latents, part by part.

Conventions: as in `layout.py` and `latents.py`: latents are float32 (t, c), changed in place; notes come in
order of time. A note lies in the sixteenth nearest to its start and its timing channel holds the rest, in
units of `TIMING_STEPS`. Where that sixteenth is taken, by the voice, the line or the pitch, the note moves
to a free neighbour, and its timing says so.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import DRUM_VOICES, STEPS_PER_BEAT, Arrangement, Note, Part
from v2m.codecs.layout import (
    DRUMS,
    HARMONY,
    HELD,
    LINES,
    LOUDNESS_CHANNELS,
    LOUDNESS_DB,
    LOUDNESS_RANGE_DB,
    PEDAL_CHANNELS,
    PROGRAM_CHANNELS,
    RANK_VELOCITY,
    RANKS,
    ROLL_LOW,
    SECOND_VOICES,
    fold_pitch,
    signed_tonic,
)
from v2m.codecs.line_writer import write_line
from v2m.codecs.place import Place, grid_step, place_beside, place_on, strike_code, timing_code
from v2m.codecs.programs import DEFAULT_PROGRAMS, program_signs

Latents = NDArray[np.float32]

_VOICE_OF_KEY = {key: voice for voice, key in enumerate(DRUM_VOICES.values())}
_NEAREST_KEY: Mapping[int, int] = {
    35: 36, 40: 38, 44: 42, 47: 45, 48: 50, 43: 41, 51: 51, 52: 49, 53: 51, 55: 49, 57: 49, 59: 51,
    54: 70, 69: 70, 82: 70, 56: 37, 64: 41, 60: 50, 61: 45,
}  # fmt: skip
"""Other General MIDI drum keys, and the voice that stands in for them."""

_SECOND_OF_VOICE = {
    list(DRUM_VOICES).index(name): DRUMS.seconds.start + i for i, name in enumerate(SECOND_VOICES)
}

_STRUM_STEPS = 0.45
"""Notes of a chord that follow its first by less are one strum, kept in one sixteenth."""

_MOST_RANK_CODE = 1.5
"""Notes of a chord differ by 48 velocity steps at most: beyond, the code would leave what others span."""


def write_score(latents: Latents, arrangement: Arrangement) -> None:
    """Write all parts into latents that hold `layout.NEUTRAL` throughout."""
    by_part: defaultdict[Part, list[Note]] = defaultdict(list)
    for note in sorted(arrangement.notes, key=lambda note: (note.start_beat, note.pitch)):
        by_part[note.part].append(note)
    _write_drums(latents, by_part["drums"])
    _write_harmony(latents, by_part["harmony"], arrangement.tonic)
    for part, layout in LINES.items():
        write_line(latents, layout, by_part[part], part, arrangement.tonic)
    for part, notes in by_part.items():
        if notes:
            program = arrangement.programs.get(part, DEFAULT_PROGRAMS[part])
            latents[:, PROGRAM_CHANNELS[part]] = program_signs(part, program)
            _write_loudness(latents, arrangement, part)
            _write_pedal(latents, arrangement, part)


# --- drums ------------------------------------------------------------------------------------------


def _write_drums(latents: Latents, notes: Sequence[Note]) -> None:
    by_voice: defaultdict[int, list[Note]] = defaultdict(list)
    for note in notes:
        voice = _VOICE_OF_KEY.get(_NEAREST_KEY.get(note.pitch, note.pitch))
        if voice is not None:
            by_voice[voice].append(note)
    second_offsets: defaultdict[int, list[float]] = defaultdict(list)
    for voice, strikes in by_voice.items():
        for place, velocity in _write_voice(latents, voice, strikes):
            latents[place.step, _SECOND_OF_VOICE[voice]] = strike_code(velocity)
            second_offsets[place.step].append(place.offset)
    for step, offsets in second_offsets.items():
        latents[step, DRUMS.second_timing] = timing_code(offsets)


def _write_voice(latents: Latents, voice: int, notes: Sequence[Note]) -> list[tuple[Place, int]]:
    """Writes the first strikes of a voice; returns the second ones."""
    count = len(latents)
    steps: defaultdict[int, list[Note]] = defaultdict(list)
    for note in notes:
        steps[grid_step(note.start_beat, count)].append(note)
    firsts: dict[int, tuple[Place, int]] = {}
    rest: list[Note] = []
    for step, strikes in steps.items():
        first = min(strikes, key=lambda note: abs(note.start_beat * STEPS_PER_BEAT - step))
        twins = [note.velocity for note in strikes if note.start_beat == first.start_beat]
        firsts[step] = (place_on(first.start_beat, step), max(twins))
        rest += [note for note in strikes if note.start_beat != first.start_beat]
    seconds: dict[int, tuple[Place, int]] = {}
    for note in rest:
        step = grid_step(note.start_beat, count)
        if voice in _SECOND_OF_VOICE and step not in seconds:
            seconds[step] = (place_on(note.start_beat, step), note.velocity)
        elif (beside := place_beside(note.start_beat, step, firsts, count)) is not None:
            firsts[beside.step] = (beside, note.velocity)
    for place, velocity in firsts.values():
        latents[place.step, DRUMS.voices.start + voice] = strike_code(velocity)
        latents[place.step, DRUMS.timings.start + voice] = timing_code([place.offset])
    return list(seconds.values())


# --- chords -----------------------------------------------------------------------------------------


def _write_harmony(latents: Latents, notes: Sequence[Note], tonic: int) -> None:
    struck: defaultdict[int, dict[int, tuple[Note, Place]]] = defaultdict(dict)  # step, pitch
    of_pitch: defaultdict[int, dict[int, Note]] = defaultdict(dict)  # pitch, step
    for note, step in zip(notes, _chord_steps(notes, len(latents)), strict=True):
        pitch = fold_pitch("harmony", tonic, note.pitch) - signed_tonic(tonic) - ROLL_LOW
        place: Place | None = place_on(note.start_beat, step)
        if step in of_pitch[pitch]:
            place = place_beside(note.start_beat, step, of_pitch[pitch], len(latents))
        if place is not None:
            struck[place.step][pitch] = (note, place)
            of_pitch[pitch][place.step] = note
    for step, chord in struck.items():
        _write_struck(latents, step, [chord[pitch] for pitch in sorted(chord)])
    _write_roll(latents, of_pitch)


def _chord_steps(notes: Sequence[Note], count: int) -> list[int]:
    """The sixteenth of each note; a strum lies in that of its middle."""
    steps: list[int] = []
    first = 0
    for i, note in enumerate(notes):
        after = notes[i + 1].start_beat if i + 1 < len(notes) else math.inf
        if (after - notes[first].start_beat) * STEPS_PER_BEAT >= _STRUM_STEPS:
            middle = (notes[first].start_beat + note.start_beat) / 2
            steps += [grid_step(middle, count)] * (i + 1 - first)
            first = i + 1
    return steps


def _write_struck(latents: Latents, step: int, chord: Sequence[tuple[Note, Place]]) -> None:
    """Attack, velocities and timings of what is struck in a frame, given from the lowest pitch up."""
    mean = sum(note.velocity for note, _ in chord) / len(chord)
    latents[step, HARMONY.attack] = strike_code(mean)
    # ranks that nothing was struck on go with the chord, so that one timing reads as all of it
    latents[step, HARMONY.timings] = timing_code([place.offset for _, place in chord])
    for rank in range(min(RANKS, len(chord))):
        members = chord[rank:] if rank == RANKS - 1 else chord[rank : rank + 1]
        differs = sum(note.velocity - mean for note, _ in members) / len(members) / RANK_VELOCITY
        latents[step, HARMONY.velocities.start + rank] = max(-_MOST_RANK_CODE, min(_MOST_RANK_CODE, differs))
        latents[step, HARMONY.timings.start + rank] = timing_code([place.offset for _, place in members])


def _write_roll(latents: Latents, of_pitch: Mapping[int, Mapping[int, Note]]) -> None:
    roll = latents[:, HARMONY.roll]
    releases: defaultdict[int, list[float]] = defaultdict(list)
    for pitch, by_step in of_pitch.items():
        for step, following in pairwise([*sorted(by_step), len(latents)]):
            note = by_step[step]
            later = by_step[following].start_beat if following in by_step else math.inf
            end = min(note.start_beat + note.duration_beats, later) * STEPS_PER_BEAT
            last = min(max(step + 1, math.floor(end + 0.5)), following)
            roll[step + 1 : last, pitch] = HELD
            roll[step, pitch] = 1.0
            releases[last - 1].append(max(-1.0, min(1.0, end - last)))
    for step, shares in releases.items():
        latents[step, HARMONY.release] = sum(shares) / len(shares)


# --- what lies under the notes ----------------------------------------------------------------------


def _write_loudness(latents: Latents, arrangement: Arrangement, part: Part) -> None:
    levels = arrangement.loudness_db.get(part, ())
    if levels:
        steps = np.minimum(np.arange(len(latents)), len(levels) - 1)
        levels_db = np.clip(np.asarray(levels, np.float64)[steps], *LOUDNESS_RANGE_DB)
        latents[:, LOUDNESS_CHANNELS[part]] = levels_db / LOUDNESS_DB


def _write_pedal(latents: Latents, arrangement: Arrangement, part: Part) -> None:
    """A sign a sixteenth; a pedal that is changed comes up for the last sixteenth before the change."""
    channel = PEDAL_CHANNELS.get(part)
    if channel is None:
        return
    for start, end in arrangement.pedals.get(part, ()):
        first, last = (round(beat * STEPS_PER_BEAT) for beat in (start, end))
        if first > 0 and latents[first - 1, channel] > 0:
            latents[first - 1, channel] = -1.0
        latents[max(0, first) : last, channel] = 1.0
