"""Media that come from other machines: whole, with the right digest, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

from v2m import errors
from v2m.errors import ConflictError, DataLossError, FieldError, OutputWriteError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon import durable
from v2m_daemon.confine import Confinement
from v2m_daemon.home import Home, make_private
from v2m_daemon.jobs.desk import SWEEP_EVERY_S, Desk

CHUNK_WITHIN_S: Final = 60.0
"""A client that sends nothing for so long has gone."""

DIGEST_BYTES: Final = 32
LONGEST_FILE_NAME: Final = 255
"""Bytes, on every file system in use."""

_COLLECTION: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_NOT_IN_NAMES: Final = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff]')
"""What some system takes for more than a name: a file may be shared with it later."""

_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Devices on Windows, with any suffix."""


class Uploads:
    """The folder of uploads of one home."""

    def __init__(self, home: Home, limit_bytes: int, keep_s: float) -> None:
        """Nothing is touched yet.

        Args:
            home: made.
            limit_bytes: the largest file that is taken.
            keep_s: how long a file is kept that nobody writes or reads.
        """
        self._keep_s = keep_s
        self._folder = home.uploads
        self._limit_bytes = limit_bytes

    async def put(self, requests: AsyncIterator[pb.PutMediaRequest]) -> pb.PutMediaResponse:
        """Take one file in.

        Raises:
            FieldError: the header makes no sense, or there is none.
            ConflictError: another file of this name is there.
            DataLossError: what came is not what the header promised.
            OutputWriteError: there is no room.
        """
        header = await self._header(requests)
        target = self._folder / (header.collection or "default") / header.name
        known = await asyncio.to_thread(_digest, target)
        if known is None:
            await self._receive(requests, header, target)
        elif known != header.sha256:
            raise ConflictError(
                f"Another file called {header.name} is in the collection {target.parent.name}.",
                hint="Send it under another name, or into another collection.",
            )
        return pb.PutMediaResponse(path=str(target), sha256=header.sha256, size_bytes=header.size_bytes)

    async def _header(self, requests: AsyncIterator[pb.PutMediaRequest]) -> pb.MediaHeader:
        first = await _next(requests)
        if first is None or first.WhichOneof("part") != "header":
            raise FieldError("The first message of an upload holds its header.", detail="header")
        header = first.header
        _check_name(header.name)
        if header.collection and not _COLLECTION.fullmatch(header.collection):
            raise FieldError(
                f"{header.collection!r:.100} is no collection, expected up to 64 letters, digits, -, _ and .",
                detail="collection",
            )
        if len(header.sha256) != DIGEST_BYTES:
            raise FieldError(
                f"sha256 has {len(header.sha256)} bytes, expected {DIGEST_BYTES}.", detail="sha256"
            )
        if not 0 <= header.size_bytes <= self._limit_bytes:
            raise FieldError(
                f"size_bytes is {header.size_bytes}, expected 0 to {self._limit_bytes}.", detail="size_bytes"
            )
        return header

    async def _receive(
        self, requests: AsyncIterator[pb.PutMediaRequest], header: pb.MediaHeader, target: Path
    ) -> None:
        make_private(target.parent)
        free = shutil.disk_usage(target.parent).free
        if header.size_bytes > free:
            raise OutputWriteError(f"{header.name} has {header.size_bytes} bytes, there is room for {free}.")
        handle, name = tempfile.mkstemp(durable.TEMPORARY_SUFFIX, durable.TEMPORARY_PREFIX, target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                await _copy(requests, header, file)
                await asyncio.to_thread(os.fsync, file.fileno())
            await asyncio.to_thread(durable.replace, Path(name), target)
        except OSError as error:
            raise OutputWriteError(f"Cannot write {target}: {error.strerror or error}.") from error
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name)

    async def attend(self, _desk: Desk, _confinement: Confinement) -> None:
        """Remove now and then what is old, as an attendant of the server."""
        while True:
            await asyncio.to_thread(self.forget)
            await asyncio.sleep(SWEEP_EVERY_S)

    def forget(self) -> None:
        """Remove what nobody has written or read for long."""
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                found = path.stat()
                if time.time() - max(found.st_mtime, found.st_atime) > self._keep_s:
                    path.unlink()

    def remove_left_over(self) -> None:
        """Remove what a daemon that is no more was writing; only before the first `put`."""
        for path in self._folder.glob(f"*/{durable.TEMPORARY_PREFIX}*{durable.TEMPORARY_SUFFIX}"):
            with contextlib.suppress(OSError):
                path.unlink()


async def _copy(requests: AsyncIterator[pb.PutMediaRequest], header: pb.MediaHeader, file: BinaryIO) -> None:
    digest, size = hashlib.sha256(), 0
    while (request := await _next(requests)) is not None:
        if request.WhichOneof("part") != "chunk":
            raise FieldError("After the header only chunks are expected.", detail="part")
        size += len(request.chunk)
        if size > header.size_bytes:
            break
        digest.update(request.chunk)
        await asyncio.to_thread(file.write, request.chunk)
    file.flush()
    if size != header.size_bytes or digest.digest() != header.sha256:
        raise DataLossError(
            f"{header.name} did not arrive as it was sent: {size} of {header.size_bytes} bytes came.",
            hint="Send it again.",
        )


async def _next(requests: AsyncIterator[pb.PutMediaRequest]) -> pb.PutMediaRequest | None:
    try:
        async with asyncio.timeout(CHUNK_WITHIN_S):
            return await anext(requests, None)
    except TimeoutError:
        raise errors.UnreachableError(f"Nothing was sent for {CHUNK_WITHIN_S:g} s.") from None


def _check_name(name: str) -> None:
    wrong = (
        not name
        or len(name.encode(errors="replace")) > LONGEST_FILE_NAME
        or _NOT_IN_NAMES.search(name)
        or _RESERVED.fullmatch(name)
        or name.startswith(".")  # hidden, "..", or a file that is being written
        or name.endswith((".", " "))  # which Windows drops
    )
    if wrong:
        raise FieldError(f"{name!r:.100} is no name for a file.", detail="name", hint="Such as city.mov.")


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except FileNotFoundError:
        return None
