"""A standard MIDI file with the tempo map in it, for an editor or composer to go on from.

Conventions: type 1, 960 ticks a quarter. Tick 0 is the first frame of the programme, so the file can be laid
on the timeline as it is. Beats of the map are beats of the file, each with its own tempo; what the map has of
a beat before the programme makes a first beat that is shorter in time, not in ticks. Tempos are rounded to
the microsecond with the error carried on, so beats never drift.
`midi_notes` reads it back; no other module imports mido. Source: Standard MIDI Files 1.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import mido
import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import PARTS, Arrangement, Note, Part
from v2m.codecs.loudness import level_beats
from v2m.codecs.programs import DEFAULT_PROGRAMS
from v2m.errors import OutputWriteError
from v2m.tempo import TempoMap

FloatArray = NDArray[np.float64]

TICKS_PER_BEAT: Final = 960
_DRUM_CHANNEL = 9
_PEDAL = 64  # General MIDI: damper pedal
_EXPRESSION = 11  # General MIDI: expression
_EXPRESSION_DB = 40.0
"""Loudness of a controller value v is 40 log10(v / 127) dB (General MIDI, recommended response)."""

_SHORTEST_BEAT_S = 0.1
"""A remnant of a beat shorter than this joins the next one: sequencers refuse tempos over 999 BPM."""

_LONGEST_BEAT_US = 2**24 - 1  # what a tempo event holds: 16.8 s


def write_midi(path: Path, arrangement: Arrangement, tempo: TempoMap, *, beat_offset: float = 0.0) -> None:
    """Write the arrangement with its tempo map; replaces what is there.

    Args:
        path: the `.mid` file.
        arrangement: what is played.
        tempo: when its beats are.
        beat_offset: beat of the tempo map at which the arrangement's beat 0 lies.

    Raises:
        OutputWriteError: the file could not be written.
    """
    grid = _grid(tempo, arrangement, beat_offset)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(_conductor(grid, tempo))
    for part in PARTS:
        notes = [note for note in arrangement.notes if note.part == part]
        if notes:
            file.tracks.append(_part_track(part, notes, arrangement, tempo, beat_offset, grid))
    try:
        file.save(path)
    except OSError as error:
        raise OutputWriteError(
            f"{path} could not be written: {error.strerror or error}.", hint="Check the folder and the disk."
        ) from error


def _grid(tempo: TempoMap, arrangement: Arrangement, beat_offset: float) -> FloatArray:
    """Seconds of the file's beats 0, 1, 2 …: the programme's start, then the map's beats."""
    last = max((note.start_beat + note.duration_beats for note in arrangement.notes), default=0.0)
    count = max(len(tempo.beats_s), int(np.ceil(last + beat_offset)) + 1)
    beats = tempo.time_s(np.arange(count, dtype=np.float64))
    return np.concatenate([[0.0], beats[beats >= _SHORTEST_BEAT_S]])


def _ticks(time_s: FloatArray, grid: FloatArray) -> list[int]:
    beats = np.interp(time_s, grid, np.arange(len(grid)))
    return [round(beat * TICKS_PER_BEAT) for beat in beats.tolist()]


def _conductor(grid: FloatArray, tempo: TempoMap) -> Any:  # noqa: ANN401 - the library has no types
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="V2M Score", time=0)])
    events: list[tuple[int, Any]] = []
    first_bar = _beats_before_first_bar(grid, tempo)
    if first_bar:
        events.append((0, _time_signature(first_bar)))
    events.append((first_bar, _time_signature(tempo.beats_per_bar)))
    elapsed_us = 0
    for beat, end_s in enumerate(grid[1:].tolist()):
        length_us = min(_LONGEST_BEAT_US, max(1, round(end_s * 1e6) - elapsed_us))
        elapsed_us += length_us
        events.append((beat, mido.MetaMessage("set_tempo", tempo=length_us)))
    events.sort(key=lambda event: event[0])
    at = 0
    for beat, message in events:
        track.append(message.copy(time=(beat - at) * TICKS_PER_BEAT))
        at = beat
    return track


def _beats_before_first_bar(grid: FloatArray, tempo: TempoMap) -> int:
    """Beats of the file before its first downbeat: an upbeat gets a bar of its own length."""
    dropped = len(tempo.beats_s) - int((np.asarray(tempo.beats_s) >= _SHORTEST_BEAT_S).sum())
    # beat k of the map, once dropped beats are past, is beat k - dropped + 1 of the file
    return (tempo.first_downbeat - dropped + 1) % tempo.beats_per_bar


