"""Parts of one arrangement taken over into another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from v2m.codecs.arrangement import PARTS, Arrangement, Part


def only_parts(arrangement: Arrangement, parts: Iterable[Part]) -> Arrangement:
    """The arrangement of some parts alone."""
    wanted = set(parts)
    return replace(
        arrangement,
        notes=tuple(note for note in arrangement.notes if note.part in wanted),
        programs={part: program for part, program in arrangement.programs.items() if part in wanted},
        pedals={part: spans for part, spans in arrangement.pedals.items() if part in wanted},
        loudness_db={part: levels for part, levels in arrangement.loudness_db.items() if part in wanted},
    )


def with_parts(own: Arrangement, other: Arrangement, parts: Iterable[Part]) -> Arrangement:
    """The arrangement with some parts as in the other."""
    taken = set(parts)
    mine = only_parts(own, set(PARTS) - taken)
    theirs = only_parts(other, taken)
    notes = sorted(
        [*mine.notes, *theirs.notes],
        key=lambda note: (note.start_beat, PARTS.index(note.part), note.pitch),
    )
    return replace(
        mine,
        notes=tuple(notes),
        programs={**mine.programs, **theirs.programs},
        pedals={**mine.pedals, **theirs.pedals},
        loudness_db={**mine.loudness_db, **theirs.loudness_db},
    )
