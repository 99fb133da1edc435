"""What came of a fit: which hits have a beat and how far off, what is played of the song.

Conventions: times in seconds of the programme; an error is beat minus hit, positive when late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2m.fit.course import played
from v2m.fit.playing import pieces_of, warp_of
from v2m.take.record import TakeRecord


@dataclass(frozen=True)
class Heard:
    """A part of the song that is played without a cut."""

    time_s: float
    """When."""

    from_s: float
    """From where in the song."""

    to_s: float


def heard_pieces(record: TakeRecord) -> tuple[Heard, ...]:
    """What is heard of the song of a fitted take, in order; nothing of a composed one."""
    if record.fitted is None:
        return ()
    warp = warp_of(record.fitted)
    parts = played(pieces_of(record.fitted), warp)
    starts_s = warp.times(np.array([part.course_s for part in parts]))
    return tuple(
        Heard(round(float(start_s), 3), round(part.song_s, 3), round(part.end_song_s, 3))
        for start_s, part in zip(starts_s, parts, strict=True)
    )


def beat_errors_s(record: TakeRecord) -> dict[str, float]:
    """How far the nearest beat lies from each hit, by the hit's id."""
    beats = np.array(record.tempo_map.beats_s)
    errors = {}
    for hit in record.hits:
        off_s = beats - float(hit.time_s)
        errors[hit.id] = round(float(off_s[np.argmin(np.abs(off_s))]), 4) + 0.0  # never -0.0
    return errors
