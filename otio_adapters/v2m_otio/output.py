"""Files that are whole or absent: written beside their place, made durable, then moved into it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from v2m.errors import OutputExistsError, OutputWriteError


def write_whole(path: Path, content: str | bytes, *, overwrite: bool) -> None:
    """Write a file, text as UTF-8; on any failure nothing of it is left and what stood there still stands.

    Raises:
        OutputExistsError: something stands at the path and `overwrite` is not set.
        OutputWriteError: the folder is missing or not writable, the disk is full.
    """
    if os.path.lexists(path) and not overwrite:
        raise _exists(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise _failed(path, error) from error
    staged = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        staged.chmod(0o666 & ~_umask())
        _move(staged, path, overwrite=overwrite)
        _sync_folder(path.parent)
    except OSError as error:
        raise _failed(path, error) from error
    finally:
        staged.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _move(staged: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        staged.replace(path)
        return
    try:
        os.link(staged, path)  # unlike a rename, it fails where a file has appeared meanwhile
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise _exists(path) from None
        staged.rename(path)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle of a folder to be synced
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(f"{path} exists already.", hint="Choose another name, or allow overwriting.")


def _failed(path: Path, error: OSError) -> OutputWriteError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return OutputWriteError(
        f"{path} could not be written: {reason}.", hint="Check the folder and free space."
    )
