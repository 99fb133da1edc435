"""The hits: what has to be marked, how much it weighs, and how far from it the music has an onset."""

from __future__ import annotations

from typing import Final

from v2m.hits import Hit
from v2m.report.axis import Axis, free
from v2m.report.contents import Contents
from v2m.report.lane import Lane
from v2m.report.markup import Content, Markup, tag

HITS_PX: Final = 66
ERRORS_PX: Final = 56

_MARGIN_PX: Final = 6
_FRAMES_SHOWN: Final = 3
"""Errors up to so many frames have their place; larger ones stand at the edge."""


def hits_lane(contents: Contents, axis: Axis) -> Lane:
    """The lane of the hits with their kinds and weights."""
    hits = contents.record.hits
    kinds = list(dict.fromkeys(hit.kind for hit in hits))
    legend = [
        tag("span", f"{kind} {sum(hit.kind == kind for hit in hits)}", class_=f"key k-{kind}")
        for kind in kinds
    ]
    told = f"{len(hits)} hits, as high as they weigh, in the colours of their kinds."
    return Lane("hits", "Hits", told, free([_flag(hit, axis) for hit in hits]), legend or "none")


def _flag(hit: Hit, axis: Axis) -> Markup:
    at = axis.percent(float(hit.time_s))
    top = HITS_PX - _MARGIN_PX - (HITS_PX - 2 * _MARGIN_PX) * hit.weight
    return tag(
        "g",
        tag("title", f"{hit.id}: {hit.reason}, weight {hit.weight:.2f}"),
        tag("line", x1=at, x2=at, y1=HITS_PX, y2=round(top, 1)),
        tag("circle", cx=at, cy=round(top, 1), r=4),
        class_=f"k-{hit.kind}",
    )


def errors_lane(contents: Contents, axis: Axis) -> Lane:
    """The lane of the errors: above the middle early, below it late, the band a frame to either side."""
    frame_s = float(1 / contents.record.frame_rate)
    px_s = (ERRORS_PX / 2 - _MARGIN_PX) / (_FRAMES_SHOWN * frame_s)
    middle = ERRORS_PX / 2
    band = tag(
        "rect", x=0, y=round(middle - frame_s * px_s, 1), width="100%", height=round(2 * frame_s * px_s, 1),
        class_="frame",
    )  # fmt: skip
    marks: list[Content] = [band, tag("line", x1=0, x2="100%", y1=middle, y2=middle, class_="zero")]
    errors = contents.errors_s
    for hit in contents.record.hits:
        if hit.id in errors:
            marks.append(_dot(hit, errors[hit.id], axis, frame_s, px_s))
    told = "How far from each hit the nearest onset in the music is: above early, below late."
    return Lane("errors", "Errors", told, free(marks), _summary(contents, frame_s))


def _dot(hit: Hit, error_s: float | None, axis: Axis, frame_s: float, px_s: float) -> Markup:
    at = float(hit.time_s)
    x = axis.percent(at)
    if error_s is None:
        title = tag("title", f"{hit.id}: no onset within 150 ms")
        return tag("g", title, tag("circle", cx=x, cy=ERRORS_PX / 2, r=3.5), class_="none")
    y = ERRORS_PX / 2 + max(-ERRORS_PX / 2 + 4, min(ERRORS_PX / 2 - 4, error_s * px_s))
    title = tag("title", f"{hit.id}: {told_error(error_s)}")
    dot = tag("circle", cx=x, cy=round(y, 1), r=3.5)
    return tag("g", title, dot, class_=grade(error_s, frame_s))


def _summary(contents: Contents, frame_s: float) -> list[Content]:
    heard = contents.record.metrics.get("hits_heard")
    words = [f"band: a frame, {1000 * frame_s:.0f} ms"]
    if heard is not None:
        words.append(f"{heard:.0%} of heavy hits")
    return [tag("span", each) for each in words]


def grade(error_s: float | None, frame_s: float) -> str:
    """The class of an error: within a frame, within two, further, or no onset at all."""
    if error_s is None:
        return "none"
    frames = abs(error_s) / frame_s
    return "good" if frames <= 1 else "fair" if frames <= 2 else "poor"


def told_error(error_s: float | None) -> str:
    """An error in words."""
    if error_s is None:
        return "no onset near"
    ms = round(1000 * error_s)
    return "exact" if ms == 0 else f"{abs(ms)} ms {'late' if ms > 0 else 'early'}"
