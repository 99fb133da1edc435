"""A span of a take that is composed again where nothing else changes, as an edit like those of moved hits."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.errors import UsageError
from v2m.retime.edit import Edit, Renewal
from v2m.retime.stretch import END_BEATS, LEAD_S, RING_S
from v2m.take import Origin, Redone
from v2m.timebase import float_to_fraction

_EARLY_STEPS: Final = 1.0
"""A note lies at most a sixteenth before its place."""


def redone(before: Origin, start_s: Fraction, end_s: Fraction, seed: int, prompt: str) -> Redone:
    """The beats nearest to a span of the programme.

    Raises:
        UsageError: it is shorter than a beat.
    """
    first, last = (round(float(before.tempo_map.beat_at(float(time_s)))) for time_s in (start_s, end_s))
    last = min(last, len(before.tempo_map.beats_s) - 1)
    if last <= first:
        raise UsageError(f"The range {float(start_s):g}-{float(end_s):g} s holds no beat.")
    return Redone(max(0, first), last, seed, prompt)


def redone_edit(before: Origin, span: Redone) -> Edit:
    """What is composed again, and how far it is heard."""
    beats_s = before.tempo_map.beats_s
    first_s, last_s = beats_s[span.first_beat], beats_s[span.last_beat]
    step_s = 60 / before.tempo_map.tempo_bpm[0] / STEPS_PER_BEAT
    ending_s = float(before.tempo_map.time_s(len(beats_s) - 1 - END_BEATS))
    return Edit(
        first_beat=span.first_beat,
        last_beat=span.last_beat,
        beats_s=beats_s[span.first_beat : span.last_beat + 1],
        parting_s=float_to_fraction((first_s + last_s) / 2),
        shift_s=Fraction(0),
        gone=(),
        hits=(),
        warp_s=((first_s, first_s), (last_s, last_s)),
        fresh_s=(),
        renewal=Renewal(
            STEPS_PER_BEAT * span.first_beat,
            STEPS_PER_BEAT * span.last_beat,
            STEPS_PER_BEAT * (span.last_beat - span.first_beat),
        ),
        largest_bend=0.0,
        composed_bend=0.0,
        start_s=max(0.0, first_s - _EARLY_STEPS * step_s - LEAD_S),
        end_s=None if last_s > ending_s else last_s + RING_S,
    )
