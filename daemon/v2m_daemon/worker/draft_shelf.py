"""The takes of a job as they become whole, among its drafts, until all are there and can be put in place.

STAGES/building-N/     a take that is being written
STAGES/take-HASH-N/    one that is whole, on disk, and good for a later attempt at the same
"""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path
from typing import Final

from v2m.errors import OutputExistsError, OutputWriteError
from v2m.take.record import TAKE_SUFFIX
from v2m_daemon import durable

_BUILDING: Final = "building-"


class DraftShelf:
    """Takes the takes of `v2m.score.score` in; see `v2m.take.shelf.TakeShelf`.

    Args:
        stages: folder of the drafts.
        key: of what the takes are made from.
        place: where they will be put.
        overwrite: whether takes of the same name give way there.
    """

    def __init__(self, stages: Path, key: str, place: Path, *, overwrite: bool) -> None:
        self.place = place
        self.overwrite = overwrite
        self.stems: dict[Path, str] = {}
        """Whole takes -> the stems of their names to be."""

        self._stages = stages
        self._key = key
        self._begun = 0
        """Takes that were asked for: one may be written while the one before it is not whole yet."""

    def check(self, stem: str) -> None:
        """Refuse now what could not be put in place.

        Raises:
            OutputExistsError: what stands in the place and is to be replaced is no take.
        """
        place = self.place / f"{stem}{TAKE_SUFFIX}"
        if self.overwrite and os.path.lexists(place) and not (place / "take.json").is_file():
            raise OutputExistsError(f"{place} is no take, so it is not replaced.", hint="Use another --out.")

    def new(self) -> Path:
        """The next take of an earlier attempt, else a folder to write it in.

        Raises:
            OutputWriteError: it cannot be made.
        """
        number, self._begun = self._begun, self._begun + 1
        if (whole := self._whole(number)).is_dir():
            return whole
        building = self._stages / f"{_BUILDING}{number}"
        try:
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
        except OSError as error:
            raise _unkept(building, error) from error
        return building

    def put(self, building: Path, stem: str) -> Path:
        """Keep a take that is whole.

        Raises:
            OutputWriteError: it could not be kept.
        """
        is_whole = not building.name.startswith(_BUILDING)
        whole = building if is_whole else self._whole(int(building.name.removeprefix(_BUILDING)))
        try:
            if not is_whole:
                durable.sync_tree(building)
                durable.replace(building, whole)
        except OSError as error:
            raise _unkept(whole, error) from error
        self.stems[whole] = stem
        return whole

    def free_place(self, whole: Path) -> Path:
        """Where a take can be put: `STEM.v2m`, or where that is taken `STEM-2.v2m` …."""
        stem = self.stems[whole]
        for number in count(1):
            name = stem if number == 1 else f"{stem}-{number}"
            free = self.place / f"{name}{TAKE_SUFFIX}"
            if self.overwrite or not os.path.lexists(free):
                return free
        raise AssertionError("the places never end")

    def _whole(self, number: int) -> Path:
        return self._stages / f"take-{self._key}-{number}"


def _unkept(path: Path, error: OSError) -> OutputWriteError:
    return OutputWriteError(
        f"Cannot keep {path.name}: {error.strerror or error}.", hint="Make room on the disk."
    )
