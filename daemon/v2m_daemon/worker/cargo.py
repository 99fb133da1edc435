"""The files of a folder on their way to another machine and back: chunks with digests, whole or not at all.

Conventions: a file is known by its path relative to the folder, with slashes; a manifest maps these to the
SHA-256 of their bytes. Only paths inside the folder are ever read or written, whatever the other side says.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from v2m.errors import DataLossError, OutputWriteError, PathRefusedError
from v2m_daemon import durable

CHUNK_BYTES: Final = 4 << 20
"""A minute of stems takes 40 MB; a chunk is small beside that and large beside the call it comes in."""


def manifest(folder: Path) -> dict[str, str]:
    """Every file of a folder; hidden ones and those still being written are left out."""
    files = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_unfinished(name)]
        for name in names:
            path = Path(place, name)
            if not _is_unfinished(name) and path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                files[path.relative_to(folder).as_posix()] = digest
    return files


def read_chunk(folder: Path, name: str, offset: int) -> bytes:
    """The bytes of a file from an offset on, a chunk at most; empty at its end.

    Raises:
        PathRefusedError: the name leads out of the folder.
        DataLossError: the file is not there.
    """
    try:
        with inside(folder, name).open("rb") as file:
            file.seek(offset)
            return file.read(CHUNK_BYTES)
    except OSError as error:
        raise DataLossError(f"{name} cannot be read: {error.strerror or error}.") from error


class Receiver:
    """Takes one file in, chunk by chunk; it comes to stand there when its digest is right.

    Args:
        folder: gets the file.
        name: its path there.
        digest: SHA-256 of what it must hold.
    """

    def __init__(self, folder: Path, name: str, digest: str) -> None:
        self._name = name
        self._digest = digest
        self._target = inside(folder, name)
        self._partial = self._target.with_name(
            f"{durable.TEMPORARY_PREFIX}{self._target.name}{durable.TEMPORARY_SUFFIX}"
        )
        self._hash = hashlib.sha256()
        self._begun = False

    def add(self, chunk: bytes) -> None:
        """The next bytes.

        Raises:
            OutputWriteError: the disk is full.
        """
        self._hash.update(chunk)
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            with self._partial.open("ab" if self._begun else "wb") as file:
                file.write(chunk)
        except OSError as error:
            self._partial.unlink(missing_ok=True)
            raise OutputWriteError(f"Cannot write {self._target}: {error.strerror or error}.") from error
        self._begun = True

    def close(self) -> None:
        """The file is complete.

        Raises:
            DataLossError: its bytes are not those that were sent; nothing of it is left.
        """
        if not self._begun:
            self.add(b"")
        if self._hash.hexdigest() != self._digest:
            self._partial.unlink(missing_ok=True)
            raise DataLossError(f"{self._name} did not arrive as it was sent.", hint="Try again.")
        try:
            durable.sync_file(self._partial)
            durable.replace(self._partial, self._target)
        except OSError as error:
            raise OutputWriteError(f"Cannot write {self._target}: {error.strerror or error}.") from error


def entries(wanted: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """A manifest by what stands directly in the folder: a file by itself, or a folder with all its files."""
    found: dict[str, dict[str, str]] = {}
    for name in sorted(wanted):
        found.setdefault(PurePosixPath(name).parts[0], {})[name] = wanted[name]
    return found


def inside(folder: Path, name: str) -> Path:
    """The path that a name means in a folder.

    Raises:
        PathRefusedError: it leads out of it.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in ("..", "") or "\\" in part for part in parts):
        raise PathRefusedError(f"{name!r} leads out of the job's folder.")
    return folder.joinpath(*parts)


def _is_unfinished(name: str) -> bool:
    return name.startswith((".", "building-"))
