"""Which stretches of the music change: runs of changed gaps, as far apart as their sounds ring.

Conventions: as in `pins` and `edit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from v2m.retime.edit import Edit
from v2m.retime.pins import Anchor, Pin, Pinned
from v2m.retime.stretch import END_BEATS, RING_S, Stretch
from v2m.take.record import Origin

_APART_S: Final = 1.0
"""Stretches nearer than this behind the ring of another are one."""

_END_S: Final = 4.5
"""So near the end, or within `END_BEATS`, the last chord and the fade of the whole depend on every hit."""


def edits(
    pins: Sequence[Pin], held: Pinned, before: Origin, end_s: Fraction, max_bend: float
) -> tuple[tuple[Edit, Fraction], ...]:
    """The edits that bring the hits to where they are now, in order, each with the shift of what lies before.

    Args:
        pins: all hits, before and now.
        held: what they pin.
        before: the take as it was.
        end_s: of the programme, now.
        max_bend: share by which a beat may become longer or shorter.
    """
    made = []
    for first, last in _spans(held, before, end_s):
        shift_s = held.anchors[first].shift_s
        inside = [pin for pin in pins if _lies_in(pin, held.anchors, first, last)]
        anchors = [replace(a, shift_s=a.shift_s - shift_s) for a in held.anchors[first : last + 2]]
        to_end = last == len(held.anchors) - 1
        stretch = Stretch(anchors, to_end, inside, shift_s, before, end_s - shift_s, max_bend)
        made.append((stretch.edit(), shift_s))
    return tuple(made)


def _spans(held: Pinned, before: Origin, end_s: Fraction) -> list[tuple[int, int]]:
    """The first and last gap of each stretch."""
    anchors, tail = held.anchors, len(held.anchors) - 1
    spans: list[tuple[int, int]] = []
    for gap in (gap for gap, changed in enumerate(held.changed) if changed):
        first, last = gap, gap
        if gap == tail and end_s - before.duration_s != anchors[tail].shift_s:
            first = _before_ending(held, before, end_s)
        if gap < tail and _is_near_end(anchors[gap + 1], before):
            last = tail
        if spans and (first <= spans[-1][1] + 1 or _is_near(anchors[spans[-1][1] + 1], anchors[first])):
            spans[-1] = (min(first, spans[-1][0]), max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return spans


def _is_near(behind: Anchor, first: Anchor) -> bool:
    return first.was_s - behind.was_s < RING_S + _APART_S


def _is_near_end(anchor: Anchor, before: Origin) -> bool:
    beats = float(before.tempo_map.beat_at(float(before.duration_s))) - anchor.position
    return beats < END_BEATS or before.duration_s - anchor.was_s < _END_S


def _before_ending(held: Pinned, before: Origin, end_s: Fraction) -> int:
    """The last anchor that neither the old ending nor the new one touches."""
    shortened_s = min(before.duration_s, end_s - held.anchors[-1].shift_s)
    ending = float(before.tempo_map.beat_at(float(shortened_s))) - END_BEATS
    return max((i for i, anchor in enumerate(held.anchors) if anchor.position <= ending), default=0)


def _lies_in(pin: Pin, anchors: Sequence[Anchor], first: int, last: int) -> bool:
    """Whether a hit lies in a stretch, before or now; those at its ends do not."""
    left, right = anchors[first], anchors[last + 1] if last + 1 < len(anchors) else None
    if pin.after is not None and pin.after.id in (left.hit_id, right.hit_id if right else None):
        return False
    was, now = pin.before, pin.after
    return (was is not None and left.was_s < was.time_s and (right is None or was.time_s < right.was_s)) or (
        now is not None and left.is_s < now.time_s and (right is None or now.time_s < right.is_s)
    )
