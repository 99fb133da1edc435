"""Exact seconds out of OpenTimelineIO's float times.

Conventions: a RationalTime is a float count at a float rate; here its rate is snapped to the one that is
meant, its count to the whole frame that is meant, and the seconds to flicks. A flick (1/705,600,000 s) is
a whole fraction of a frame at every rate of `v2m.timebase.KNOWN_RATES`, so times on frames stay exact,
while hostile mixtures of a thousand odd rates cannot grow denominators without bound.
OpenTimelineIO's own arithmetic is never used: at 23.976 against 24000/1001 it is 1000.001 frames for 1000.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Final

import opentimelineio as otio

from v2m.errors import DocumentError, InputError
from v2m.timebase import MAX_RATE, snap_rate

FLICKS_PER_S: Final = 705_600_000
_WHOLE_FRAME_TOLERANCE: Final = Fraction(1, 1000)
"""In frames. Float32 rates and conversions between rates leave errors far below this."""


@lru_cache(maxsize=256)
def exact_rate(rate: float) -> Fraction:
    """The rate that is meant: a picture rate is snapped, a sample rate is itself."""
    if rate > MAX_RATE:
        return Fraction(rate).limit_denominator(1)
    try:
        return snap_rate(rate)
    except InputError as error:
        raise DocumentError(error.message) from error


@lru_cache(maxsize=8192)
def exact_seconds(value: float, rate: float) -> Fraction:
    """A count of frames at a rate, in seconds."""
    frames = Fraction(value)
    whole = round(frames)
    if abs(frames - whole) <= _WHOLE_FRAME_TOLERANCE:
        frames = Fraction(whole)
    return on_flick(frames / exact_rate(rate))


def on_flick(seconds: Fraction) -> Fraction:
    """The nearest time on the grid of flicks."""
    return Fraction(round(seconds * FLICKS_PER_S), FLICKS_PER_S)


def seconds(time: otio.opentime.RationalTime) -> Fraction:
    """A RationalTime in exact seconds."""
    return exact_seconds(float(time.value), float(time.rate))


def exact_speed(time_scalar: float) -> Fraction:
    """A retime's factor: 0.8545454551724138, a float32 of 47/55, becomes 47/55."""
    return Fraction(time_scalar).limit_denominator(1000)
