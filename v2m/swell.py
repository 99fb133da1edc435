"""Swells: an event curve that is told to have more or less happen somewhere.

Conventions: a curve as `take.json` holds it; times in seconds of the programme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

_RAMP_S: Final = 0.5
"""An edit of the curve rises and falls over so much, as a crescendo of a bar does."""


@dataclass(frozen=True)
class Swell:
    """More or less to happen in a span of the programme."""

    start_s: float
    end_s: float
    amount: float
    """In standard deviations of the event curve: 1 is much, -1 is calm."""

    @property
    def reach_s(self) -> tuple[float, float]:
        """Where the curve is another."""
        return self.start_s - _RAMP_S / 2, self.end_s + _RAMP_S / 2


def swelled(curve: dict[str, Any], swells: Sequence[Swell]) -> dict[str, Any]:
    """An event curve with more or less to happen in some spans."""
    if not swells:
        return curve
    values = np.asarray(curve["values"], np.float64)
    times_s = np.arange(len(values)) / curve["rate_hz"]
    for swell in swells:
        inside = np.minimum(times_s - swell.start_s, swell.end_s - times_s) / _RAMP_S
        values = values + swell.amount * np.clip(0.5 + inside, 0.0, 1.0)
    return {**curve, "values": (np.round(values, 4) + 0.0).tolist()}
