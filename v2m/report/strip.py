"""The picture strip: each shot begins with its first picture, and more follow where there is room.

Later pictures lie over earlier ones, so one that is wider than what is left of its shot ends at the cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from v2m.frames import SMALL, Sheet
from v2m.report.axis import LANE_PX, LEVELS, Axis, free, level_class
from v2m.report.contents import Contents
from v2m.report.film import Film
from v2m.report.lane import Lane
from v2m.report.markup import Content, Markup, tag

HEIGHT_PX: Final = 54

_SLIVER_PX: Final = 14
"""Of less than this of a picture nothing is seen."""

SHEET_ID: Final = "sheet"


def strip(contents: Contents, axis: Axis) -> Lane:
    """The lane of the pictures, or of bare shots where there are none."""
    bounds_s, sheet = contents.bounds_s, contents.sheet
    marks: list[Content] = [_bare(axis, bounds_s)]
    told = f"{len(bounds_s) - 1} shots, {len(contents.record.cuts)} cuts"
    if sheet is not None:
        marks.append(_tiles(axis, sheet, bounds_s))
    else:
        told += "; no picture was seen"
    marks.append([_cut(axis, time_s) for time_s in bounds_s[1:-1]])
    marks.append(_transitions(contents, axis))
    return Lane("strip", "Picture", f"The pictures of the programme: {told}.", free(marks), told)


def _bare(axis: Axis, bounds_s: Sequence[float]) -> list[Content]:
    """Shots shaded in turn, so that a cut shows where there is no picture."""
    return [
        tag(
            "rect", x=axis.percent(start_s), y=0, width=axis.percent(end_s - start_s), height="100%",
            class_="odd" if index % 2 else "even",
        )
        for index, (start_s, end_s) in enumerate(pairwise(bounds_s))
    ]  # fmt: skip


def width_px(sheet: Sheet) -> float:
    """Of a picture in the strip."""
    return round(HEIGHT_PX * min(4.0, max(0.25, sheet.aspect)), 1)


def _tiles(axis: Axis, sheet: Sheet, bounds_s: Sequence[float]) -> list[Markup]:
    """The pictures with the magnification from which on each is shown, in order of time."""
    film = Film.of(sheet, bounds_s)
    levels: dict[int, int] = {}
    for level in LEVELS:
        s_px = axis.duration_s / (LANE_PX * level)
        for index in film.chosen(width_px(sheet) * s_px, _SLIVER_PX * s_px, tuple(levels)):
            levels.setdefault(index, level)
    return [
        _tile(sheet, index, axis.percent(film.starts_s[index]), level)
        for index, level in sorted(levels.items())
    ]


def _tile(sheet: Sheet, index: int, at: str, level: int) -> Markup:
    left, top = sheet.place(index)
    return tag(
        "svg", tag("use", href=f"#{SHEET_ID}"), x=at, width=width_px(sheet), height=HEIGHT_PX,
        view_box=f"{left} {top} {SMALL[0]} {SMALL[1]}", preserve_aspect_ratio="none",
        class_=level_class(level) or None,
    )  # fmt: skip


def _cut(axis: Axis, time_s: float) -> Markup:
    at = axis.percent(time_s)
    return tag("line", x1=at, x2=at, y1=0, y2="100%", class_="cut")


def _transitions(contents: Contents, axis: Axis) -> list[Content]:
    """The spans of dissolves and fades, along the bottom."""
    marks: list[Content] = []
    for cut in contents.record.cuts:
        if cut.width_s:
            begin = axis.percent(float(cut.time_s + cut.center_offset_s - cut.width_s / 2))
            width = axis.percent(float(cut.width_s))
            marks.append(tag("rect", x=begin, y=HEIGHT_PX - 4, width=width, height=4, class_=cut.kind))
    return marks
