"""From weighted hits and a tempo wish to a tempo map, and what it reached.

Film composers bend a click track so that the moments that matter fall on beats. Here the search picks which
hits get a beat and how many beats lie between (`search`), and the refinement moves the beats onto them
exactly (`refine`), or near them where that is all the limits allow. With no freedom the click is steady, and
only its phase, and its tempo where none is wished, are chosen for the hits.

Conventions: positions in beats from `tempo_map.beats_s[0]`; a hit is reached within `REACH_S`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from v2m.curves import FloatArray
from v2m.errors import InputError
from v2m.hits import Hit
from v2m.tempo.hold import hold_mean
from v2m.tempo.map import TempoMap
from v2m.tempo.nearness import Nearness
from v2m.tempo.nominal import choose_bpm, choose_click
from v2m.tempo.passing import REACH_S
from v2m.tempo.refine import Pins, settle
from v2m.tempo.search import Route, Targets, search
from v2m.tempo.settings import TempoCosts, TempoSettings, costs_about

START_WEIGHT = 0.4
"""The first frame as a target: music begins on a beat with the picture, unless hits outweigh that."""

_TRY_EXACT_S = 0.04
"""A passed hit whose beat the search left this near is worth trying exactly: bins of tempo round so much."""

_MERGE_S = 0.001
_ROUNDING_DIGITS = 6
"""Microseconds: far below a sample, and the same digits on every machine."""


@dataclass(frozen=True)
class Plan:
    """A tempo map and what became of each hit."""

    tempo_map: TempoMap
    assigned: Mapping[str, float]
    """Hit id -> its position in beats: whole on a beat, .5 in the middle of one."""

    offbeat: Mapping[str, float]
    """Hit id -> its exact time, for each hit that lies on no beat and needs an accent of its own."""

    nominal_bpm: float
    """The tempo that the map bends about."""

    @property
    def missed(self) -> tuple[str, ...]:
        """Ids of the hits that lie neither on a beat nor in the middle of one."""
        return tuple(id_ for id_ in self.offbeat if id_ not in self.assigned)


def plan_tempo(
    hits: Sequence[Hit], duration_s: float | Fraction, settings: TempoSettings | None = None
) -> Plan:
    """Beats from at or before 0 to at or after the end, on as much weight of hits as the wish allows.

    Raises:
        InputError: the duration is no positive number, or a hit lies outside the programme.
    """
    settings = settings or TempoSettings()
    duration = float(duration_s)
    targets = targets_of(hits, duration)
    if settings.freedom == 0 or settings.hit_weight == 0:
        bpm, beat_s = choose_click(targets, settings)
        tempo_map = _steady(bpm, beat_s, duration, settings.beats_per_bar)
    else:
        bpm = settings.wish_bpm or choose_bpm(targets, settings)
        costs = costs_about(bpm, settings)

        def bend(costs: TempoCosts) -> TempoMap:
            return _bent(targets, costs, duration, settings.beats_per_bar)

        def reached(tempo_map: TempoMap) -> float:
            return _reached(targets, tempo_map, settings.nearness)

        tempo_map = hold_mean(bend, reached, costs) if settings.wish_bpm else bend(costs)
    return _account(hits, tempo_map, bpm)


def _reached(targets: Targets, tempo_map: TempoMap, nearness: Nearness) -> float:
    """Weight of the targets that a beat reaches or, for half of it, comes near."""
    late_s = np.array(tempo_map.beats_s)[:, None] - targets.times_s
    exact = (np.abs(late_s) <= REACH_S).any(axis=0)
    near = (np.abs(late_s + nearness.lead_s) <= nearness.near_s).any(axis=0)
    return float(targets.weights @ (exact / 2 + near / 2))


def targets_of(hits: Sequence[Hit], duration_s: float) -> Targets:
    """The hits by time with the first frame among them; those within a millisecond are one."""
    if not 0 < duration_s < np.inf:
        raise InputError(f"The programme lasts {duration_s} s, expected a positive length.")
    for hit in hits:
        if not 0 <= float(hit.time_s) <= duration_s + _MERGE_S:
            raise InputError(
                f"Hit {hit.id} lies at {float(hit.time_s):g} s, outside {duration_s:g} s of programme."
            )
    pairs = sorted(
        [(0.0, START_WEIGHT), *((float(hit.time_s), hit.weight) for hit in hits if hit.weight > 0)]
    )
    times: list[float] = []
    weights: list[float] = []
    for time, weight in pairs:
        if times and time - times[-1] < _MERGE_S:
            weights[-1] = max(weights[-1], weight)
        else:
            times.append(time)
            weights.append(weight)
    return Targets(np.array(times), np.array(weights))


def _steady(bpm: float, beat_s: float, duration_s: float, beats_per_bar: int) -> TempoMap:
    """A click at one tempo that has a beat at a time within the first interval."""
    interval_s = 60.0 / bpm
    first = beat_s - interval_s if beat_s > 0 else beat_s
    count = int(np.ceil((duration_s - first) / interval_s)) + 1
    return _tempo_map(first + interval_s * np.arange(count + 1.0), 0, duration_s, beats_per_bar)


def _bent(targets: Targets, costs: TempoCosts, duration_s: float, beats_per_bar: int) -> TempoMap:
    """Beats that bend about the nominal tempo onto the hits."""
    route = search(targets, costs, beats_per_bar)
    beats, first = _draft(route, targets, costs, duration_s)
    pins, weights = _pins(route, beats, first, targets, costs.nearness)
    return _tempo_map(settle(beats, pins, weights, costs), -first, duration_s, beats_per_bar)


def _pins(
    route: Route, beats_s: FloatArray, first: int, targets: Targets, nearness: Nearness
) -> tuple[Pins, FloatArray]:
    """The route's targets, exactly, and those that it passes near, as near as it does; and their weights."""
    positions = np.full(len(targets.times_s), np.nan)
    slack = np.zeros(len(targets.times_s))
    weights, times = targets.weights.copy(), targets.times_s.copy()
    positions[list(route.targets)] = np.array(route.half_beats) / 2 - first
    for k in np.flatnonzero(np.isnan(positions)):
        moment = times[k] - nearness.lead_s
        beat = int(np.argmin(np.abs(beats_s - moment)))
        if abs(float(beats_s[beat]) - moment) <= nearness.near_s + REACH_S and not (positions == beat).any():
            positions[k] = beat
            if abs(float(beats_s[beat]) - times[k]) >= _TRY_EXACT_S:
                times[k], slack[k] = moment, nearness.near_s
            weights[k] /= 2  # where both cannot be, the route's own target stays
    held = np.flatnonzero(~np.isnan(positions))
    return Pins(positions[held], times[held], slack[held]), weights[held]


