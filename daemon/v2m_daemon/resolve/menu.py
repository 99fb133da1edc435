"""V2M's entries in Resolve's menu on this machine: written, found stale, removed.

A file that does not begin as ours do is the user's, whatever its name; it is neither replaced nor removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from v2m.errors import OutputExistsError, OutputWriteError
from v2m_daemon import durable
from v2m_daemon.resolve.scripts import MENU, SIGN, Addresses, addressed, shipped

State = Literal["current", "stale", "foreign"]

_MUSIC: Final = re.compile(r' music = "[^"]*",')

EDITIONS: Final = (
    "The scripts are Lua and work in free Resolve and in Studio; only Studio shows their window and runs the "
    "Python variant: on free, a marker named V2M holds the words."
)
"""Free against Studio in one sentence."""


@dataclass(frozen=True)
class Entry:
    """A file of the menu that is there."""

    path: Path
    state: State
    """current: what would be written now, wherever its music lies; stale: of another version or for another
    home; foreign: not ours."""


def install(folder: Path, addresses: Addresses) -> tuple[Path, ...]:
    """Write all entries into a script folder.

    Raises:
        OutputExistsError: a file of the user's own has the name of one.
        OutputWriteError: the folder may not be written.
    """
    for entry in entries(folder, addresses):
        if entry.state == "foreign":
            raise OutputExistsError(
                f"{entry.path} is no script of V2M's.", hint="Rename it, and install again."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputWriteError(
            f"The script folder {folder} cannot be made: a file is in its place.",
            hint="Name a folder with --to, or move the file away.",
        ) from error
    except OSError as error:
        raise _denied(folder, error.strerror or str(error)) from error
    for name in MENU:
        try:
            durable.write_whole(
                folder / f"{name}.lua", addressed(shipped(name), addresses).encode(), mode=0o644
            )
        except OutputWriteError as error:
            raise _denied(folder, str(error)) from error
    return tuple(folder / f"{name}.lua" for name in MENU)


def entries(folder: Path, addresses: Addresses) -> Iterator[Entry]:
    """What is in a script folder under our names."""
    for name in MENU:
        path = folder / f"{name}.lua"
        try:
            text = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if not text.startswith(SIGN):
            yield Entry(path, "foreign")
        else:
            is_current = _anywhere(text) == _anywhere(addressed(shipped(name), addresses))
            yield Entry(path, "current" if is_current else "stale")


def remove(folder: Path) -> tuple[Path, ...]:
    """Remove our entries from a script folder; what is not ours stays.

    Raises:
        OutputWriteError: the folder may not be written.
    """
    ours = [entry.path for entry in entries(folder, Addresses()) if entry.state != "foreign"]
    for path in ours:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _denied(folder, error.strerror or str(error)) from error
    return tuple(ours)


def _anywhere(text: str) -> str:
    """A script without the music's folder, which the user chooses."""
    return _MUSIC.sub("", text, count=1)


def _denied(folder: Path, why: str) -> OutputWriteError:
    return OutputWriteError(
        f"The script folder {folder} cannot be written: {why.rstrip('.')}.",
        hint="Install for yourself with --user, or run this command as administrator.",
    )
