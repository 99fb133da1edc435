"""The ruler above the lanes: round times, more of them the more it is magnified."""

from __future__ import annotations

from v2m.report.axis import Axis, free, minutes
from v2m.report.lane import Lane
from v2m.report.markup import Content, tag


def ruler(axis: Axis) -> Lane:
    """The lane of the times."""
    marks: list[Content] = []
    for turn, (time_s, levels) in enumerate(axis.ticks().items()):
        at = axis.percent(time_s)
        spare = " spare" if turn % 2 else ""  # the page leaves these labels out where it is narrow
        shown = "tick " + " ".join(f"at-{level}" for level in levels)
        marks.append(tag("line", x1=at, x2=at, y1=18, y2=26, class_=shown))
        if time_s < 0.97 * axis.duration_s:  # a label further on would be cut off
            aside = 4 if time_s == 0 else -8
            marks.append(tag("text", minutes(time_s), x=at, y=14, dx=aside, class_=shown + spare))
    return Lane("ruler", "Time", "A ruler in minutes and seconds.", free(marks))
