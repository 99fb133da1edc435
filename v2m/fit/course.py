"""The chosen parts of a track one after the other, and when each moment of them sounds in the programme.

Conventions: a position in the course is in seconds of the track, counted on through all cuts from the first
beat that is met; what lies before that is negative. Times are seconds of the programme. Between two ticks
of the map, which lie a beat apart in the track, the stretch is even; past the ends it is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FloatArray
from v2m.fit.choice import Route
from v2m.fit.music import Music
from v2m.tempo import TempoMap
from v2m.tempo.nearness import CLOSE
from v2m.tempo.passing import REACH_S
from v2m.tempo.refine import Pins, settle
from v2m.tempo.search import Targets
from v2m.tempo.settings import TempoCosts

_TRY_EXACT_S: Final = 0.04
"""A passed target whose beat lies this near is worth trying exactly."""

_SILENT_S: Final = 0.02
"""Silence before the track begins that nobody hears as such: half a frame."""

_RIGID: Final = 1e-3
"""Less stretch than this is none."""

_APART_S: Final = 1e-3
"""A beat this near to an end of the map is that end."""

_DIGITS: Final = 6
"""Microseconds, as in every tempo map."""


@dataclass(frozen=True)
class Piece:
    """A part of the track that is played without a cut."""

    course_s: float
    """Where it begins in the course."""

    song_s: float
    """Where it begins in the track."""

    end_song_s: float


@dataclass(frozen=True)
class Course:
    """What is played."""

    pieces: tuple[Piece, ...]
    """In order; the first begins as early, the last ends as late as the track does."""

    beats_s: FloatArray  # (n,) positions of all beats in the course, a cut's two beats being one
    song_beats: NDArray[np.int64]  # (n,) which beat of the track each is; at a cut the one that is entered
    first_met: int
    """Index of the beat at position 0."""

    beats_per_bar: int
    first_downbeat: int

    @classmethod
    def of(cls, route: Route, music: Music) -> Course:
        """The course along a route, with all of the track before its first leg and behind its last."""
        legs, song_s = route.legs, music.beats_s
        count = len(song_s)
        positions = [song_s[: legs[0][0]] - song_s[legs[0][0]]]
        indices = [np.arange(legs[0][0])]
        pieces, at = [], 0.0
        for number, (first, last) in enumerate(legs):
            is_last = number == len(legs) - 1
            beats = np.arange(first, count if is_last else last)
            indices.append(beats)
            positions.append(at + song_s[beats] - song_s[first])
            begin_s = 0.0 if number == 0 else float(song_s[first])
            end_s = music.duration_s if is_last else float(song_s[last])
            pieces.append(Piece(at - (float(song_s[first]) - begin_s), begin_s, end_s))
            at += float(song_s[last] - song_s[first])
        return cls(
            tuple(pieces),
            np.concatenate(positions),
            np.concatenate(indices),
            legs[0][0],
            music.form.beats_per_bar,
            music.form.first_downbeat,
        )


@dataclass(frozen=True)
class Warp:
    """When each moment of a course sounds."""

    course_s: FloatArray  # (k,) rising
    time_s: FloatArray  # (k,) rising

    def times(self, course_s: FloatArray) -> FloatArray:
        """Programme times of positions in the course."""
        return _carried_on(course_s, self.course_s, self.time_s)

    def positions(self, time_s: FloatArray) -> FloatArray:
        """Positions in the course at programme times."""
        return _carried_on(time_s, self.time_s, self.course_s)

    @property
    def stretches(self) -> FloatArray:
        """How much longer than in the track each span lasts: 0.02 is 2 percent."""
        return np.asarray(np.diff(self.time_s) / np.diff(self.course_s) - 1)


def warp_course(
    course: Course, route: Route, targets: Targets, music: Music, duration_s: float, costs: TempoCosts
) -> Warp:
    """The gentlest map that puts the met beats on their targets, within the limits of `costs`."""
    met = np.array([course.first_met + n for _, n in route.met])
    times = targets.times_s[[target for target, _ in route.met]]
    positions = course.beats_s[np.minimum(met, len(course.beats_s) - 1)]
    if costs.high < _RIGID:
        shift_s = float(times[0] - positions[0])
        return Warp(np.array([0.0, 1.0]), np.array([shift_s, 1.0 + shift_s]))
    tick_s = costs.interval_s
    # Ticks as far as the slowest lead-in and the fastest lead-out may need.
    before = int(np.ceil(times[0] / tick_s / (1 + costs.low))) + 2
    behind = int(np.ceil((duration_s - times[-1]) / tick_s / (1 + costs.low))) + 2
    span = int(np.ceil((positions[-1] - positions[0]) / tick_s))
    ticks = positions[0] + tick_s * np.arange(-before, span + behind + 1)
    draft = _carried_on(ticks, positions, times) if len(met) > 1 else ticks - positions[0] + times[0]
    pins, weights = _pins(ticks, draft, course, route, targets)
    while True:
        warp = Warp(ticks, settle(draft, pins, weights, costs))
        silent_s = course.pieces[0].course_s - float(warp.positions(np.array([0.0]))[0])
        if silent_s <= _SILENT_S or len(pins.times_s) == 1:
            return warp
        # the track would begin late: its start counts more than the next hit
        kept = np.arange(len(weights)) != min(1, len(weights) - 1)
        pins = Pins(pins.positions[kept], pins.times_s[kept], pins.slack_s[kept])
        weights = weights[kept]


def on_beats(course: Course, warp: Warp, duration_s: float) -> Warp:
    """The map by what is heard of it: its beats from before the programme's start to behind its end."""
    begin, end = warp.positions(np.array([0.0, duration_s]))
    inside = course.beats_s[(course.beats_s > begin + _APART_S) & (course.beats_s < end - _APART_S)]
    places = np.concatenate([[begin], inside, [end]])
    return Warp(places, np.round(warp.times(places), _DIGITS))


