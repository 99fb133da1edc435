"""The pulse: music weighted so that a listener, or a tracker, feels where the beats are.

A player leans on the beat and lightens what lies between; the model writes what is struck, less surely how
hard. Without it loud off-beat hats made librosa's tracker follow those (`benchmarks/sch.py`). And where drums
play but leave a beat to itself, a kick is feathered there, as drummers of swing do: felt rather than heard.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import Final

from v2m.codecs.arrangement import DRUM_VOICES, Arrangement, Note

ON_BEAT_VELOCITY: Final = 70
"""A stroke on the beat is at least a plain one."""

OFF_BEAT_SHARE: Final = 0.6
"""Of velocity that a stroke between the beats keeps: about 7 dB in this player."""

LEAN: Final = 1.1
"""A pitched note on a beat is played by so much harder: a little over 1 dB."""

LIGHTEN: Final = 0.8
"""And one between the beats by so much softer: 3 dB."""

FEATHERED_VELOCITY: Final = 66
"""Just under a plain stroke: hats and snares between the beats stay in front of it."""

_ON_BEAT_BEATS: Final = 0.1
"""Nearer to a beat than this is on it: less than half a sixteenth."""

_AROUND_BEATS: Final = 2.0
_PLAYING_STROKES: Final = 6
"""So many strokes within half a bar on either side are a groove; fewer are effects, which need no pulse."""

_DRUM_BEATS: Final = 0.25
_KICK: Final = DRUM_VOICES["kick"]
_STRONG: Final = frozenset(
    DRUM_VOICES[name] for name in ("kick", "snare", "clap", "rim", "low tom", "high tom", "big drum")
)
"""What marks a beat; hats, cymbals and shakers only divide it."""


def mark_beats(arrangement: Arrangement) -> Arrangement:
    """The arrangement leaning on its beats."""
    notes = [*map(_weighted, arrangement.notes), *_feathered(arrangement)]
    notes.sort(key=lambda note: (note.start_beat, note.part, note.pitch))
    return replace(arrangement, notes=tuple(notes))


def _on_beat(note: Note) -> bool:
    return abs(note.start_beat - round(note.start_beat)) < _ON_BEAT_BEATS


def _weighted(note: Note) -> Note:
    if note.part != "drums":
        velocity = round(note.velocity * (LEAN if _on_beat(note) else LIGHTEN))
    elif _on_beat(note):
        velocity = max(note.velocity, ON_BEAT_VELOCITY)
    else:
        velocity = round(note.velocity * OFF_BEAT_SHARE)
    return replace(note, velocity=max(1, min(127, velocity)))


def _feathered(arrangement: Arrangement) -> list[Note]:
    """Soft kicks on the beats of a groove that no strong voice marks."""
    drums = [note for note in arrangement.notes if note.part == "drums"]
    strokes = sorted(note.start_beat for note in drums)
    marked = {round(note.start_beat) for note in drums if note.pitch in _STRONG and _on_beat(note)}
    return [
        Note("drums", float(beat), _DRUM_BEATS, _KICK, FEATHERED_VELOCITY)
        for beat in range(arrangement.beat_count)
        if beat not in marked
        and bisect_right(strokes, beat + _AROUND_BEATS) - bisect_left(strokes, beat - _AROUND_BEATS)
        >= _PLAYING_STROKES
    ]
