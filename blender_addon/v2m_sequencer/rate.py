"""Blender's frame rate as an exact fraction: `fps` over `fps_base`, a float32 such as 1.00100004673."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

_NTSC_BASE: Final = Fraction(1001, 1000)
_NEAR: Final = Fraction(1, 100_000)
"""A float32 of 1.001 is off by 5e-8, what users type as 29.97 by 1e-6 of a base, 1.0 by 1e-3."""


def exact_rate(fps: int, fps_base: float) -> Fraction:
    """Frames a second: 30 over 1.00100004673 is 30000/1001."""
    base = Fraction(fps_base)
    for exact in (Fraction(1), _NTSC_BASE):
        if abs(base / exact - 1) < _NEAR:
            return Fraction(fps) / exact
    return (Fraction(fps) / base).limit_denominator(1001)
