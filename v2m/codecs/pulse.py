"""The pulse: strokes of the drums weighted so that a listener, or a tracker, feels where the beats are.

A player leans on the beat and lightens what lies between; the model writes what is struck, less surely how
hard. Without it loud off-beat hats made librosa's tracker follow those (`benchmarks/sch.py`). Other parts
keep their dynamics.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from v2m.codecs.arrangement import Arrangement, Note

ON_BEAT_VELOCITY: Final = 70
"""A stroke on the beat is at least a plain one."""

OFF_BEAT_SHARE: Final = 0.6
"""Of velocity that a stroke between the beats keeps: about 7 dB in this player."""

_ON_BEAT_BEATS: Final = 0.1
"""Nearer to a beat than this is on it: less than half a sixteenth."""


def mark_beats(arrangement: Arrangement) -> Arrangement:
    """The arrangement with its drums leaning on the beats."""
    return replace(arrangement, notes=tuple(_weighted(note) for note in arrangement.notes))


def _weighted(note: Note) -> Note:
    if note.part != "drums":
        return note
    if abs(note.start_beat - round(note.start_beat)) < _ON_BEAT_BEATS:
        return replace(note, velocity=max(note.velocity, ON_BEAT_VELOCITY))
    return replace(note, velocity=max(1, round(note.velocity * OFF_BEAT_SHARE)))
