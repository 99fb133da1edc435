"""The report of an evaluation: one HTML page that asks nothing of any network, and the same as Markdown.

    OUT/evaluation.html    tables, plots, tests, notes
    OUT/evaluation.md      the same, the plots as files beside
    OUT/plots/*.svg

Conventions: the best measured figure of a column is bold; published figures stand under their source.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from v2m.evaluation.plots import SERIES, interval_plot, tolerance_plot
from v2m.evaluation.run import Results
from v2m.evaluation.store import write_whole
from v2m.evaluation.table import Cell, Comparison, Table, make_table
from v2m.report.markup import Content, Markup, tag
from v2m.report.palette import palette_css
from v2m.report.policy import content_policy

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;background:var(--paper);color:var(--ink)}
body{margin:0 auto;max-width:72rem;padding:1.5rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}p,li{max-width:50rem}
table{border-collapse:collapse;background:var(--card);font-variant-numeric:tabular-nums}
th,td{padding:.35rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td small{display:block;color:var(--quiet)}tr.published td{color:var(--quiet)}
figure{margin:1rem 0}figcaption{font-weight:600}.scroll{overflow-x:auto}
.plot{max-width:40rem;width:100%;background:var(--card);margin:.5rem 0}
"""

_PLOT_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:var(--quiet)}text.ink{fill:var(--ink)}"
    ".grid{stroke:var(--line)}.interval{stroke:var(--ink);stroke-width:2}.measured{fill:var(--accent)}"
    ".luck{stroke:var(--poor);stroke-width:2}.published{fill:none;stroke:var(--quiet);stroke-width:2}"
    ".line{fill:none;stroke-width:2.5}"
    ".chance{stroke-dasharray:5 4;stroke-width:1.5}"
    + "".join(f".line.{name}{{stroke:var(--{name})}}text.{name}{{fill:var(--{name})}}" for name in SERIES)
)


def write_report(out: Path, results: Results) -> tuple[Path, Path]:
    """Write both; returns the page and the Markdown.

    Raises:
        OutputWriteError: they cannot be written.
    """
    table = make_table(results)
    plots = _plots(results, table)
    (out / "plots").mkdir(parents=True, exist_ok=True)
    for name, drawing in plots.items():
        style = tag("style", Markup(palette_css() + _PLOT_STYLE))
        text = drawing.replace("</title>", f"</title>{style}", 1)
        write_whole(out / "plots" / f"{name}.svg", text)
    html, markdown = out / "evaluation.html", out / "evaluation.md"
    write_whole(html, page(results, table, plots))
    write_whole(markdown, markdown_of(results, table, plots))
    return html, markdown


def _plots(results: Results, table: Table) -> dict[str, Markup]:
    named = {re.sub(r"\W+", "-", column).strip("-").lower(): column for column in table.columns}
    drawn = {name: interval_plot(table, column) for name, column in named.items()}
    drawn["sch-over-tolerance"] = tolerance_plot(results)
    return {name: drawing for name, drawing in drawn.items() if drawing}


def page(results: Results, table: Table, plots: dict[str, Markup]) -> str:
    """The page."""
    style = palette_css() + _STYLE + _PLOT_STYLE
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_policy(style, "")),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{table.title} \N{EN DASH} V2M"),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        tag("h1", f"{table.title}: {results.clips} clips"),
        tag("p", _read_so(results)),
        tag("div", _html_table(table), class_="scroll"),
        tag("h2", "Plots"), [_figure(drawing) for drawing in plots.values()],
        tag("h2", "Paired tests"), _html_tests(table.comparisons),
        tag("h2", "Notes"), tag("ul", [tag("li", note) for note in table.notes]),
    )  # fmt: skip
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _figure(drawing: Markup) -> Markup:
    """A plot under its title, which stands in it for those who do not see it."""
    told = drawing.split("<title>", 1)[1].split("</title>", 1)[0]
    return tag("figure", tag("figcaption", Markup(told)), drawing)


