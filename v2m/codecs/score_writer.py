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
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import DRUM_VOICES, STEPS_PER_BEAT, Arrangement, Note, Part
from v2m.codecs.layout import (
    DRUMS,
    HARMONY,
    HELD,
    LINES,
    LOUDEST,
    LOUDNESS_CHANNELS,
    LOUDNESS_DB,
    LOUDNESS_RANGE_DB,
    PEDAL_CHANNELS,
    PROGRAM_CHANNELS,
    RANK_VELOCITY,
    RANKS,
    ROLL_LOW,
    SECOND_PITCH,
    SECOND_VOICES,
    SOFTEST,
    TIMING_STEPS,
    WHOLE,
    LineLayout,
    fold_pitch,
    signed_tonic,
)
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

_FARTHEST_STEPS = 1.0
"""How far from its own sixteenth a note may lie: in the one beside it."""

_TOGETHER_STEPS = 0.12
"""Notes of a line nearer than this, 15 ms at 120 BPM, are struck together."""

_STRUM_STEPS = 0.45
"""Notes of a chord that follow its first by less are one strum, kept in one sixteenth."""

_SHORTEST_REST_STEPS = 0.05
"""A length that exceeds whole sixteenths by less is those sixteenths: float dust, not articulation."""

_LONGEST_LAST_SHARE = 2.0
"""What the last frame of a line's note may hold: a whole sixteenth, and up to one that the next note took."""

_MOST_RANK_CODE = 1.5
"""Notes of a chord differ by 48 velocity steps at most: beyond, the code would leave what others span."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a note lies on the grid."""

    step: int
    offset: float
    """Sixteenths from the step to the note's start, -1..1."""


def write_score(latents: Latents, arrangement: Arrangement) -> None:
    """Write all parts into latents that hold `layout.NEUTRAL` throughout."""
    by_part: defaultdict[Part, list[Note]] = defaultdict(list)
    for note in sorted(arrangement.notes, key=lambda note: (note.start_beat, note.pitch)):
        by_part[note.part].append(note)
    _write_drums(latents, by_part["drums"])
    _write_harmony(latents, by_part["harmony"], arrangement.tonic)
    for part, layout in LINES.items():
        _write_line(latents, layout, by_part[part], part, arrangement.tonic)
    for part, notes in by_part.items():
        if notes:
            program = arrangement.programs.get(part, DEFAULT_PROGRAMS[part])
            latents[:, PROGRAM_CHANNELS[part]] = program_signs(part, program)
            _write_loudness(latents, arrangement, part)
            _write_pedal(latents, arrangement, part)


def grid_step(start_beat: float, step_count: int) -> int:
    """The sixteenth nearest to a start."""
    return min(math.floor(start_beat * STEPS_PER_BEAT + 0.5), step_count - 1)


def strike_code(velocity: float) -> float:
    """The code of a strike of velocity 0-127."""
    return SOFTEST + (LOUDEST - SOFTEST) * velocity / 127


def _place(start_beat: float, step: int) -> _Place:
    exact = start_beat * STEPS_PER_BEAT - step
    return _Place(step, max(-_FARTHEST_STEPS, min(_FARTHEST_STEPS, exact)))


def _timing(offsets: Sequence[float]) -> float:
    return sum(offsets) / len(offsets) / TIMING_STEPS


def _neighbour(start_beat: float, step: int, taken: Mapping[int, object], count: int) -> _Place | None:
    """A free sixteenth beside one that is taken: the side on which the note lies, else the other."""
    exact = start_beat * STEPS_PER_BEAT
    sides = (step - 1, step + 1) if exact < step else (step + 1, step - 1)
    for side in sides:
        if 0 <= side < count and side not in taken and abs(exact - side) <= _FARTHEST_STEPS:
            return _Place(side, exact - side)
    return None


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
        latents[step, DRUMS.second_timing] = _timing(offsets)


def _write_voice(latents: Latents, voice: int, notes: Sequence[Note]) -> list[tuple[_Place, int]]:
    """Writes the first strikes of a voice; returns the second ones."""
    count = len(latents)
    steps: defaultdict[int, list[Note]] = defaultdict(list)
    for note in notes:
        steps[grid_step(note.start_beat, count)].append(note)
    firsts: dict[int, tuple[_Place, int]] = {}
    rest: list[Note] = []
    for step, strikes in steps.items():
        first = min(strikes, key=lambda note: abs(note.start_beat * STEPS_PER_BEAT - step))
        twins = [note.velocity for note in strikes if note.start_beat == first.start_beat]
        firsts[step] = (_place(first.start_beat, step), max(twins))
        rest += [note for note in strikes if note.start_beat != first.start_beat]
    seconds: dict[int, tuple[_Place, int]] = {}
    for note in rest:
        step = grid_step(note.start_beat, count)
        if voice in _SECOND_OF_VOICE and step not in seconds:
            seconds[step] = (_place(note.start_beat, step), note.velocity)
        elif (beside := _neighbour(note.start_beat, step, firsts, count)) is not None:
            firsts[beside.step] = (beside, note.velocity)
    for place, velocity in firsts.values():
        latents[place.step, DRUMS.voices.start + voice] = strike_code(velocity)
        latents[place.step, DRUMS.timings.start + voice] = place.offset / TIMING_STEPS
    return list(seconds.values())


# --- chords -----------------------------------------------------------------------------------------


