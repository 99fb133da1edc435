"""Times of Final Cut Pro XML: exact ratios of seconds, such as `1001/24000s`."""

from __future__ import annotations

import re
from fractions import Fraction

from v2m.errors import DocumentError


def seconds(text: str | None) -> Fraction:
    """A time of the format; none is zero.

    Raises:
        DocumentError: it is no ratio of seconds.
    """
    match = re.fullmatch(r"(-?\d+)(?:/(\d+))?s", text or "0s")
    if match is None:
        raise DocumentError(f"holds the time {text!r:.40}, expected a ratio such as 1001/24000s.")
    return Fraction(int(match[1]), int(match[2] or 1))


def ratio(time_s: Fraction) -> str:
    """A time as the format writes it."""
    denominator = f"/{time_s.denominator}" if time_s.denominator != 1 else ""
    return f"{time_s.numerator}{denominator}s"