def _time_signature(beats: int) -> Any:  # noqa: ANN401 - the library has no types
    return mido.MetaMessage("time_signature", numerator=beats, denominator=4)


def _part_track(
    part: Part,
    notes: Sequence[Note],
    arrangement: Arrangement,
    tempo: TempoMap,
    beat_offset: float,
    grid: FloatArray,
) -> Any:  # noqa: ANN401 - the library has no types
    channel = _DRUM_CHANNEL if part == "drums" else PARTS.index(part)
    program = arrangement.programs.get(part, DEFAULT_PROGRAMS[part])
    track = mido.MidiTrack(
        [
            mido.MetaMessage("track_name", name=part.capitalize(), time=0),
            mido.Message("program_change", channel=channel, program=program, time=0),
        ]
    )
    strokes: list[tuple[int, dict[str, Any]]] = [
        (tick, {"type": "note_on" if on else "note_off", "note": pitch, "velocity": velocity})
        for tick, on, pitch, velocity in _strokes(notes, tempo, beat_offset, grid)
    ]
    controls: list[tuple[int, dict[str, Any]]] = [
        (tick, {"type": "control_change", "control": control, "value": value})
        for tick, control, value in _controls(part, arrangement, tempo, beat_offset, grid)
    ]
    at = 0
    # the sort is stable: on one tick a control stands before the notes; a message checks itself whenever made
    for tick, fields in sorted([*controls, *strokes], key=lambda event: event[0]):
        track.append(mido.Message(**fields, channel=channel, time=tick - at))
        at = tick
    return track


def _controls(
    part: Part, arrangement: Arrangement, tempo: TempoMap, beat_offset: float, grid: FloatArray
) -> list[tuple[int, int, int]]:
    """Tick, controller and value of the pedal and of the part's expression, changes only."""
    pedal = [
        (beat, 0 if up else 127) for span in arrangement.pedals.get(part, ()) for up, beat in enumerate(span)
    ]
    levels_db = arrangement.loudness_db.get(part, ())
    # expression only softens: what is loudest stands at its end, and the rest below it
    top_db = max(levels_db, default=0.0)
    values = [round(127 * 10 ** ((level - top_db) / _EXPRESSION_DB)) for level in levels_db]
    changes = [i for i, value in enumerate(values) if i == 0 or value != values[i - 1]]
    found = []
    for control, beats, settings in (
        (_PEDAL, [beat for beat, _ in pedal], [value for _, value in pedal]),
        (_EXPRESSION, level_beats(levels_db)[changes].tolist(), [values[i] for i in changes]),
    ):
        times_s = tempo.time_s(np.array(beats, np.float64) + beat_offset) if beats else np.zeros(0)
        ticks = _ticks(np.maximum(0.0, times_s), grid)
        found += [(tick, control, value) for tick, value in zip(ticks, settings, strict=True)]
    return sorted(found, key=lambda event: event[0])


def _strokes(
    notes: Sequence[Note], tempo: TempoMap, beat_offset: float, grid: FloatArray
) -> list[tuple[int, bool, int, int]]:
    """Ons and offs by ticks, offs first; a key that is struck again is let go before."""
    ordered = sorted(notes, key=lambda note: note.start_beat)
    beats = np.array([(n.start_beat, n.start_beat + n.duration_beats) for n in ordered]) + beat_offset
    # what lies before the first frame begins with it
    starts, ends = (_ticks(np.maximum(0.0, tempo.time_s(beats[:, i])), grid) for i in (0, 1))
    next_start: dict[int, int] = {}
    strokes: list[tuple[int, bool, int, int]] = []
    for note, start, end in reversed(list(zip(ordered, starts, ends, strict=True))):
        following = next_start.get(note.pitch)
        if end == 0:
            continue  # over before the programme began
        if following is not None and following <= start:
            continue  # a twin on the same tick: one key, one stroke
        stop = max(start + 1, end if following is None else min(end, following))
        strokes += [(start, True, note.pitch, note.velocity), (stop, False, note.pitch, 0)]
        next_start[note.pitch] = start
    return sorted(strokes)
