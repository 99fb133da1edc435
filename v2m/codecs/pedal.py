"""The damper pedal: what it makes of the lengths of notes.

Conventions: beats as in `arrangement.py`. A note whose key is let go while the pedal is down rings until the
pedal comes up or its own key is struck again; one that ends as the pedal goes down is caught by it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace

from v2m.codecs.arrangement import Arrangement, Note, Part, Span


def sustained(arrangement: Arrangement) -> Arrangement:
    """The arrangement as it sounds: every note as long as its key or the pedal holds it, and no pedals."""
    if not arrangement.pedals:
        return arrangement
    strikes: defaultdict[tuple[Part, int], list[float]] = defaultdict(list)
    for note in arrangement.notes:
        strikes[note.part, note.pitch].append(note.start_beat)
    for starts in strikes.values():
        starts.sort()
    notes = tuple(
        _held(note, arrangement.pedals.get(note.part, ()), strikes[note.part, note.pitch])
        for note in arrangement.notes
    )
    return replace(arrangement, notes=notes, pedals={})


def _held(note: Note, pedals: tuple[Span, ...], strikes: list[float]) -> Note:
    end = note.start_beat + note.duration_beats
    index = bisect_right(pedals, end, key=lambda span: span[0]) - 1
    if index < 0 or end >= pedals[index][1]:
        return note
    up = pedals[index][1]
    following = bisect_right(strikes, note.start_beat)
    if following < len(strikes):
        up = min(up, strikes[following])
    return replace(note, duration_beats=max(end, up) - note.start_beat)
