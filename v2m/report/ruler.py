"""The ruler above the lanes: round times, more of them the more it is magnified."""

from __future__ import annotations

from v2m.report.axis import Axis, free, minutes
from v2m.report.lane import Lane
from v2m.report.markup import Content, tag


def ruler(axis: Axis) -> Lane:
    """The lane of the times."""
    marks: list[Content] = []
    for time_s, level in axis.ticks():
        at = axis.percent(time_s)
        marks.append(tag("line", x1=at, x2=at, y1=18, y2=26, class_=level or None))
        last = time_s > 0.97 * axis.duration_s  # a label there would be cut off
        if not last:
            marks.append(
                tag("text", minutes(time_s), x=at, y=14, dx=0 if time_s == 0 else -8, class_=level or None)
            )
    return Lane("ruler", "Time", "A ruler in minutes and seconds.", free(marks))
