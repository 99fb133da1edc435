"""Spans of a take that are composed again where nothing else changes, as edits like those of moved hits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.errors import UsageError
from v2m.retime.edit import Edit, Renewal
from v2m.retime.stretch import END_BEATS, LEAD_S, RING_S
from v2m.swell import Swell
from v2m.take.record import Origin, Redone
from v2m.tempo import TempoMap
from v2m.timebase import float_to_fraction

_EARLY_STEPS: Final = 1.0
"""A note lies at most a sixteenth before its place."""

_APART_S: Final = 1.0
"""Spans nearer than this behind the ring of another are one."""


def redone(before: Origin, start_s: Fraction, end_s: Fraction, seed: int, prompt: str) -> Redone:
    """The beats nearest to a span of the programme.

    Raises:
        UsageError: it is shorter than a beat.
    """
    first, last = (round(float(before.tempo_map.beat_at(float(time_s)))) for time_s in (start_s, end_s))
    last = min(last, _last_beat(before))
    if last <= first:
        raise UsageError(f"The range {float(start_s):g}-{float(end_s):g} s holds no beat.")
    return Redone(((max(0, first), last),), seed, prompt)


def swelling(before: Origin, swells: Sequence[Swell], seed: int, prompt: str) -> Redone:
    """The bars that some swells of the curve reach."""
    spans: list[tuple[int, int]] = []
    for first, last in sorted(_bars(before, swell) for swell in swells):
        if spans and _is_near(before.tempo_map, spans[-1][1], first):
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    return Redone(tuple(spans), seed, prompt, tuple(swells))


def _bars(before: Origin, swell: Swell) -> tuple[int, int]:
    """The beats of whole bars, as far as the programme has them."""
    tempo_map, bar = before.tempo_map, before.tempo_map.beats_per_bar
    first, last = (
        (float(tempo_map.beat_at(time_s)) - tempo_map.first_downbeat) / bar for time_s in swell.reach_s
    )
    low, high = (tempo_map.first_downbeat + bar * bars for bars in (math.floor(first), math.ceil(last)))
    most = _last_beat(before)
    return max(0, min(low, most - 1)), max(1, min(high, most))


def _last_beat(before: Origin) -> int:
    return len(before.tempo_map.beats_s) - 1


def _is_near(tempo_map: TempoMap, last: int, first: int) -> bool:
    return tempo_map.beats_s[first] - tempo_map.beats_s[min(last, first)] < RING_S + _APART_S


def redone_edits(before: Origin, told: Redone) -> Iterator[Edit]:
    """What is composed again, and how far each span is heard."""
    for first, last in told.spans:
        yield _edit(before, first, last)


def _edit(before: Origin, first: int, last: int) -> Edit:
    beats_s = before.tempo_map.beats_s
    first_s, last_s = beats_s[first], beats_s[last]
    step_s = 60 / before.tempo_map.tempo_bpm[0] / STEPS_PER_BEAT
    ending_s = float(before.tempo_map.time_s(len(beats_s) - 1 - END_BEATS))
    frames = STEPS_PER_BEAT * first, STEPS_PER_BEAT * last
    return Edit(
        first_beat=first,
        last_beat=last,
        beats_s=beats_s[first : last + 1],
        parting_s=float_to_fraction((first_s + last_s) / 2),
        shift_s=Fraction(0),
        gone=(),
        hits=(),
        warp_s=((first_s, first_s), (last_s, last_s)),
        fresh_s=(),
        renewal=Renewal(*frames, frames[1] - frames[0]),
        largest_bend=0.0,
        composed_bend=0.0,
        start_s=max(0.0, first_s - _EARLY_STEPS * step_s - LEAD_S),
        end_s=None if last_s > ending_s else last_s + RING_S,
    )
