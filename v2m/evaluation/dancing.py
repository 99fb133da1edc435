"""A dance as what the music follows: a hit at each moment at which the dancer arrives.

Hits on cuts and on moments that stand out of a curve are what drama wants; a dance has its accents on the
dancer's own beat. Conventions: hits lie on frames of the programme; their weight is that of a clear cut, so
that the planner puts beats there and the arranger accents them.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from v2m.analysis import Analysis
from v2m.hits import Hit
from v2m.metrics.motion import MotionBeats
from v2m.timebase import float_to_fraction, on_frame

_WEIGHT: Final = 0.7


def follow_dancer(analysis: Analysis, beats: MotionBeats) -> Analysis:
    """The same programme with the dancer's arrivals as its only hits."""
    rate, duration_s = analysis.timeline.rate, analysis.timeline.duration_s
    frames = sorted({on_frame(float_to_fraction(time_s), rate) for time_s in beats.times_s.tolist()})
    hits = tuple(
        Hit(f"visual-{number}", time_s, "visual", _WEIGHT, "the dancer arrives")
        for number, time_s in enumerate(frames, 1)
        if Fraction(0) < time_s < duration_s
    )
    return replace(analysis, hits=hits)
