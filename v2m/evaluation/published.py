"""Figures that papers report, kept as data with their source, and where they contradict themselves.

They are never mixed with what was measured here: another detector, checkpoint or tolerance makes another
number. A table shows them in rows of their own, marked as published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class PublishedTable:
    """A table of a paper, or the part of it that is about one benchmark."""

    benchmark: str
    source: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    """Key of the peer -> one figure for each column."""


def published_tables(benchmark: str | None = None) -> tuple[PublishedTable, ...]:
    """All tables, or those about a benchmark."""
    data = _data()
    tables = (
        PublishedTable(
            table["benchmark"], f"{data['source']}, {table['place']}",
            tuple(table["columns"]), {key: tuple(row) for key, row in table["rows"].items()},
        )
        for table in data["tables"]
    )  # fmt: skip
    return tuple(table for table in tables if benchmark in (None, table.benchmark))


def contradictions(benchmark: str | None = None) -> tuple[str, ...]:
    """What does not agree in what was published; of a benchmark with what concerns all."""
    return tuple(
        entry["note"]
        for entry in _data()["contradictions"]
        if benchmark is None or entry["benchmark"] in (benchmark, "all")
    )


@cache
def _data() -> dict[str, Any]:
    text = files("v2m.evaluation").joinpath("published.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data
