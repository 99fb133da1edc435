"""Writing a part that sounds one note at a time into score latents.

Conventions: as in `score_writer.py`. Notes that are struck together are the highest, which the ear follows,
and the next below it, which shares its length and velocity. The length is counted in frames from the note's
own start; the last frame holds what is left of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import STEPS_PER_BEAT, Note, Part
from v2m.codecs.layout import SECOND_PITCH, SOFTEST, WHOLE, LineLayout, fold_pitch, signed_tonic
from v2m.codecs.place import Place, grid_step, place_beside, place_on, strike_code, timing_code

Latents = NDArray[np.float32]
Stroke = tuple[Note, Note | None]
"""A note, and the one below it that is struck with it."""

_TOGETHER_STEPS = 0.12
"""Notes nearer than this, 15 ms at 120 BPM, are struck together."""

_SHORTEST_REST_STEPS = 0.05
"""A length that exceeds whole sixteenths by less is those sixteenths: float dust, not articulation."""

_LONGEST_LAST_SHARE = 2.0
"""What the last frame of a note may hold: a whole sixteenth, and up to one that the next note took."""


def write_line(latents: Latents, layout: LineLayout, notes: Sequence[Note], part: Part, tonic: int) -> None:
    """Write the notes of a line, in order of time, into neutral latents (t, c)."""
    placed = _place_strokes([_stroke(group) for group in _groups(notes)], len(latents))
    for step, end in pairwise([*sorted(placed), len(latents)]):
        (note, second), place = placed[step]
        later = placed[end][0][0].start_beat if end in placed else math.inf
        length = min(note.duration_beats, later - note.start_beat) * STEPS_PER_BEAT
        length = max(length, _SHORTEST_REST_STEPS)
        frames = min(max(1, math.ceil(length - _SHORTEST_REST_STEPS)), end - step)
        span = slice(step, step + frames)
        _write_pitches(latents, layout, span, (note, second), part, tonic)
        latents[span, layout.hold] = WHOLE
        share = min(_LONGEST_LAST_SHARE, length - (frames - 1))
        latents[step + frames - 1, layout.hold] = SOFTEST + (WHOLE - SOFTEST) * share
        latents[step, layout.attack] = strike_code(note.velocity)
        latents[step, layout.timing] = timing_code([place.offset])


def _write_pitches(
    latents: Latents, layout: LineLayout, span: slice, stroke: Stroke, part: Part, tonic: int
) -> None:
    note, second = stroke
    pitch = fold_pitch(part, tonic, note.pitch) - signed_tonic(tonic)
    octave, pitch_class = divmod(pitch, 12)
    latents[span, layout.pitch_classes.start + pitch_class] = 1.0
    above = octave - layout.first_octave
    latents[span, layout.octaves.start : layout.octaves.start + above] = 1.0
    if second is None or layout.doubled is None:
        return
    latents[span, layout.doubled] = 1.0
    if (note.pitch - second.pitch) % 12:
        second_class = (second.pitch - signed_tonic(tonic)) % 12
        latents[span, layout.pitch_classes.start + second_class] = SECOND_PITCH


def _groups(notes: Sequence[Note]) -> list[list[Note]]:
    """Notes that are struck together."""
    groups: list[list[Note]] = []
    for note in notes:
        if groups and (note.start_beat - groups[-1][0].start_beat) * STEPS_PER_BEAT < _TOGETHER_STEPS:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _stroke(group: Sequence[Note]) -> Stroke:
    by_pitch = {note.pitch: note for note in group}
    highest = sorted(by_pitch, reverse=True)
    return by_pitch[highest[0]], by_pitch[highest[1]] if len(highest) > 1 else None


def _place_strokes(strokes: Sequence[Stroke], count: int) -> dict[int, tuple[Stroke, Place]]:
    """Each stroke in a sixteenth of its own; of those that find none the later stays."""
    steps = [grid_step(stroke[0].start_beat, count) for stroke in strokes]
    wanted = set(steps)
    placed: dict[int, tuple[Stroke, Place]] = {}
    for stroke, step in zip(strokes, steps, strict=True):
        if step not in placed:
            placed[step] = (stroke, place_on(stroke[0].start_beat, step))
            continue
        taken = wanted | placed.keys()
        earlier = placed[step][0]
        before = place_beside(earlier[0].start_beat, step, taken, count)
        after = place_beside(stroke[0].start_beat, step, taken, count)
        if before is not None and before.step < step:
            placed[before.step] = (earlier, before)
            placed[step] = (stroke, place_on(stroke[0].start_beat, step))
        elif after is not None and after.step > step:
            placed[after.step] = (stroke, after)
        else:
            placed[step] = (stroke, place_on(stroke[0].start_beat, step))
    return placed
