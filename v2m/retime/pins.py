"""The moments that a retimed take is pinned to: where each hit was, where it is now, which gaps changed.

Conventions: `was` is the take before any hit was moved, `is` the programme as it is now; times are exact
seconds; a shift is `is` less `was`; positions are beats of the tempo map as it was, whole or in the middle of
a beat. A gap lies between two anchors, hits on beats; the last one lies between the last anchor and the end.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from v2m.hits import Hit
from v2m.tempo import TempoMap
from v2m.tempo.passing import REACH_S
from v2m.timebase import float_to_fraction

_LEAST_GAP_S: Final = Fraction(1, 20)
"""Anchors that come nearer than this cannot both have a beat."""


@dataclass(frozen=True)
class Pin:
    """One hit, before and now."""

    before: Hit | None
    """None: it is new."""

    after: Hit | None
    """None: it is gone."""


@dataclass(frozen=True)
class Anchor:
    """A place in the music that belongs to a time of the programme."""

    position: float
    was_s: Fraction
    """When it sounded, by the map as it was."""

    shift_s: Fraction
    weight: float
    hit_id: str = ""
    """Of the hit as it is now; empty for the first beat."""

    is_new: bool = False

    @property
    def is_s(self) -> Fraction:
        """When it is to sound."""
        return self.was_s + self.shift_s


@dataclass(frozen=True)
class Pinned:
    """Anchors in order, and what changed between them."""

    anchors: tuple[Anchor, ...]
    """The first is the first beat, which stays."""

    changed: tuple[bool, ...]
    """For each gap, the last of which ends with the programme."""


def pinned(pins: Sequence[Pin], tempo_map: TempoMap, was_end_s: Fraction, is_end_s: Fraction) -> Pinned:
    """Which moments hold the music, and which gaps between them are no longer as they were."""
    anchors = _anchors(pins, tempo_map, is_end_s)
    changed = [
        left.shift_s != right.shift_s or left.is_new or right.is_new for left, right in pairwise(anchors)
    ]
    changed.append(anchors[-1].shift_s != is_end_s - was_end_s or anchors[-1].is_new)
    held = {anchor.hit_id for anchor in anchors}
    for pin in pins:
        if pin.after is None or pin.after.id not in held:
            for gap in _touched(pin, anchors):
                changed[gap] = True
    return Pinned(tuple(anchors), tuple(changed))


def _anchors(pins: Sequence[Pin], tempo_map: TempoMap, is_end_s: Fraction) -> list[Anchor]:
    start = Anchor(0.0, float_to_fraction(tempo_map.beats_s[0]), Fraction(0), 1.0)
    found = [anchor for pin in pins if (anchor := _anchor(pin, pins, tempo_map)) is not None]
    found = [each for each in found if 0 < each.is_s < is_end_s and each.position >= start.position + 0.5]
    found.sort(key=lambda anchor: (anchor.position, anchor.is_new))
    return _in_order([start, *found])


def _anchor(pin: Pin, pins: Sequence[Pin], tempo_map: TempoMap) -> Anchor | None:
    if pin.after is None or pin.after.kind == "end":
        return None
    if pin.before is None:
        was_s = float(pin.after.time_s - _shift_around(pin.after.time_s, pins))
        position = float(round(float(tempo_map.beat_at(was_s))))
        beat_s = float_to_fraction(float(tempo_map.time_s(position)))
        return Anchor(position, beat_s, pin.after.time_s - beat_s, pin.after.weight, pin.after.id, True)
    near = _beat_of(pin.before, tempo_map)
    if near is None:
        return None
    beat_s = float_to_fraction(float(tempo_map.time_s(near)))
    return Anchor(near, beat_s, pin.after.time_s - pin.before.time_s, pin.after.weight, pin.after.id)


def _beat_of(hit: Hit, tempo_map: TempoMap) -> float | None:
    """The beat, or middle of one, that a hit lies on."""
    time_s = float(hit.time_s)
    position = float(tempo_map.beat_at(time_s))
    for near in (float(round(position)), math.floor(position) + 0.5):
        if abs(float(tempo_map.time_s(near)) - time_s) <= REACH_S:
            return near
    return None


def _shift_around(is_s: Fraction, pins: Sequence[Pin]) -> Fraction:
    """How far the moments before a new one were shifted."""
    earlier = [
        pin.after.time_s - pin.before.time_s
        for pin in pins
        if pin.before is not None and pin.after is not None and pin.after.time_s <= is_s
    ]
    return earlier[-1] if earlier else Fraction(0)


def _in_order(anchors: list[Anchor]) -> list[Anchor]:
    """Without those that were moved past others or onto them: they get an accent of their own."""
    kept = list(anchors)
    while True:
        crowded = next(
            (
                i
                for i in range(1, len(kept))
                if kept[i].is_s - kept[i - 1].is_s < _LEAST_GAP_S or kept[i].position <= kept[i - 1].position
            ),
            None,
        )
        if crowded is None:
            return kept
        first, second = kept[crowded - 1 : crowded + 1]
        drop_second = crowded == 1 or (abs(second.shift_s), -second.weight) >= (
            abs(first.shift_s),
            -first.weight,
        )
        del kept[crowded if drop_second else crowded - 1]


def _touched(pin: Pin, anchors: Sequence[Anchor]) -> range:
    """The gaps that a hit which is no anchor changes."""
    was = [anchor.was_s for anchor in anchors]
    now = [anchor.is_s for anchor in anchors]
    gaps = []
    if pin.before is not None:
        gaps.append(max(0, bisect_right(was, pin.before.time_s) - 1))
    if pin.after is not None:
        gaps.append(max(0, bisect_right(now, pin.after.time_s) - 1))
    if pin.before is not None and pin.after is not None:
        if pin.after.time_s - pin.before.time_s == anchors[gaps[0]].shift_s and gaps[0] == gaps[1]:
            return range(0)
        if pin.after.kind == "end":
            return range(0)  # the gap before the end knows of it
    return range(min(gaps), max(gaps) + 1)


def pins_of(before: Sequence[Hit], after: Sequence[Hit]) -> tuple[Pin, ...]:
    """The hits before and now, paired by their ids, in order of time now; those that are gone come first."""
    was = {hit.id: hit for hit in before}
    now = {hit.id for hit in after}
    gone = [Pin(hit, None) for hit in before if hit.id not in now]
    return (*gone, *(Pin(was.get(hit.id), hit) for hit in sorted(after, key=lambda hit: hit.time_s)))
