"""Hit at a frame: the share of moments at which an onset is heard within one frame, and what luck gives.

Conventions: times in seconds from the first sample; an onset is a peak of spectral flux, found by
`v2m.metrics.heard`, so neither a beat tracker nor a composition's own plan has a say. Chance is measured, not
derived: the same moments are moved around the programme by random shifts, the sound stays, and the shares
are averaged. The p-value is the share of shifts that reach the value, the unshifted one counted in (Phipson
and Smyth 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from v2m.encoders.protocol import Sound
from v2m.metrics.events import Times, check_positive, checked_times, shifts_s, turned
from v2m.metrics.heard import hit_errors_s

SHIFTS: Final = 37
"""Enough for a p-value below 0.03."""


@dataclass(frozen=True)
class HitAtFrame:
    """How many moments are heard at their frame."""

    value: float | None
    """hits / moments; None without moments."""

    hits: int
    moments: int
    chance: float | None
    """Mean value over the shifts."""

    p: float | None
    """Share of shifts at which the value is reached; small when the hits are no luck."""

    frame_s: float
    shifts: int


def hit_at_frame(
    samples: Sound,
    sample_rate_hz: int,
    moments_s: Times,
    *,
    duration_s: float,
    frame_s: float,
    shifts: int = SHIFTS,
) -> HitAtFrame:
    """Listen at some moments of a piece of sound.

    Args:
        samples: (n,) or (n, channels).
        sample_rate_hz: 8000 or more.
        moments_s: cuts, markers or beats; in any order.
        duration_s: of the programme, for the shifts.
        frame_s: how far an onset may lie from its moment: one frame of the picture.
        shifts: how often luck is tried.

    Raises:
        InputError: a time is not finite, a length not positive, or the rate too low.
    """
    check_positive(duration_s=duration_s, frame_s=frame_s)
    moments = checked_times("moment", moments_s)
    if len(moments) == 0:
        return HitAtFrame(None, 0, 0, None, None, frame_s, shifts)
    hits = _hits(samples, sample_rate_hz, moments, frame_s)
    lucky = [
        _hits(samples, sample_rate_hz, turned(moments, shift_s, duration_s), frame_s)
        for shift_s in shifts_s(duration_s, shifts)
    ]
    chance = sum(lucky) / (shifts * len(moments))
    p = (1 + sum(count >= hits for count in lucky)) / (1 + shifts)
    return HitAtFrame(hits / len(moments), hits, len(moments), chance, p, frame_s, shifts)


def _hits(samples: Sound, sample_rate_hz: int, moments_s: Times, frame_s: float) -> int:
    errors = hit_errors_s(samples, sample_rate_hz, list(moments_s))
    return sum(error is not None and abs(error) <= frame_s + 1e-4 for error in errors)  # told to 0.1 ms
