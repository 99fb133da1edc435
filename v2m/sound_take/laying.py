"""The beats that are heard in composed sound, laid on the hits by a gentle map, as `v2m fit` lays a song.

Conventions: positions in seconds of the composed sound, times in seconds of the programme.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from v2m.analysis import Analysis
from v2m.curves import FloatArray
from v2m.errors import InputError
from v2m.fit.course import Warp
from v2m.fit.fit import FitSettings, hear, lay
from v2m.fit.stretch import Samples
from v2m.plan import offbeat_notes
from v2m.sound_take.asking import Request
from v2m.sound_take.files import sha256_of
from v2m.take.record import Fitted
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

Knots = tuple[tuple[float, float], ...]

_APART_S: Final = 1e-3
"""A beat this near to an end of the map is that end."""


@dataclass(frozen=True)
class Laid:
    """Composed sound on the hits."""

    pieces: tuple[tuple[float, float, float], ...]
    knots: Knots
    tempo_map: TempoMap
    told: dict[str, Any]
    """For the metrics: the tempo that is heard, how far it is stretched."""

    notes: tuple[str, ...]

    def fitted(self, wav: Path) -> Fitted:
        """What the record says of it."""
        return Fitted(wav.name, wav.name, sha256_of(wav), self.pieces, self.knots)


def lay_sound(samples: Samples, analysis: Analysis, request: Request) -> Laid:
    """Find the beats of composed sound (s, 2) and lay them on the hits.

    Sound without a beat that could be made out is laid as it was composed.

    Raises:
        MissingPartError: a library of the extra `fit` is not installed.
    """
    try:
        music = hear(samples, "The composed sound")
        found = lay(music, analysis, FitSettings(max_stretch=request.max_stretch))
    except InputError as error:
        return _as_composed(samples, analysis, request, error.message)
    tempo_bpm = round(music.pulse.bpm, 2)
    told = {
        "tempo_bpm": tempo_bpm,
        "asked_bpm": round(request.bpm, 2),
        "clarity": round(music.pulse.clarity, 3),
        "largest_stretch": round(found.largest_stretch, 4),
    }
    (piece,) = found.course.pieces  # nothing is cut
    begin_s = piece.song_s - piece.course_s  # the fit counts from the first beat that it meets
    knots = tuple(
        (round(at_s + begin_s, 6), time_s)
        for at_s, time_s in zip(found.warp.course_s.tolist(), found.warp.time_s.tolist(), strict=True)
    )
    whole = ((0.0, 0.0, music.duration_s),)
    return Laid(whole, knots, found.tempo_map, told, offbeat_notes(analysis.hits, found.tempo_map))


def _as_composed(samples: Samples, analysis: Analysis, request: Request, why: str) -> Laid:
    duration_s = float(analysis.timeline.duration_s)
    length_s = len(samples) / SAMPLE_RATE_HZ
    knots = straight_knots(request.tempo_map, duration_s)
    told = {"tempo_bpm": None, "asked_bpm": round(request.bpm, 2), "largest_stretch": 0.0}
    note = f"Laid as it was composed, not on the hits: {why[0].lower()}{why[1:]}"
    return Laid(((0.0, 0.0, length_s),), knots, request.tempo_map, told, (note,))


def straight_knots(tempo_map: TempoMap, duration_s: float) -> Knots:
    """Knots on the beats of a map for sound that is not stretched, from the first frame to the end."""
    beats = np.asarray(tempo_map.beats_s)
    inside = beats[(beats > _APART_S) & (beats < duration_s - _APART_S)]
    places = np.concatenate([[0.0], inside, [duration_s]])
    return tuple((place, place) for place in np.round(places, 6).tolist())


def warp_through(knots: Knots) -> Warp:
    """The map through some knots."""
    course_s, time_s = np.array(knots, np.float64).T
    return Warp(course_s, time_s)


def positions_of(knots: Knots, times_s: FloatArray) -> FloatArray:
    """Positions in the composed sound at programme times."""
    return warp_through(knots).positions(times_s)
