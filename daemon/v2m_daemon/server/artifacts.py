"""Files that jobs made, sent in pieces with their digest."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from v2m.errors import DataLossError, FieldError, UnknownJobError
from v2m.rpc.v1 import scoring_pb2 as pb

CHUNK_BYTES: Final = 512 << 10
"""Larger pieces are hardly faster, and hold up other calls of the connection."""


async def send_file(path: Path, offset_bytes: int) -> AsyncIterator[pb.GetArtifactResponse]:
    """Header, chunks from an offset on, trailer with the digest of the whole.

    Raises:
        FieldError: the offset lies outside the file.
        UnknownJobError: the file has gone.
        DataLossError: it changed while it was sent.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnknownJobError(f"{path.name} cannot be read any more: {error.strerror}.") from error
    with file:
        size = os.fstat(file.fileno()).st_size
        if not 0 <= offset_bytes <= size:
            raise FieldError(f"offset_bytes is {offset_bytes}, expected 0 to {size}.", detail="offset_bytes")
        yield pb.GetArtifactResponse(header=pb.ArtifactHeader(size_bytes=size))
        digest, position = hashlib.sha256(), 0
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            digest.update(chunk)
            wanted = chunk[max(0, offset_bytes - position) :]
            position += len(chunk)
            if wanted:
                yield pb.GetArtifactResponse(chunk=wanted)
        if position != size:
            raise DataLossError(f"{path.name} changed while it was sent.", hint="Ask for it again.")
        yield pb.GetArtifactResponse(trailer=pb.ArtifactTrailer(sha256=digest.digest()))
