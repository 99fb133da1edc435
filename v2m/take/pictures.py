"""The pictures of a take on disk: `pictures.jpg`, a contact sheet of what was looked at.

They are for whoever looks at the take, and no part of how it sounds: a take without them is whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from v2m.errors import OutputWriteError
from v2m.frames import Sheet
from v2m.take.record import TakeRecord

FILE_NAME: Final = "pictures.jpg"

_MOST_BYTES: Final = 8 << 20
"""A file of this size is no sheet of ours, whose 480 tiles take some 2 kB each."""


def write_pictures(folder: Path, sheet: Sheet | None) -> None:
    """Write a take's pictures into its folder; without any there is no file.

    Raises:
        OutputWriteError: the file cannot be written.
    """
    if sheet is None:
        return
    try:
        (folder / FILE_NAME).write_bytes(sheet.to_bytes())
    except OSError as error:
        raise OutputWriteError(f"The pictures could not be written: {error.strerror}.") from error


def read_pictures(folder: Path) -> Sheet | None:
    """A take's pictures; None where it has none, or none that can be read."""
    path = folder / FILE_NAME
    try:
        return Sheet.from_bytes(path.read_bytes()) if path.stat().st_size <= _MOST_BYTES else None
    except OSError:
        return None


def moved_pictures(sheet: Sheet | None, before: TakeRecord, after: TakeRecord) -> Sheet | None:
    """The pictures of one take for another that was made from it: between hits they move as the hits do."""
    if sheet is None or (before.hits, before.duration_s) == (after.hits, after.duration_s):
        return sheet
    now = {hit.id: float(hit.time_s) for hit in after.hits}
    pairs = [(float(hit.time_s), now[hit.id]) for hit in before.hits if hit.id in now]
    knots = [(0.0, 0.0)]
    for was, to in sorted([*pairs, (float(before.duration_s), float(after.duration_s))]):
        if was > knots[-1][0] and to > knots[-1][1]:  # hits that changed places tell nothing of the pictures
            knots.append((was, to))
    old, new = zip(*knots, strict=True)
    return sheet.retimed(tuple(np.interp(sheet.times_s, old, new).tolist()))
