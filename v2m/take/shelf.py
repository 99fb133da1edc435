"""The folder that takes are put in: all of a job's takes come to stand there whole, or none does.

A take is written in a hidden folder beside its place and renamed when it is whole, so a `NAME.v2m` is never
half there. A take that is replaced waits in the hidden folder until the job is done, and comes back if the
job fails or is stopped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from v2m.errors import OutputExistsError, OutputWriteError
from v2m.take.record import TAKE_SUFFIX


class TakeShelf(Protocol):
    """Whatever takes the takes of a job in."""

    def check(self, stem: str) -> None:
        """Refuse now what `put` would refuse once the work is done."""
        ...

    def new(self) -> Path:
        """A folder to write a take in; one with a `take.json` holds it whole, from an earlier attempt."""
        ...

    def put(self, building: Path, stem: str) -> Path:
        """Take in a whole take; returns where it lies."""
        ...


class Shelf:
    """A context manager: what was put stays when its block ends well, else all is as it was."""

    def __init__(self, folder: Path, *, overwrite: bool = False) -> None:
        self.folder = folder
        self._overwrite = overwrite
        self._numbers = count()
        self._moves: list[tuple[Path, Path]] = []
        """Renames in their order, (from, to), each noted before it is done."""

    def __enter__(self) -> Self:
        """Make the folder where it is missing.

        Raises:
            OutputWriteError: it cannot be made or written to.
        """
        self._made = [path for path in (self.folder, *self.folder.parents) if not os.path.lexists(path)]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._hidden = Path(tempfile.mkdtemp(prefix=".v2m-", suffix=".part", dir=self.folder))
        except OSError as error:
            self._remove_made()
            raise OutputWriteError(
                f"Cannot write in {self.folder}: {error.strerror}.", hint="Give another folder with --out."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what was replaced; after an error put everything back."""
        if kind is not None:
            self._undo()
        shutil.rmtree(self._hidden, ignore_errors=True)
        if kind is not None:
            self._remove_made()

    def check(self, stem: str) -> None:
        """Refuse now what `put` would refuse once the work is done.

        Raises:
            OutputExistsError: what stands in the place and is to be replaced is no take.
        """
        place = self.folder / f"{stem}{TAKE_SUFFIX}"
        if self._overwrite and os.path.lexists(place) and not (place / "take.json").is_file():
            raise OutputExistsError(f"{place} is no take, so it is not replaced.", hint="Use another --out.")

    def new(self) -> Path:
        """An empty hidden folder to write a take in.

        Raises:
            OutputWriteError: it cannot be made.
        """
        try:
            folder = self._aside()
            folder.mkdir()
        except OSError as error:
            raise OutputWriteError(f"Cannot write in {self.folder}: {error.strerror}.") from error
        return folder

    def put(self, building: Path, stem: str) -> Path:
        """Move a whole take to `STEM.v2m`, or where that is taken to `STEM-2.v2m` …; returns its place.

        Raises:
            OutputExistsError: what stands there and is to be replaced is no take.
            OutputWriteError: it could not be moved.
        """
        self.check(stem)
        for place in self._places(stem):
            try:
                if self._overwrite and os.path.lexists(place):
                    self._move(place, self._aside())
                if not os.path.lexists(place):
                    self._move(building, place)
                    return place
            except OSError as error:
                # another process may have taken the name meanwhile: a folder is never renamed over its take
                if self._overwrite or not os.path.lexists(place):
                    raise OutputWriteError(
                        f"Cannot put the take at {place}: {error.strerror or error}."
                    ) from error
        raise AssertionError("the places never end")

    def _places(self, stem: str) -> Iterator[Path]:
        yield self.folder / f"{stem}{TAKE_SUFFIX}"
        yield from (self.folder / f"{stem}-{number}{TAKE_SUFFIX}" for number in count(2))

    def _aside(self) -> Path:
        """A name in the hidden folder that is never given again."""
        return self._hidden / str(next(self._numbers))

    def _move(self, source: Path, target: Path) -> None:
        self._moves.append((source, target))
        source.rename(target)

    def _undo(self) -> None:
        for source, target in reversed(self._moves):
            with contextlib.suppress(OSError):
                if not os.path.lexists(source):  # else the rename itself failed
                    target.rename(source)

    def _remove_made(self) -> None:
        """The folders that were made for the takes, if nothing came to lie in them."""
        for path in self._made:
            with contextlib.suppress(OSError):
                path.rmdir()
