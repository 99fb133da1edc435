"""Files that are whole or absent, whatever is switched off in between.

The order is that of containerd's content store and of Syncthing: write a hidden file beside the place, fsync
it, rename it, fsync the folder. Until the rename nobody sees the new bytes; after the folder's fsync nobody
can lose them. Every durable step of the daemon on files goes through these functions.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from v2m.errors import OutputWriteError

TEMPORARY_PREFIX = ".v2m-"
TEMPORARY_SUFFIX = ".part"
"""Files that begin and end so were being written; one from before the daemon's start may be deleted."""


_CANNOT_SYNC_FOLDERS: Final = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What network mounts and some FUSE file systems answer, which keep their names on another machine; see
fsync(2)."""


def write_whole(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put bytes at a path: readers see the old file or the new one, and the new one stays.

    Raises:
        OutputWriteError: disk full, folder not writable; nothing is left behind.
    """
    try:
        handle, name = tempfile.mkstemp(TEMPORARY_SUFFIX, TEMPORARY_PREFIX, path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                if mode != 0o600:  # what mkstemp gives
                    os.chmod(name, mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise OutputWriteError(
            f"Cannot write {path}: {error.strerror or error}.", hint="Make room or check the folder's rights."
        ) from error


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Put a value as JSON at a path; see `write_whole`."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n")


def replace(source: Path, target: Path) -> None:
    """Rename within a file system, over a file that is there, and make it stay.

    Raises:
        OSError: as of the system.
    """
    os.replace(source, target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def sync_file(path: Path) -> None:
    """Make a file's bytes stay.

    Raises:
        OSError: as of the system.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder stay; Windows does so by itself.

    Raises:
        OSError: as of the system.
    """
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Make everything below a folder stay, the folder's own names included."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync_file(Path(place, name))
        sync_folder(Path(place))
