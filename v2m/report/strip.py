"""The picture strip: each shot begins with its first picture, and more follow where there is room.

Later pictures lie over earlier ones, so one that is wider than what is left of its shot ends at the cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from v2m.frames import SMALL, Sheet
from v2m.report.axis import LANE_PX, LEVELS, Axis, free, level_class
from v2m.report.contents import Contents
from v2m.report.lane import Lane
from v2m.report.markup import Content, Markup, tag

HEIGHT_PX: Final = 54

_SLIVER_PX: Final = 14
"""Of less than this of a picture nothing is seen."""

_ROUNDING_S: Final = 0.001
"""Of times in a sheet: the picture at a cut may stand this much before it."""

SHEET_ID: Final = "sheet"

_TOUCHING: Final = 0.94
"""Of a picture's width from one to the next: lanes are a little wider in some browsers than in others."""

COLUMNS_SHOWN: Final = 12
"""Pictures side by side where a picture of the whole is drawn."""


def strip(contents: Contents, axis: Axis) -> Lane:
    """The lane of the pictures, or of bare shots where there are none."""
    bounds_s, sheet = contents.bounds_s, contents.sheet
    marks: list[Content] = [_bare(axis, bounds_s)]
    told = f"{len(bounds_s) - 1} shots, {len(contents.record.cuts)} cuts"
    if sheet is not None:
        marks.append([_tile(axis, sheet, index, level) for index, level in _chosen(axis, sheet, bounds_s)])
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


def _chosen(axis: Axis, sheet: Sheet, bounds_s: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Which pictures are shown from which magnification on, in order of time."""
    times_s = np.asarray(sheet.times_s)
    firsts = {int(np.searchsorted(times_s, bound_s - _ROUNDING_S)) for bound_s in bounds_s[:-1]}
    following_s = np.append(times_s[1:], np.inf)
    levels: dict[int, int] = {}
    for level in LEVELS:
        px_s = LANE_PX * level / axis.duration_s
        last_s = -np.inf
        for index, time_s in enumerate(sheet.times_s):
            # the last that still touches the one before, so that no ground shows between them
            is_due = (following_s[index] - last_s) * px_s > _TOUCHING * width_px(sheet)
            has_room = (time_s - last_s) * px_s >= _SLIVER_PX
            if index in levels or (has_room and (is_due or index in firsts)):
                levels.setdefault(index, level)
                last_s = time_s
    return iter(sorted((index, level) for index, level in levels.items() if times_s[index] < axis.duration_s))


def _tile(axis: Axis, sheet: Sheet, index: int, level: int) -> Markup:
    left, top = sheet.place(index)
    return tag(
        "svg", tag("use", href=f"#{SHEET_ID}"), x=axis.percent(sheet.times_s[index]),
        width=width_px(sheet), height=HEIGHT_PX, view_box=f"{left} {top} {SMALL[0]} {SMALL[1]}",
        preserve_aspect_ratio="none", class_=level_class(level) or None,
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


def first_pictures(sheet: Sheet, bounds_s: Sequence[float], width_s: float) -> Iterator[tuple[int, float]]:
    """Which pictures are shown where each is so long, and until when, in order of time."""
    times_s = np.asarray(sheet.times_s)
    firsts = {int(np.searchsorted(times_s, bound_s - _ROUNDING_S)) for bound_s in bounds_s[:-1]}
    chosen: list[int] = []
    for index, time_s in enumerate(sheet.times_s):
        if time_s < bounds_s[-1] and (
            index in firsts or not chosen or time_s - sheet.times_s[chosen[-1]] >= width_s
        ):
            chosen.append(index)
    ends_s = [*(sheet.times_s[index] for index in chosen[1:]), bounds_s[-1]]
    return zip(chosen, ends_s, strict=True)
