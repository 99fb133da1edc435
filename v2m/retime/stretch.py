"""One stretch that changes: how its beats lie, what is composed again, how far the change is heard.

Conventions: as in `pins` and `edit`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.curves import FloatArray
from v2m.hits import Hit
from v2m.retime.bending import Bent, bent_beats
from v2m.retime.edit import Edit, Renewal
from v2m.retime.pins import Anchor, Pin
from v2m.retime.route import Stop, route
from v2m.take.record import Origin

RING_S: Final = 2.0
"""For so long after a stretch what was struck in it rings on; then the take goes on with its own samples."""

LEAD_BEATS: Final = 0.35
"""Before a hit the music makes room for it, see `v2m.codecs.accents`."""

LEAD_S: Final = 0.03
"""The limiter looks 6 ms ahead, and the fade into a stretch takes 10."""

END_BEATS: Final = 10.0
"""So near the end the last chord depends on every hit."""

_REWRITTEN_BEATS: Final = 8
"""Of an ending that comes later: its last two bars said that the music ends."""

_DIGITS: Final = 6
"""Of times in seconds, as in every tempo map."""

_SAME_S: Final = 2e-6
"""Times that differ by no more are the same, rounded twice."""


@dataclass(frozen=True)
class Stretch:
    """One stretch on its way to be an edit."""

    anchors: Sequence[Anchor]
    """Shifts less that of the first."""

    to_end: bool
    inside: Sequence[Pin]
    shift_s: Fraction
    """Of what lies before the stretch."""

    before: Origin
    end_s: Fraction
    """Of the programme with this edit alone, where the stretch goes on to it."""

    max_bend: float

    def edit(self) -> Edit:
        """The edit."""
        stops = route(self.anchors, self.before.tempo_map, self.max_bend, open_end=self.to_end)
        bent = self._bent(stops)
        beats_s = self._led_on(bent.beats_s, stops[-1]) if self.to_end else bent.beats_s
        beats_s = np.round(beats_s, _DIGITS) + 0.0  # never -0.0
        renewal = self._renewal(stops, len(beats_s) - 1)
        shift_s = self.end_s - self.before.duration_s if self.to_end else self.anchors[-1].shift_s
        hits = tuple(
            replace(pin.after, time_s=pin.after.time_s - self.shift_s) for pin in self.inside if pin.after
        )
        start_s, end_s = self._reach(beats_s, hits, renewal, float(shift_s))
        last = None if self.to_end else round(np.ceil(stops[-1].position) - stops[-1].offset)
        return Edit(
            first_beat=self._first_beat,
            last_beat=last,
            beats_s=tuple(beats_s.tolist()),
            parting_s=(self.anchors[0].was_s + self.anchors[-1].was_s) / 2
            if last
            else self.before.duration_s,
            shift_s=shift_s,
            gone=tuple(pin.before.id for pin in self.inside if pin.before),
            hits=hits,
            warp_s=self._warp(float(shift_s)),
            fresh_s=tuple(
                float(pin.after.time_s - self.shift_s) for pin in self.inside if pin.after and not pin.before
            ),
            renewal=renewal,
            largest_bend=round(bent.largest, 4),
            composed_bend=round(bent.composed, 4),
            start_s=start_s,
            end_s=end_s,
        )

    def _warp(self, shift_s: float) -> tuple[tuple[float, float], ...]:
        """The moments that the curve follows, in order now and before."""
        right = self.anchors[-1]
        ends_s = float(self.before.duration_s) if self.to_end else float(right.was_s)
        knots = [(float(self.anchors[0].was_s),) * 2]
        matched = [(pin.after.time_s - self.shift_s, pin.before.time_s)
                   for pin in self.inside if pin.after and pin.before]  # fmt: skip
        for now, was in sorted((float(now), float(was)) for now, was in matched):
            # of moments that passed each other the first keeps its place in the curve
            if now > knots[-1][0] and knots[-1][1] < was < ends_s:
                knots.append((now, was))
        return (*knots, (ends_s + shift_s, ends_s)) if ends_s + shift_s > knots[-1][0] else tuple(knots)

    @property
    def _first_beat(self) -> int:
        return math.floor(self.anchors[0].position)

    def _bent(self, stops: Sequence[Stop]) -> Bent:
        if len(stops) > 1:
            return bent_beats(stops, self.before.tempo_map, self.max_bend)
        return Bent(np.array([self.before.tempo_map.beats_s[self._first_beat]]), 0.0)

    def _led_on(self, beats_s: FloatArray, stop: Stop) -> FloatArray:
        """The beats on to the end: as they were, later by the last stop's shift."""
        tempo_map, end_s = self.before.tempo_map, float(self.end_s)
        last = round(np.ceil(stop.position) - stop.offset)
        count = 1
        while float(tempo_map.time_s(float(last + count))) + float(stop.anchor.shift_s) < end_s:
            count += 1
        rest = np.asarray(tempo_map.time_s(np.arange(last + 1.0, last + count + 1)))
        led = np.concatenate([beats_s, rest + float(stop.anchor.shift_s)])
        # the first beat at or after the end is the last one; a map has two at least
        return led[: max(2, int(np.searchsorted(led, end_s, side="left")) + 1)]

    def _renewal(self, stops: Sequence[Stop], new_beats: int) -> Renewal | None:
        """The frames from the first span that is composed again to the last."""
        other = [pair for pair in pairwise(stops) if pair[1].is_new]
        first = _frame(other[0][0].anchor.position) if other else None
        last, end = (_frame(other[-1][1].anchor.position), _frame(other[-1][1].position)) if other else (0, 0)
        total = STEPS_PER_BEAT * (self._first_beat + new_beats)
        frames = STEPS_PER_BEAT * (len(self.before.tempo_map.beats_s) - 1)
        if self.to_end and total > frames + _frame(stops[-1].offset):
            # the music goes on where it ended
            ending = math.floor(float(self.before.tempo_map.beat_at(float(self.before.duration_s))))
            begin = max(math.ceil(stops[-1].anchor.position), ending - _REWRITTEN_BEATS)
            first, last, end = _frame(begin) if first is None else first, frames, total
        return None if first is None else Renewal(first, last, min(end, total) - first)

    def _reach(
        self, beats_s: FloatArray, hits: Sequence[Hit], renewal: Renewal | None, shift_s: float
    ) -> tuple[float, float | None]:
        """From where to where samples may differ, as times of the programme with this edit alone."""
        moments = [*self._changed_moments(shift_s), *_unlike(beats_s, self._beats_before(), shift_s)]
        if renewal is not None:
            beats = (
                np.array([renewal.first, renewal.first + renewal.count]) / STEPS_PER_BEAT - self._first_beat
            )
            moments += np.interp(beats, np.arange(len(beats_s)), beats_s).tolist()
        if self.to_end:
            return max(0.0, min([*moments, self._ending_s()]) - LEAD_S), None
        return max(0.0, min(moments) - LEAD_S), max(moments) + RING_S

    def _changed_moments(self, shift_s: float) -> list[float]:
        """When the hits sound that were moved, came or went, and when they did; and the room before them."""
        lead_s = LEAD_BEATS * 60 / self.before.tempo_map.tempo_bpm[0]
        moments: list[float] = []
        for pin in self.inside:
            was = None if pin.before is None else float(pin.before.time_s)
            now = None if pin.after is None else float(pin.after.time_s - self.shift_s)
            if (
                was is None
                or now is None
                or (abs(now - was) > _SAME_S and abs(now - was - shift_s) > _SAME_S)
            ):
                moments += [time_s for time_s in (was, was and was + shift_s, now) if time_s is not None]
        return [*moments, *(moment - lead_s for moment in moments)]

    def _beats_before(self) -> FloatArray:
        beats = self.before.tempo_map.beats_s
        last = len(beats) if self.to_end else math.ceil(self.anchors[-1].position) + 1
        return np.asarray(beats[self._first_beat : last])

    def _ending_s(self) -> float:
        """Where the ending begins that changes, if the end does."""
        tempo_map, was_s = self.before.tempo_map, float(self.before.duration_s)
        if self.end_s == self.before.duration_s:
            return was_s
        ending = float(tempo_map.beat_at(min(was_s, float(self.end_s)))) - END_BEATS
        return float(tempo_map.time_s(max(ending, self.anchors[0].position)))


def _frame(position: float) -> int:
    return round(STEPS_PER_BEAT * position)


def _unlike(now_s: FloatArray, was_s: FloatArray, shift_s: float) -> list[float]:
    """Where beats begin and cease to differ from those that were; none where all are as they were."""
    count = min(len(now_s), len(was_s))
    early = np.flatnonzero(np.abs(now_s[:count] - was_s[:count]) > _SAME_S)
    late = np.flatnonzero(np.abs(now_s[::-1][:count] - shift_s - was_s[::-1][:count]) > _SAME_S)
    if len(now_s) == len(was_s) and not len(early):
        return []
    # between the last beat that is as it was and the first that is not, all that sounds moves
    first = max(0, int(early[0]) - 1) if len(early) else count - 1
    last = len(now_s) - max(0, int(late[0])) if len(late) else len(now_s) - count
    return [float(now_s[first]), float(now_s[min(last, len(now_s) - 1)])]
