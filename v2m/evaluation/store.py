"""What was found, kept as small JSON files by what it was found from: a run that was stopped goes on.

A name is a hash of what matters: files by their names, sizes and times of change, settings as they are. So a
file that was made again is measured again. Files are written whole or not at all; any number of processes may
write into one folder, and a broken one counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from v2m.errors import OutputWriteError

Row = dict[str, Any]


class RowStore:
    """A folder of rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputWriteError(f"{folder} could not be made: {error.strerror}.") from error

    def get(self, name: str) -> Row | None:
        """A row that was kept before; None if it was not, or its file is broken."""
        try:
            row = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return row if isinstance(row, dict) else None

    def put(self, name: str, row: Row) -> None:
        """Keep a row.

        Raises:
            OutputWriteError: it cannot be written.
        """
        write_whole(self.folder / f"{name}.json", json.dumps(row, allow_nan=False))


def name_of(*parts: object) -> str:
    """A name for what plain values, and files among them, decide."""
    told = [_stamp(part) if isinstance(part, Path) else part for part in parts]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _stamp(path: Path) -> list[object]:
    state = path.stat()
    return [path.name, state.st_size, state.st_mtime_ns]


def write_whole(path: Path, text: str) -> None:
    """Write a file so that others see the old one or the new, never a part.

    Raises:
        OutputWriteError: it cannot be written.
    """
    try:
        number, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError as error:
        raise OutputWriteError(f"{path} could not be written: {error.strerror}.") from error
