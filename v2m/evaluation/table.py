"""Measured rows as a table like the paper's: figures with intervals, chance beside, published rows below.

Conventions: a value of clips is their mean with Student's interval at 95 %; FAD and the curve distances are
of the whole body and have none. Tests compare each peer with the first one on the clips that both have;
p-values are corrected by Bonferroni over all tests of the table. What was published keeps rows of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from v2m.evaluation.peers import peer_title
from v2m.evaluation.published import contradictions, published_tables
from v2m.evaluation.run import PeerResults, Results
from v2m.evaluation.store import Row
from v2m.metrics.curve_distances import curve_distances
from v2m.metrics.dance import harmonic_mean
from v2m.metrics.paired import Paired, bonferroni, paired_test

TOLERANCE: Final = "100"
"""Milliseconds at which the table tells SCH and the beat scores; plots show all."""

LOWER_IS_BETTER: Final = frozenset(("FAD", "FAD*", "TD", "TD8", "M", "M+V", "M-V", "M|V"))


@dataclass(frozen=True)
class Cell:
    """One figure."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Clips it is a mean of; 0 of a body's figure and of a published one."""

    chance: float | None = None
    """What luck gives, under the same mean."""

    aside: str = ""
    """What else it has to be read with: number of patches …"""


@dataclass(frozen=True)
class TableRow:
    """One way of making music."""

    key: str
    title: str
    source: str
    """Empty where it was measured here, else where it was published."""

    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Comparison:
    """The first peer against another one."""

    metric: str
    first: str
    other: str
    test: Paired
    corrected_p: float


