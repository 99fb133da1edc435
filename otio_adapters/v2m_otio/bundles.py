"""What is inside `.otioz` and `.otiod` bundles, taken out without trusting them.

A bundle holds `content.otio` and a folder `media`; the document's references are relative to the bundle.
An `.otioz` is a zip: names are checked before anything is written, sizes are counted while it is.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from v2m.errors import DocumentError, OutputWriteError
from v2m_otio.limits import MAX_BYTES

CONTENT: Final = "content.otio"
MEDIA_FOLDER: Final = "media"
MAX_MEMBERS: Final = 10_000
MAX_RATIO: Final = 100
"""Media hardly shrink: a member that grows a hundredfold is made of nothing."""

_CHUNK_BYTES: Final = 2**20


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip; whatever its reader raises is one sentence."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise DocumentError(f"{path.name} is no readable .otioz bundle: {error}.") from error
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from error
    except KeyError as error:
        raise DocumentError(f"{path.name} is a zip without {CONTENT}, expected an .otioz bundle.") from error


def zipped_content(path: Path) -> bytes:
    """The document inside an `.otioz`.

    Raises:
        DocumentError: it is no zip, or holds no document of a sane size.
    """
    with _opened(path) as archive, archive.open(CONTENT) as stream:
        return stream.read(MAX_BYTES + 1)  # one byte too many is refused with the other limits


def unpack_media(path: Path, folder: Path) -> None:
    """Write the `media` of an `.otioz` into a folder of the caller's.

    Raises:
        DocumentError: a member's name leads out of the bundle, is a link, or unpacks to far more than it is.
        OutputWriteError: the disk has no room for it.
    """
    with _opened(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir() and _is_media(info, path.name)]
        if len(members) > MAX_MEMBERS:
            raise DocumentError(f"{path.name} holds {len(members)} media, expected at most {MAX_MEMBERS}.")
        needed, free = sum(info.file_size for info in members), shutil.disk_usage(folder).free
        if needed > free:
            raise OutputWriteError(
                f"{path.name} unpacks to {needed / 2**30:.1f} GiB, "
                f"but {folder} has {free / 2**30:.1f} GiB free.",
                hint="Free some space, or export an .otio beside its media instead of a bundle.",
            )
        for info in members:
            _unpack(archive, info, folder)


def _is_media(info: zipfile.ZipInfo, name: str) -> bool:
    parts = PurePosixPath(info.filename).parts
    if "\\" in info.filename or ":" in info.filename or ".." in parts or info.filename.startswith("/"):
        raise DocumentError(f"{name} holds a member named {info.filename!r}, which leads out of the bundle.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DocumentError(f"{name} holds a link, {info.filename!r}, expected files only.")
    if info.file_size > MAX_RATIO * info.compress_size + _CHUNK_BYTES:
        raise DocumentError(
            f"{name} holds {info.filename!r}, which unpacks to over {MAX_RATIO} times its size."
        )
    return len(parts) > 1 and parts[0] == MEDIA_FOLDER


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / info.filename
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as source, target.open("xb") as sink:
            left = info.file_size
            while chunk := source.read(min(_CHUNK_BYTES, left)):
                sink.write(chunk)
                left -= len(chunk)
    except FileExistsError as error:
        raise DocumentError(f"The bundle holds {info.filename!r} twice, expected different names.") from error
    except OSError as error:
        raise OutputWriteError(f"{target} could not be written: {os.strerror(error.errno or 0)}.") from error