def _read_so(results: Results) -> str:
    detectors = sorted(
        {row["detector"] for peer in results.peers.values() for row in peer.rows if "detector" in row}
    )
    found = f"Cuts by {' and '.join(detectors)}, beats by librosa. " if detectors else ""
    return (
        f"{found}SCH and beat scores within 100 ms; means over clips with intervals at 95 %. "
        f"FAD is against {results.reference}. Published rows were measured by others with other settings: "
        "they show where the field stands, not a difference."
    )


def _html_table(table: Table) -> Markup:
    header = tag("tr", tag("th", "Method"), [tag("th", column) for column in table.columns])
    rows: list[Content] = []
    for row in table.rows:
        cells = [
            _html_cell(row.cells.get(column), bold=table.best(column) == row.key and not row.source)
            for column in table.columns
        ]
        source = tag("small", row.source) if row.source else ""
        rows.append(
            tag("tr", tag("td", row.title, source), cells, class_="published" if row.source else "measured")
        )
    return tag("table", tag("thead", header), tag("tbody", rows))


def _html_cell(cell: Cell | None, *, bold: bool) -> Markup:
    if cell is None or cell.value is None:
        return tag("td", "\N{EN DASH}")
    value: Content = tag("b", _number(cell)) if bold else _number(cell)
    asides = [text for text in (_interval(cell), _chance(cell), cell.aside) if text]
    return tag("td", value, [tag("small", text) for text in asides])


def _html_tests(comparisons: tuple[Comparison, ...]) -> Markup:
    if not comparisons:
        return tag("p", "None: fewer than two peers share two clips.")
    header = tag("tr", [tag("th", name) for name in _TEST_COLUMNS])
    rows = [tag("tr", [tag("td", text) for text in _test_cells(each)]) for each in comparisons]
    return tag("div", tag("table", tag("thead", header), tag("tbody", rows)), class_="scroll")


_TEST_COLUMNS: Final = ("Figure", "First", "Other", "Difference", "95 % interval", "n", "p", "p, Bonferroni")


def _test_cells(each: Comparison) -> tuple[str, ...]:
    test = each.test
    return (
        each.metric, each.first, each.other, f"{test.mean_difference:+.3f}",
        f"{test.low:+.3f} to {test.high:+.3f}", f"{test.n}", f"{test.p:.2g}", f"{each.corrected_p:.2g}",
    )  # fmt: skip


def markdown_of(results: Results, table: Table, plots: dict[str, Markup]) -> str:
    """The same as Markdown."""
    lines = [f"# {table.title}: {results.clips} clips", "", _read_so(results), ""]
    lines += [_line("Method", *table.columns), _line(*["---"] * (1 + len(table.columns)))]
    for row in table.rows:
        title = f"{row.title} ({row.source})" if row.source else f"**{row.title}**"
        lines.append(_line(title, *(_markdown_cell(row.cells.get(column)) for column in table.columns)))
    lines += ["", *(f"![{name}](plots/{name}.svg)" for name in plots), "", "## Paired tests", ""]
    if table.comparisons:
        lines += [_line(*_TEST_COLUMNS), _line(*["---"] * len(_TEST_COLUMNS))]
        lines += [_line(*_test_cells(each)) for each in table.comparisons]
    else:
        lines.append("None: fewer than two peers share two clips.")
    return "\n".join([*lines, "", "## Notes", "", *(f"- {note}" for note in table.notes), ""])


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_cell(cell: Cell | None) -> str:
    if cell is None or cell.value is None:
        return "\N{EN DASH}"
    return " ".join(
        text for text in (_number(cell), _interval(cell), f"({cell.aside})" if cell.aside else "") if text
    )


def _number(cell: Cell) -> str:
    return "\N{EN DASH}" if cell.value is None else f"{cell.value:.4g}" if not cell.n else f"{cell.value:.3f}"


def _interval(cell: Cell) -> str:
    return (
        f"{cell.low:.3f}\N{EN DASH}{cell.high:.3f}" if cell.low is not None and cell.high is not None else ""
    )


def _chance(cell: Cell) -> str:
    return "" if cell.chance is None else f"chance {cell.chance:.2f}"