@dataclass(frozen=True)
class Table:
    """What a run comes to."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]

    def best(self, column: str) -> str | None:
        """Key of the measured row that is best in a column; None where fewer than two have a figure."""
        measured = {
            row.key: cell.value for row in self.rows
            if not row.source and (cell := row.cells.get(column)) is not None and cell.value is not None
        }  # fmt: skip
        if len(measured) < 2:
            return None
        return (min if column in LOWER_IS_BETTER else max)(measured, key=lambda key: measured[key])


Values = Mapping[str, float]
"""Clip -> figure."""

_PER_CLIP: Final[Mapping[str, Callable[[Row], float | None]]] = {
    "SCH": lambda row: _dig(row, "sch", TOLERANCE, "value"),
    "hit at frame": lambda row: _dig(row, "hit", "value"),
    "BCS": lambda row: _dig(row, "dance", TOLERANCE, "bcs"),
    "BHS": lambda row: _dig(row, "dance", TOLERANCE, "bhs"),
    "F1": lambda row: _dig(row, "dance", TOLERANCE, "f1"),
    "TD": lambda row: _dig(row, "dance", "td"),
    "TD8": lambda row: _dig(row, "dance", "td_octave"),
    "curve r": lambda row: _dig(row, "curves", "correlation"),
}

_CHANCE: Final[Mapping[str, Callable[[Row], float | None]]] = {
    "SCH": lambda row: _dig(row, "sch", TOLERANCE, "chance"),
    "hit at frame": lambda row: _dig(row, "hit", "chance"),
    "BCS": lambda row: _dig(row, "dance", TOLERANCE, "chance", "bcs"),
    "BHS": lambda row: _dig(row, "dance", TOLERANCE, "chance", "bhs"),
    "F1": lambda row: _dig(row, "dance", TOLERANCE, "chance", "f1"),
}


def make_table(results: Results) -> Table:
    """The table of a run."""
    rows = [TableRow(key, peer_title(key), "", _cells(results, peer)) for key, peer in results.peers.items()]
    columns = tuple(dict.fromkeys(column for row in rows for column in row.cells))
    rows += _published_rows(results.benchmark, columns)
    return Table(results.title, columns, tuple(rows), _comparisons(results), _notes(results))


def _cells(results: Results, peer: PeerResults) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    if peer.fad is not None:
        name = "FAD*" if results.benchmark == "oes-pub" else "FAD"
        infinity = peer.fad["infinity"]
        aside = f"n = {peer.fad['patches']} and {peer.fad['reference_patches']}"
        aside += f"; FAD∞ {infinity['value']:.2f}" if infinity else ""
        cells[name] = Cell(peer.fad["value"], aside=aside)
    if peer.clap is not None:
        cells["CLAP"] = mean_cell(list(peer.clap["scores"].values()))
    for name in _PER_CLIP:
        values = clip_values(peer, name)
        if values:
            told = [row for row in peer.rows if name in _CHANCE and row["clip"] in values]
            chances = [chance for row in told if (chance := _CHANCE[name](row)) is not None]
            cells[name] = mean_cell(list(values.values()), float(np.mean(chances)) if chances else None)
    cells |= _curve_cells(peer)
    return cells


def clip_values(peer: PeerResults, name: str) -> dict[str, float]:
    """A figure of each clip that has it."""
    return {row["clip"]: value for row in peer.rows if (value := _PER_CLIP[name](row)) is not None}


def mean_cell(values: Sequence[float], chance: float | None = None) -> Cell:
    """A mean with its interval; without one of a single value."""
    if len(values) < 2:
        return Cell(values[0] if values else None, n=len(values), chance=chance)
    test = paired_test(values, np.zeros(len(values)))
    return Cell(test.mean_difference, test.low, test.high, len(values), chance)


def _curve_cells(peer: PeerResults) -> dict[str, Cell]:
    whole = [row["curves"] for row in peer.rows if "original" in row.get("curves", {})]
    if len(whole) < 3:
        return {}
    found = curve_distances(
        *(np.array([row[name] for row in whole]) for name in ("music", "original", "video"))
    )
    names = {
        "M": found.music, "M+V": found.music_with_video, "M-V": found.music_to_video,
        "M|V": found.music_given_video,
    }  # fmt: skip
    return {name: Cell(value, aside=f"{len(whole)} clips") for name, value in names.items()}


def _comparisons(results: Results) -> tuple[Comparison, ...]:
    keys = list(results.peers)
    found = []
    for name in _PER_CLIP:
        for other in keys[1:]:
            ours, theirs = (clip_values(results.peers[key], name) for key in (keys[0], other))
            both = [clip for clip in ours if clip in theirs]
            if len(both) >= 2:
                test = paired_test([ours[clip] for clip in both], [theirs[clip] for clip in both])
                found.append((name, other, test))
    corrected = bonferroni([test.p for _, _, test in found])
    return tuple(
        Comparison(name, keys[0], other, test, p)
        for (name, other, test), p in zip(found, corrected, strict=True)
    )


def _published_rows(benchmark: str, columns: Sequence[str]) -> list[TableRow]:
    rows = []
    for table in published_tables(benchmark):
        for key, figures in table.rows.items():
            told = dict(zip(table.columns, figures, strict=True))
            cells = {column: Cell(told[column]) for column in columns if column in told}
            if cells:
                rows.append(TableRow(key, peer_title(key), table.source, cells))
    return rows


def _notes(results: Results) -> tuple[str, ...]:
    notes = list(results.notes)
    for key, peer in results.peers.items():
        title = peer_title(key)
        if peer.missing:
            notes.append(f"{title} has no file for {peer.missing} of {results.clips} clips.")
        if peer.failed:
            notes.append(f"{title}: {len(peer.failed)} files could not be measured, first: {peer.failed[0]}")
        without = sum(_dig(row, "sch", TOLERANCE, "cuts") == 0 for row in peer.rows)
        if without:
            notes.append(f"{title}: {without} videos without cuts have no SCH and are left out of it.")
        summary = pooled_note(peer)
        if summary:
            notes.append(f"{title}: {summary}")
    published = [f"Published: {note}" for note in contradictions(results.benchmark)]
    return (*notes, *(published if published_tables(results.benchmark) else ()))


def pooled_note(peer: PeerResults) -> str:
    """The other ways of taking a mean, as a sentence: over all cuts, over all beats."""
    told = []
    cut = [row["sch"][TOLERANCE] for row in peer.rows if _dig(row, "sch", TOLERANCE, "cuts")]
    if cut:
        cuts = sum(score["cuts"] for score in cut)
        chance = sum(score["chance"] * score["cuts"] for score in cut) / cuts
        told.append(
            f"over all {cuts} cuts SCH is {sum(s['hits'] for s in cut) / cuts:.3f} (chance {chance:.3f})"
        )
    danced = [row["dance"][TOLERANCE] for row in peer.rows if "dance" in row]
    if danced:
        hits, reference, estimated = (
            sum(score[name] for score in danced) for name in ("hits", "reference", "estimated")
        )
        if reference and estimated:
            f1 = harmonic_mean(hits / reference, hits / estimated)
            told.append(f"over all {reference} motion beats F1 is {f1:.3f}")
    return "; ".join(told) + "." if told else ""


def _dig(row: Mapping[str, Any], *names: str) -> float | None:
    found: Any = row
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, int | float) else None
