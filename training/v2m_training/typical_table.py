"""A table of rows of numbers as the JSON that ships: two names lead to a row, and each row has a line."""

from __future__ import annotations

import json

Table = dict[str, dict[str, list[float]]]


def table_text(table: Table) -> str:
    """The table as JSON, a row a line."""
    blocks = (
        f'  "{name}": {{\n'
        + ",\n".join(f'    "{row_name}": {json.dumps(row)}' for row_name, row in rows.items())
        + "\n  }"
        for name, rows in table.items()
    )
    return "{\n" + ",\n".join(blocks) + "\n}\n"
