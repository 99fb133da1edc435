"""The beats that are heard in composed sound, laid on the hits by a gentle map, as `v2m fit` lays a song.

Conventions: positions in seconds of the composed sound, times in seconds of the programme.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from v2m.analysis import Analysis
from v2m.curves import FloatArray
from v2m.encoders.protocol import Sound
from v2m.fit.course import Warp
from v2m.fit.fit import FitSettings
from v2m.plan import offbeat_notes
from v2m.sound_take.asking import Request
from v2m.sound_take.files import sha256_of
from v2m.sound_take.reels import Reel, lay_reels
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


def lay_sound(sound: Sound, analysis: Analysis, request: Request, *, until_s: float) -> Laid:
    """Find the beats of composed sound (s, 2) and lay them on the hits.

    Sound without a beat that could be made out is laid as it was composed.

    Args:
        sound: what was composed.
        analysis: of the programme.
        request: what was asked for.
        until_s: how far into the sound it may be used up by the programme's end.

    Raises:
        MissingPartError: a library of the extra `fit` is not installed.
    """
    duration_s = float(analysis.timeline.duration_s)
    settings = FitSettings(max_stretch=request.max_stretch)
    beat_s = 60.0 / request.bpm
    reels = lay_reels(sound, analysis.hits, duration_s, settings, until_s=until_s, beat_s=beat_s)
    knots, beats = _joined_knots(reels, request), _joined_beats(reels, request)
    heard = [(reel.music, reel.laid) for reel in reels if reel.music is not None and reel.laid is not None]
    told = {
        "tempo_bpm": round(float(np.median([music.pulse.bpm for music, _ in heard])), 2) if heard else None,
        "asked_bpm": round(request.bpm, 2),
        "largest_stretch": round(max((laid.largest_stretch for _, laid in heard), default=0.0), 4),
    }
    if heard:
        told["clarity"] = round(min(music.pulse.clarity for music, _ in heard), 3)
    if heard:
        notes = (*offbeat_notes(analysis.hits, beats), *filter(None, map(_as_composed, reels)))
    else:  # said once, not reel by reel
        notes = (_as_composed(replace(reels[0], is_whole=True)),)
    return Laid(((0.0, 0.0, len(sound) / SAMPLE_RATE_HZ),), knots, beats, told, notes)


def _as_composed(reel: Reel) -> str:
    """What is said of a reel that is not laid on the hits; empty of one that is."""
    if reel.laid is not None:
        return ""
    where = "" if reel.is_whole else f" from {reel.time_s:.0f} to {reel.end_s:.0f} s"
    return f"Laid as it was composed{where}, not on the hits: {reel.why[0].lower()}{reel.why[1:]}"


def _joined_knots(reels: Sequence[Reel], request: Request) -> Knots:
    """The knots of all reels, each until the next one begins."""
    knots: list[tuple[float, float]] = []
    for reel, until_s in _until(reels):
        if reel.laid is None:
            own = straight_knots(request.tempo_map, reel.end_s - reel.time_s)
        else:
            warp = reel.laid.warp
            own = tuple(zip(warp.course_s.tolist(), warp.time_s.tolist(), strict=True))
        placed = [(round(reel.at_s + at, 6), round(reel.time_s + time_s, 6)) for at, time_s in own]
        after_s = knots[-1][1] + _APART_S if knots else -np.inf
        knots += [knot for knot in placed if after_s < knot[1] < until_s + _APART_S]
    return tuple(knots)


def _joined_beats(reels: Sequence[Reel], request: Request) -> TempoMap:
    """The beats of all reels, each until the next one begins; bars are counted from the first."""
    beats: list[float] = []
    maps = [request.tempo_map if reel.laid is None else reel.laid.tempo_map for reel in reels]
    for (reel, until_s), own in zip(_until(reels), maps, strict=True):
        length_s = reel.end_s - reel.time_s
        part = own if reel.laid else own.excerpt(0.0, length_s)
        after_s = beats[-1] + _APART_S if beats else -np.inf
        placed = [round(reel.time_s + beat_s, 6) for beat_s in part.beats_s]
        is_last = reel is reels[-1]
        beats += [beat for beat in placed if after_s < beat and (is_last or beat < until_s + _APART_S)]
    return TempoMap(tuple(beats), maps[0].beats_per_bar, maps[0].first_downbeat)


def _until(reels: Sequence[Reel]) -> Iterator[tuple[Reel, float]]:
    """Each reel, and when the next one begins."""
    yield from zip(reels, [*(reel.time_s for reel in reels[1:]), reels[-1].end_s], strict=True)


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