def _draft(route: Route, targets: Targets, costs: TempoCosts, duration_s: float) -> tuple[FloatArray, int]:
    """The route's beats, led back to before 0 and on past the end; and the first one's place in the bars."""
    first = route.half_beats[0] // 2
    deviations = route.deviations
    at_first = (route.half_beats[0] / 2 - first) * (1 + float(deviations[0])) if len(deviations) else 0.0
    entry = float(deviations[0]) if len(deviations) else 0.0
    start = targets.times_s[route.targets[0]] / costs.interval_s - at_first
    lead = max(0, int(np.ceil(start / (1 + entry) - 1e-9)))
    last = float(deviations[-1]) if len(deviations) else 0.0
    end = start + float((1 + deviations).sum())
    missing = max(0.0, duration_s / costs.interval_s - end)
    # Two beats more than the nominal tempo needs: the refinement may speed up, what is left over is cut off.
    count = int(np.ceil(missing / (1 + min(last, 0.0)))) + 2
    fade = last * (costs.change / (costs.change + costs.deviation + costs.tail)) ** np.arange(1, count + 1)
    intervals = 1 + np.concatenate([np.full(lead, entry), deviations, fade])
    beats = start - lead * (1 + entry) + np.concatenate([[0.0], np.cumsum(intervals)])
    return beats * costs.interval_s, first - lead


def _tempo_map(beats_s: FloatArray, first_downbeat: int, duration_s: float, beats_per_bar: int) -> TempoMap:
    """The beats from the last at or before 0 to the first at or after the end."""
    beats = np.round(beats_s, _ROUNDING_DIGITS)
    while beats[0] > 0:
        beats = np.concatenate([[round(2 * beats[0] - beats[1], _ROUNDING_DIGITS)], beats])
        first_downbeat += 1
    while beats[-1] < duration_s:
        beats = np.concatenate([beats, [round(2 * beats[-1] - beats[-2], _ROUNDING_DIGITS)]])
    start = int(np.searchsorted(beats, 0.0, side="right")) - 1
    stop = max(int(np.searchsorted(beats, duration_s, side="left")), start + 1)
    # + 0.0: a beat that rounds to -0.0 is at 0.0
    return TempoMap(
        tuple((beats[start : stop + 1] + 0.0).tolist()),
        beats_per_bar,
        int((first_downbeat - start) % beats_per_bar),
    )


def _account(hits: Sequence[Hit], tempo_map: TempoMap, bpm: float) -> Plan:
    """What became of each hit."""
    assigned: dict[str, float] = {}
    offbeat: dict[str, float] = {}
    for hit in sorted(hits, key=lambda hit: hit.time_s):
        time = float(hit.time_s)
        position = float(tempo_map.beat_at(time))
        for near in (round(position), np.floor(position) + 0.5):
            if abs(float(tempo_map.time_s(near)) - time) <= REACH_S:
                assigned[hit.id] = float(near)
                break
        if assigned.get(hit.id, 0.5) % 1:
            offbeat[hit.id] = time
    return Plan(tempo_map, assigned, offbeat, bpm)
