"""What a file is known by, whatever it is called and wherever it lies: a hash of its content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

WHOLE_BYTES: Final = 16 << 20
END_BYTES: Final = 1 << 20
"""Larger files are known by size, first and last mebibyte: reading camera files over a network takes minutes,
and containers keep their index, with sizes or checksums of all members, at one of the ends."""


def content_hash(path: Path) -> str:
    """SHA-256, hexadecimal, of a file or of a folder's names and files.

    Raises:
        OSError: it cannot be read.
    """
    if not path.is_dir():
        return _of_file(path)
    digest = hashlib.sha256()
    for place, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            inside = Path(place, name)
            digest.update(os.fsencode(inside.relative_to(path).as_posix()) + b"\0")
            digest.update(_of_file(inside).encode() + b"\n")
    return digest.hexdigest()


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= WHOLE_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256(str(size).encode() + file.read(END_BYTES))
        file.seek(-END_BYTES, os.SEEK_END)
        digest.update(file.read())
        return digest.hexdigest()
