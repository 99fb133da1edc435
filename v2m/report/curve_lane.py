"""The event curve twice: as the model saw it in the picture, and as the music came out."""

from __future__ import annotations

from typing import Final

import numpy as np

from v2m.curves import FloatArray
from v2m.report.axis import WIDTH, Axis, stretched
from v2m.report.contents import Contents
from v2m.report.lane import Lane
from v2m.report.markup import Content, Markup, tag

_HEIGHT: Final = 200
_MOST_POINTS: Final = 2000


def curve_lane(contents: Contents, axis: Axis) -> Lane:
    """The lane of the curves."""
    curve = contents.record.curve
    seen = np.asarray(curve["values"], np.float64)
    heard = contents.listening.curve
    every = seen if heard is None else np.concatenate([seen, heard])
    low, high = min(-1.0, float(every.min())), max(1.0, float(every.max()))

    def points(values: FloatArray) -> str:
        return _points(values, float(curve["rate_hz"]), axis, low, high)

    base = _HEIGHT * high / (high - low)
    marks: list[Content] = [tag("path", d=f"M0 {base:.0f}h{WIDTH}", class_="zero")]
    video = points(seen)
    marks.append(tag("path", d=f"M0 {_HEIGHT}L{video}V{_HEIGHT}z", class_="area"))
    marks.append(tag("path", d=f"M{video}", class_="seen"))
    legend = [_key("seen", f"picture ({curve['encoder']})")]
    if heard is not None:
        marks.append(tag("path", d=f"M{points(heard)}", class_="heard"))
        legend.append(_key("heard", "music"))
    told = "How much happens: in the picture, as the model saw it, and in the music, as it came out."
    return Lane("curve", "Events", told, stretched(_HEIGHT, marks), [*legend, _agreement(contents)])


def _points(values: FloatArray, rate_hz: float, axis: Axis, low: float, high: float) -> str:
    """A curve as points of a path; where there are very many, means of neighbours."""
    group = -(-len(values) // _MOST_POINTS)
    edges = np.arange(0, len(values), group)
    means = np.add.reduceat(values, edges) / np.diff([*edges, len(values)])
    places = axis.units(np.asarray((edges + (group - 1) / 2) / rate_hz, np.float64))
    heights = np.rint(_HEIGHT * (high - means) / (high - low)).astype(int).tolist()
    return "L".join(f"{x} {y}" for x, y in zip(places, heights, strict=True))


def _key(kind: str, words: str) -> Markup:
    return tag("span", words, class_=f"key {kind}")


def _agreement(contents: Contents) -> Content:
    value = contents.record.metrics.get("curve_correlation")
    return Markup("") if value is None else tag("span", f"correlation {value:.2f}")
