"""Frame rates as exact fractions: Resolve says 23.976, 23.98, "29.97 DF" or a float32 of it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from v2m_resolve.refused import Refused

RATES: Final = tuple(
    Fraction(nominal * 1000, 1001) if is_ntsc else Fraction(nominal)
    for nominal in (16, 18, 24, 25, 30, 48, 50, 60, 72, 90, 95, 96, 100, 120)
    for is_ntsc in ((False, True) if nominal in (24, 30, 48, 60, 120) else (False,))
)


def exact_rate(told: object) -> Fraction:
    """23.976, 23.98, "29.97 DF" or a float32 of it as the exact rate."""
    number = re.match(r"\s*[\d.]+", str(told))
    value = Fraction(number[0].strip()) if number else Fraction(0)
    best = min(RATES, key=lambda rate: abs(value / rate - 1))
    if abs(value / best - 1) > Fraction(5, 10_000):  # 23.98 is off by 1.6, the next rate by 10
        raise Refused(f"The frame rate is {told!r}, which V2M does not know.")
    return best
