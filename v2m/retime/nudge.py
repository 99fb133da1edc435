"""Nudges: a hit here goes there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from v2m.errors import UsageError
from v2m.hits import Hit
from v2m.take.record import TakeRecord
from v2m.timebase import frame_to_timecode, on_frame, parse_time, seconds_to_frame

NEAR_S: Final = Fraction(1, 2)
"""A hit is meant by a time that lies no farther from it."""


@dataclass(frozen=True)
class Nudge:
    """One hit that is moved."""

    hit: Hit
    """As it is."""

    to_s: Fraction


def read_nudges(record: TakeRecord, texts: Sequence[tuple[str, str]]) -> tuple[Nudge, ...]:
    """Nudges as a user writes them: where a hit is and where it goes, in seconds, frames or timecode.

    Raises:
        UsageError: a time is none, no hit is near, two nudges mean the same hit, or one leads out of the
            programme.
    """
    nudges: list[Nudge] = []
    for was, now in texts:
        was_s, now_s = (_time(text, record) for text in (was, now))
        hit = _nearest(record, was_s, was)
        now_s = on_frame(now_s, record.frame_rate)
        if not 0 <= now_s < record.duration_s:
            raise UsageError(
                f"{hit.id} cannot go to {now}: the programme lasts {float(record.duration_s):g} s."
            )
        if any(nudge.hit.id == hit.id for nudge in nudges):
            raise UsageError(f"Two nudges mean {hit.id} at {float(hit.time_s):.3f} s, expected one.")
        nudges.append(Nudge(hit, now_s))
    return tuple(nudges)


def nudged(record: TakeRecord, nudges: Sequence[Nudge]) -> tuple[Hit, ...]:
    """All hits of a take, those of the nudges where they go."""
    times_s = {nudge.hit.id: nudge.to_s for nudge in nudges}
    return tuple(replace(hit, time_s=times_s.get(hit.id, hit.time_s)) for hit in record.hits)


def told(time_s: Fraction, record: TakeRecord) -> str:
    """A time as the editor shows it, with its seconds in the music."""
    frame = record.start_frame + seconds_to_frame(time_s, record.frame_rate)
    timecode = frame_to_timecode(frame, record.frame_rate, drop_frame=record.drop_frame)
    return f"{timecode} ({float(time_s):.3f} s)"


def _time(text: str, record: TakeRecord) -> Fraction:
    return parse_time(text, record.frame_rate, start_frame=record.start_frame, drop_frame=record.drop_frame)


def _nearest(record: TakeRecord, time_s: Fraction, text: str) -> Hit:
    hits = [hit for hit in record.hits if hit.kind != "end"]
    nearest = min(hits, key=lambda hit: abs(hit.time_s - time_s), default=None)
    if nearest is None or abs(nearest.time_s - time_s) > NEAR_S:
        where = "it has none" if nearest is None else f"the nearest is {told(nearest.time_s, record)}"
        raise UsageError(
            f"No hit of the take lies within half a second of {text}: {where}.",
            hint="`take.json` lists the hits.",
        )
    return nearest
