"""The end of the piece: a chord on the tonic that rings, and nothing after it.

Conventions: as in `arrangement.py`; the end is the beat at which the programme ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from v2m.codecs.arrangement import DRUM_VOICES, PITCHED_PARTS, Arrangement, Note, Part
from v2m.codecs.layout import fold_pitch, signed_tonic

_SHORTEST_RING_BEATS = 1.0
"""A final chord shorter than a beat is heard as cut off."""

_LONGEST_RING_BEATS = 8.0
"""Two bars: a hit farther from the end than this is not its final chord."""

_PLAIN_RING_BEATS = 2.0
"""Without a hit near the end the piece closes on a downbeat with at least half a bar to ring."""

_PAST_END_BEATS = 2.0
"""The chord is held beyond the end: the fade of the mix closes it, not the player's hand."""

_BREATH_BEATS = 0.5
"""Players take a breath before the last chord: struck into what still sounds it is hardly heard to begin."""

_ROOT_OCTAVE: Final = 60
_LOWEST_BASS = 34
"""The last root is the nearest to the bass's last note, or to this: half an octave down lies the lowest
string of a bass, and what lies under it is hardly heard."""

_FINAL_VELOCITY = 112
"""Forte: nothing comes after it."""

_FINAL_VOICES = ("kick", "snare", "crash")
"""The snare is its attack: kick and crash together begin more softly than a beat of the groove before."""

_DRUM_BEATS = 0.25


def key_chord(arrangement: Arrangement) -> list[int]:
    """The triad on the tonic around middle C, minor where the piece has more minor thirds than major ones."""
    thirds = [(note.pitch - arrangement.tonic) % 12 for note in arrangement.notes if note.part != "drums"]
    third = 3 if thirds.count(3) > thirds.count(4) else 4
    root = _ROOT_OCTAVE + signed_tonic(arrangement.tonic)
    return sorted(fold_pitch("harmony", arrangement.tonic, root + step) for step in (0, third, 7))


def final_beat(arrangement: Arrangement, end_beat: float, hit_beats: Sequence[float]) -> float:
    """Where the last chord falls: the last hit that leaves it time to ring, else a downbeat near the end."""
    near = [at for at in hit_beats if _SHORTEST_RING_BEATS <= end_beat - at <= _LONGEST_RING_BEATS]
    if near:
        return max(near)
    bar = arrangement.beats_per_bar
    downbeat = max(0.0, (end_beat - _PLAIN_RING_BEATS) // bar * bar)
    # a bar and more of ring only where the music was that slow to end anyway: else the last possible beat
    return downbeat if end_beat - downbeat <= _LONGEST_RING_BEATS else max(0.0, end_beat - _PLAIN_RING_BEATS)


def end_on_tonic(arrangement: Arrangement, end_beat: float, hit_beats: Sequence[float]) -> Arrangement:
    """The arrangement, closed by its key's chord in all parts that played near the end."""
    at = final_beat(arrangement, end_beat, hit_beats)
    hushed = at - _breath_beats(at, hit_beats)
    # an attack a little before the chord would be its flam, and its twin follows
    kept = [_cut(note, hushed) for note in arrangement.notes if note.start_beat < min(hushed, at - 1 / 16)]
    ring = end_beat - at + _PAST_END_BEATS
    playing = {note.part for note in arrangement.notes}
    chord = [
        Note(part, at, ring, pitch, _FINAL_VELOCITY)
        for part in PITCHED_PARTS
        if part in playing
        for pitch in _final_pitches(arrangement, part, kept)
    ]
    if any(note.part == "drums" and note.start_beat >= at - 2 * arrangement.beats_per_bar for note in kept):
        for voice in _FINAL_VOICES:
            chord.append(Note("drums", at, _DRUM_BEATS, DRUM_VOICES[voice], _FINAL_VELOCITY))
    notes = sorted([*kept, *chord], key=lambda note: (note.start_beat, note.part, note.pitch))
    return replace(arrangement, notes=tuple(notes))


def _breath_beats(at: float, hit_beats: Sequence[float]) -> float:
    """How long it is still before the last chord: not so long that a hit before it would be lost."""
    since_hit = min((at - hit for hit in hit_beats if hit < at), default=2 * _BREATH_BEATS)
    return min(_BREATH_BEATS, since_hit / 2)


def _cut(note: Note, at: float) -> Note:
    if note.part == "drums" or note.start_beat + note.duration_beats <= at:
        return note
    return replace(note, duration_beats=at - note.start_beat)


def _final_pitches(arrangement: Arrangement, part: Part, kept: Sequence[Note]) -> list[int]:
    """The whole chord for the harmony, the root for the bass, for a line the chord's nearest pitch."""
    chord = key_chord(arrangement)
    if part == "harmony":
        return chord
    last = next((note.pitch for note in reversed(kept) if note.part == part), None)
    if last is None:
        return []
    if part == "bass":
        last = max(last, _LOWEST_BASS)
    classes = {arrangement.tonic} if part == "bass" else {pitch % 12 for pitch in chord}
    near = [pitch for pitch in range(max(0, last - 6), last + 7) if pitch % 12 in classes]
    return [fold_pitch(part, arrangement.tonic, min(near, key=lambda pitch: abs(pitch - last)))]