def _write_harmony(latents: Latents, notes: Sequence[Note], tonic: int) -> None:
    struck: defaultdict[int, dict[int, tuple[Note, _Place]]] = defaultdict(dict)  # step, pitch
    of_pitch: defaultdict[int, dict[int, Note]] = defaultdict(dict)  # pitch, step
    for note, step in zip(notes, _chord_steps(notes, len(latents)), strict=True):
        pitch = fold_pitch("harmony", tonic, note.pitch) - signed_tonic(tonic) - ROLL_LOW
        place: _Place | None = _place(note.start_beat, step)
        if step in of_pitch[pitch]:
            place = _neighbour(note.start_beat, step, of_pitch[pitch], len(latents))
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


def _write_struck(latents: Latents, step: int, chord: Sequence[tuple[Note, _Place]]) -> None:
    """Attack, velocities and timings of what is struck in a frame, given from the lowest pitch up."""
    mean = sum(note.velocity for note, _ in chord) / len(chord)
    latents[step, HARMONY.attack] = strike_code(mean)
    # ranks that nothing was struck on go with the chord, so that one timing reads as all of it
    latents[step, HARMONY.timings] = _timing([place.offset for _, place in chord])
    for rank in range(min(RANKS, len(chord))):
        members = chord[rank:] if rank == RANKS - 1 else chord[rank : rank + 1]
        differs = sum(note.velocity - mean for note, _ in members) / len(members) / RANK_VELOCITY
        latents[step, HARMONY.velocities.start + rank] = max(-_MOST_RANK_CODE, min(_MOST_RANK_CODE, differs))
        latents[step, HARMONY.timings.start + rank] = _timing([place.offset for _, place in members])


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
            if last < len(latents) or end < last:
                releases[last - 1].append(max(-1.0, min(1.0, end - last)))
    for step, shares in releases.items():
        latents[step, HARMONY.release] = sum(shares) / len(shares)


# --- lines ------------------------------------------------------------------------------------------


def _write_line(latents: Latents, layout: LineLayout, notes: Sequence[Note], part: Part, tonic: int) -> None:
    placed = _place_line([_sounding_together(group) for group in _groups(notes)], len(latents))
    steps = sorted(placed)
    for step, end in pairwise([*steps, len(latents)]):
        (note, second), place = placed[step]
        later = placed[end][0][0].start_beat if end in placed else math.inf
        length = min(note.duration_beats, later - note.start_beat) * STEPS_PER_BEAT
        length = max(length, _SHORTEST_REST_STEPS)
        frames = min(max(1, math.ceil(length - _SHORTEST_REST_STEPS)), end - step)
        span = slice(step, step + frames)
        _write_line_pitch(latents, layout, span, fold_pitch(part, tonic, note.pitch) - signed_tonic(tonic))
        if second is not None and layout.doubled is not None:
            latents[span, layout.doubled] = 1.0
            if (note.pitch - second.pitch) % 12:
                second_class = (second.pitch - signed_tonic(tonic)) % 12
                latents[span, layout.pitch_classes.start + second_class] = SECOND_PITCH
        latents[span, layout.hold] = WHOLE
        if step + frames < len(latents) or length < frames:
            share = min(_LONGEST_LAST_SHARE, length - (frames - 1))
            latents[step + frames - 1, layout.hold] = SOFTEST + (WHOLE - SOFTEST) * share
        latents[step, layout.attack] = strike_code(note.velocity)
        latents[step, layout.timing] = place.offset / TIMING_STEPS


def _groups(notes: Sequence[Note]) -> list[list[Note]]:
    """Notes that are struck together."""
    groups: list[list[Note]] = []
    for note in notes:
        if groups and (note.start_beat - groups[-1][0].start_beat) * STEPS_PER_BEAT < _TOGETHER_STEPS:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _sounding_together(group: Sequence[Note]) -> tuple[Note, Note | None]:
    """The highest note, which the ear follows, and the next below it."""
    by_pitch = {note.pitch: note for note in group}
    highest = sorted(by_pitch, reverse=True)
    return by_pitch[highest[0]], by_pitch[highest[1]] if len(highest) > 1 else None


def _place_line(
    strokes: Sequence[tuple[Note, Note | None]], count: int
) -> dict[int, tuple[tuple[Note, Note | None], _Place]]:
    """Each stroke on a sixteenth of its own; of those that find none the later stays."""
    steps = [grid_step(stroke[0].start_beat, count) for stroke in strokes]
    placed: dict[int, tuple[tuple[Note, Note | None], _Place]] = {}
    nearest = set(steps)
    for stroke, step in zip(strokes, steps, strict=True):
        start = stroke[0].start_beat
        if step not in placed:
            placed[step] = (stroke, _place(start, step))
            continue
        earlier = placed[step][0]
        taken = dict.fromkeys(nearest | placed.keys())
        moved = _neighbour(earlier[0].start_beat, step, taken, count)
        if moved is not None and moved.step < step:
            placed[moved.step] = (earlier, moved)
            placed[step] = (stroke, _place(start, step))
            continue
        moved = _neighbour(start, step, taken, count)
        if moved is not None and moved.step > step:
            placed[moved.step] = (stroke, moved)
        else:
            placed[step] = (stroke, _place(start, step))
    return placed


def _write_line_pitch(latents: Latents, layout: LineLayout, span: slice, pitch: int) -> None:
    octave, pitch_class = divmod(pitch, 12)
    latents[span, layout.pitch_classes.start + pitch_class] = 1.0
    above = octave - layout.first_octave
    latents[span, layout.octaves.start : layout.octaves.start + above] = 1.0


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
