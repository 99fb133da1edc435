"""Lists beside media: CSV with a header and JSONL, as dictionaries of strings, whatever wrote them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from v2m.errors import DocumentError


def read_rows(path: Path, needed: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a list.

    Args:
        path: ends in .jsonl, or is CSV.
        needed: columns without which it is another list.

    Raises:
        DocumentError: it cannot be read, or a row lacks a needed column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".jsonl":
            rows = [_object(line) for line in text.splitlines() if line.strip()]
        else:
            rows = [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(text.splitlines())]
    except (OSError, ValueError, csv.Error) as error:
        raise DocumentError(f"{path.name} cannot be read as a list.", detail=repr(error)) from error
    needed = tuple(needed)
    for number, row in enumerate(rows, 1):
        missing = [name for name in needed if name not in row]
        if missing:
            raise DocumentError(f"Row {number} of {path.name} has no {', '.join(missing)}.")
    return rows


def _object(line: str) -> dict[str, str]:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("a line is no object")
    return {str(key): str(value) for key, value in row.items()}
