"""Plots of an evaluation as SVG: intervals of a figure, Scene Cut Hit over the tolerance.

Conventions: widths and heights in pixels of the drawing; colours by name from the palette of the reports, as
classes (`ink`, `p-drums` …) whose meaning the page's style gives; every mark's title says its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from v2m.evaluation.peers import peer_title
from v2m.evaluation.run import Results
from v2m.evaluation.table import LOWER_IS_BETTER, Table
from v2m.metrics.sch import TOLERANCES_S
from v2m.report.markup import Markup, tag

_WIDTH: Final = 640
_LABEL: Final = 190
_ROW: Final = 26
_HEIGHT: Final = 240
"""Of the plot over the tolerance."""

SERIES: Final = ("p-lead", "p-drums", "p-harmony", "p-bass", "p-extras", "k-visual", "k-fade", "quiet")
"""Classes that tell peers apart, in their order."""


def interval_plot(table: Table, column: str) -> Markup:
    """A column of a table: measured figures with intervals, published ones as open marks."""
    shown = [(row, row.cells[column]) for row in table.rows if column in row.cells]
    values = [v for _, c in shown for v in (c.value, c.low, c.high, c.chance) if v is not None]
    if not values:
        return Markup("")
    low, high = min(0.0, *values), max(values) * 1.08 or 1.0
    marks: list[Markup] = [*_ticks(low, high, len(shown))]
    for number, (row, cell) in enumerate(shown):
        y = _ROW * number + _ROW / 2 + 4
        marks.append(_text(_LABEL - 8, y + 4, row.title, anchor="end", kind="quiet" if row.source else "ink"))
        if cell.value is None:
            continue
        told = f"{row.title}: {cell.value:.3f}" + (f", {row.source}" if row.source else "")
        if cell.chance is not None:
            x = _place(cell.chance, low, high)
            luck = tag("title", f"{row.title}: chance {cell.chance:.3f}")
            marks.append(tag("path", luck, d=f"M{x:.1f} {y - 9}v18", class_="luck"))
        if cell.low is not None and cell.high is not None:
            ends = [_place(v, low, high) for v in (cell.low, cell.high)]
            marks.append(tag("path", d=f"M{ends[0]:.1f} {y}H{ends[1]:.1f}", class_="interval"))
        kind = "published" if row.source else "measured"
        mark = tag(
            "circle", tag("title", told), cx=round(_place(cell.value, low, high), 1), cy=y, r=5, class_=kind
        )
        marks.append(mark)
    return _drawing(marks, _ROW * len(shown) + 34, _title(table, column))


def _title(table: Table, column: str) -> str:
    lower = "lower is better" if column in LOWER_IS_BETTER else "higher is better"
    chance = "; red: chance" if any(r.cells[column].chance for r in table.rows if column in r.cells) else ""
    rings = "; rings: published" if any(row.source and column in row.cells for row in table.rows) else ""
    return f"{column} ({lower}{chance}{rings})"


def tolerance_plot(results: Results) -> Markup:
    """Mean Scene Cut Hit of each peer over the tolerance, its chance dashed."""
    names = [f"{1000 * tolerance:g}" for tolerance in TOLERANCES_S]
    marks: list[Markup] = _grid(names)
    drawn = 0
    for key, peer in results.peers.items():
        values, chance = (_means(peer.rows, names, what) for what in ("value", "chance"))
        if not values:
            continue
        color, title = SERIES[drawn % len(SERIES)], peer_title(key)
        marks += [
            tag("path", tag("title", title), d=_line(names, values), class_=f"line {color}"),
            tag(
                "path",
                tag("title", f"{title}: chance"),
                d=_line(names, chance),
                class_=f"line chance {color}",
            ),
            _text(8, 24 + 18 * drawn, title, kind=f"name {color}"),
        ]
        drawn += 1
    return (
        _drawing(marks, _HEIGHT, "Scene Cut Hit over the tolerance; chance dashed") if drawn else Markup("")
    )


def _grid(names: Sequence[str]) -> list[Markup]:
    marks = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _height_of(share)
        marks.append(tag("path", d=f"M{_LABEL} {y:.1f}H{_WIDTH - 20}", class_="grid"))
        marks.append(_text(_LABEL - 8, y + 4, f"{share:g}", anchor="end"))
    for name in names:
        marks.append(_text(_across(name, names), _HEIGHT - 10, f"{name} ms", anchor="middle"))
    return marks


def _line(names: Sequence[str], values: Sequence[float]) -> str:
    places = (
        f"{_across(name, names):.1f} {_height_of(value):.1f}"
        for name, value in zip(names, values, strict=True)
    )
    return "M" + "L".join(places)


def _across(name: str, names: Sequence[str]) -> float:
    first, last = float(names[0]), float(names[-1])
    return _LABEL + (float(name) - first) / (last - first) * (_WIDTH - _LABEL - 40)


def _height_of(share: float) -> float:
    return _HEIGHT - 30 - share * (_HEIGHT - 50)


def _means(rows: Sequence[Mapping[str, object]], names: Sequence[str], what: str) -> list[float]:
    table = [row["sch"] for row in rows if "sch" in row]
    cut = [
        scores for scores in table if isinstance(scores, Mapping) and scores[names[0]]["value"] is not None
    ]
    return [float(np.mean([scores[name][what] for scores in cut])) for name in names] if cut else []


def _ticks(low: float, high: float, rows: int) -> list[Markup]:
    """Lines at round numbers, three to seven of them."""
    rough = (high - low) / 5
    size = 10.0 ** np.floor(np.log10(rough))
    step = float(size * next(factor for factor in (1, 2, 5, 10) if factor * size >= rough))
    marks = []
    for number in range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1):
        x = _place(number * step, low, high)
        marks.append(tag("path", d=f"M{x:.1f} 4V{_ROW * rows + 8}", class_="grid"))
        marks.append(_text(x, _ROW * rows + 24, f"{number * step:.4g}", anchor="middle"))
    return marks


def _place(value: float, low: float, high: float) -> float:
    return _LABEL + (value - low) / (high - low) * (_WIDTH - _LABEL - 20)


def _text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "quiet") -> Markup:
    return tag("text", words, x=round(x, 1), y=round(y, 1), text_anchor=anchor, class_=kind)


def _drawing(marks: Sequence[Markup], height: float, told: str) -> Markup:
    return tag(
        "svg",
        tag("title", told),
        list(marks),
        view_box=f"0 0 {_WIDTH} {height:g}",
        class_="plot",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )
