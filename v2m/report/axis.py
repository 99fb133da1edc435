"""The time axis that all lanes share: seconds of the programme to places across a lane.

Conventions: a place is a share of the lane's width, written in percent, or in the units of a drawing that is
stretched to the lane, 0 to `WIDTH`. What is told only at a higher magnification has a class that says so,
`z2`, `z4` or `z8`, and is shown from there on; what is told at some alone has a class for each, as `at-2`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from v2m.curves import FloatArray
from v2m.report.markup import Content, Markup, tag

WIDTH: Final = 8000
"""Whole units across: at the highest magnification one is about a pixel."""

LEVELS: Final = (1, 2, 4, 8)
"""Magnifications of the page."""

LANE_PX: Final = 1120
"""About how wide a lane is at magnification 1, for what must not crowd."""

_NICE_STEPS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True)
class Axis:
    """Of one programme."""

    duration_s: float

    def percent(self, time_s: float) -> str:
        """The place of a time."""
        return f"{100 * time_s / self.duration_s:.3f}%"

    def units(self, times_s: FloatArray) -> list[int]:
        """The places of times in a drawing that is stretched to the lane."""
        places = np.rint(np.clip(times_s / self.duration_s, 0.0, 1.0) * WIDTH)
        return [int(place) for place in places.tolist()]

    def ticks(self, most: int = 12) -> dict[float, list[int]]:
        """Round times, and at which magnifications each is told: evenly, about `most` of them to a sight."""
        told: dict[float, list[int]] = {}
        for level in LEVELS:
            fitting = (step_s for step_s in _NICE_STEPS_S if self.duration_s / step_s <= most * level)
            step_s = next(fitting, _NICE_STEPS_S[-1])
            for index in range(int(self.duration_s / step_s) + 1):
                told.setdefault(round(index * step_s, 1), []).append(level)
        return dict(sorted(told.items()))


def level_class(level: int) -> str:
    """The class of what is shown from a magnification on."""
    return "" if level == 1 else f"z{level}"


def stretched(height: int, *content: Content) -> Markup:
    """A drawing whose units are stretched to the lane, whatever its size; `height` units high."""
    return tag(
        "svg", *content, view_box=f"0 0 {WIDTH} {height}", preserve_aspect_ratio="none", width="100%",
        height="100%",
    )  # fmt: skip


def free(*content: Content) -> Markup:
    """A drawing across the lane whose marks keep their shape: places in percent, sizes in pixels."""
    return tag("svg", *content, width="100%", height="100%")


def minutes(time_s: float) -> str:
    """`1:05`, with tenths where there are any."""
    whole, tenth = divmod(round(time_s * 10), 10)
    return f"{whole // 60}:{whole % 60:02d}" + (f".{tenth}" if tenth else "")