def _pins(
    ticks: FloatArray, draft: FloatArray, course: Course, route: Route, targets: Targets
) -> tuple[Pins, FloatArray]:
    """The targets that are met, exactly, and those that a beat comes near by luck, as near as may be."""
    found = {target: (course.beats_s[course.first_met + n], 0.0) for target, n in route.met}
    beats = _carried_on(course.beats_s, ticks, draft)
    taken = {course.first_met + n for _, n in route.met}
    for target in range(len(targets.times_s)):
        beat = int(np.argmin(np.abs(beats - targets.times_s[target])))
        off_s = abs(float(beats[beat]) - float(targets.times_s[target]))
        if target not in found and beat not in taken and off_s <= CLOSE.near_s + REACH_S:
            found[target] = (course.beats_s[beat], 0.0 if off_s < _TRY_EXACT_S else CLOSE.near_s)
            taken.add(beat)
    order = sorted(found)
    chosen = {target for target, _ in route.met}
    weights = [targets.weights[t] * (1.0 if t in chosen else 0.5) for t in order]
    places = np.interp([found[t][0] for t in order], ticks, np.arange(len(ticks)))
    return Pins(places, targets.times_s[order], np.array([found[t][1] for t in order])), np.array(weights)


def tempo_map_of(course: Course, warp: Warp, duration_s: float) -> TempoMap:
    """The beats of what is played, from the last at or before 0 to the first at or after the end."""
    beats = np.round(warp.times(course.beats_s), _DIGITS)
    first_downbeat = course.first_downbeat
    while beats[0] > 0:
        beats = np.concatenate([[round(2 * beats[0] - beats[1], _DIGITS)], beats])
        first_downbeat += 1
    while beats[-1] < duration_s:
        beats = np.append(beats, round(2 * beats[-1] - beats[-2], _DIGITS))
    start = int(np.searchsorted(beats, 0.0, side="right")) - 1
    stop = max(int(np.searchsorted(beats, duration_s, side="left")), start + 1)
    return TempoMap(
        tuple((beats[start : stop + 1] + 0.0).tolist()),  # never -0.0
        course.beats_per_bar,
        (first_downbeat - start) % course.beats_per_bar,
    )


def played(pieces: Sequence[Piece], warp: Warp) -> tuple[Piece, ...]:
    """What sounds of the pieces between the ends of a map."""
    begin, end = float(warp.course_s[0]), float(warp.course_s[-1])
    parts = []
    for number, piece in enumerate(pieces):
        is_last = number == len(pieces) - 1
        until = end if is_last else min(end, pieces[number + 1].course_s)
        first = max(piece.course_s, begin)
        last = min(until, piece.course_s + piece.end_song_s - piece.song_s)
        if last > first:
            song_s = piece.song_s + first - piece.course_s
            parts.append(Piece(first, song_s, song_s + last - first))
    return tuple(parts)


def _carried_on(x: FloatArray, from_x: FloatArray, to_y: FloatArray) -> FloatArray:
    """Linear interpolation that runs on past both ends at slope 1."""
    inside = np.interp(x, from_x, to_y)
    return np.asarray(inside + np.minimum(x - from_x[0], 0.0) + np.maximum(x - from_x[-1], 0.0))
