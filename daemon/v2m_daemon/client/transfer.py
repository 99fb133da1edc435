"""Files to and from a daemon on another machine: in pieces, each file under its digest.

Conventions: what arrives is whole or absent; a download that breaks off goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import grpc

from v2m.errors import (
    DataLossError,
    InputError,
    OutputExistsError,
    OutputWriteError,
    UnreachableError,
    V2MError,
)
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon import durable
from v2m_daemon.client.failures import error_of
from v2m_daemon.client.link import Link
from v2m_daemon.client.patience import Patience

CHUNK_BYTES: Final = 512 << 10
"""Half of what the contract allows: larger ones are hardly faster."""

SLOWEST_BYTES_PER_S: Final = 64 << 10
"""A transfer that is slower than half a megabit a second is taken for stuck."""

START_S: Final = 60.0
"""What an upload may take besides: the daemon reads a file that is there whole before it answers."""

SLICE_S: Final = 600.0
"""A download goes on in a new call after so long, and a connection that hangs is noticed by then."""

Report = Callable[[float], None]
"""Called with the fraction that is done."""


def ignore(_fraction: float) -> None:
    """Report nothing."""


def upload(
    link: Link, path: Path, name: str, collection: str, patience_s: float, report: Report = ignore
) -> str:
    """Send a file; one that is there already is not sent again.

    Returns:
        Where it lies on the daemon's machine.

    Raises:
        InputError: it cannot be read.
        V2MError: what the daemon answered, or that it did not.
    """
    header = _header(path, name, collection)
    patience = Patience(patience_s)
    while True:
        invoke, metadata = link.method("PutMedia")
        try:
            parts = _parts(path, header, report)
            answer = invoke(
                parts, timeout=START_S + header.size_bytes / SLOWEST_BYTES_PER_S, metadata=metadata
            )
        except grpc.RpcError as failure:
            error = error_of(failure)
        else:
            _check(name, answer.sha256, header.sha256)
            report(1.0)
            return str(answer.path)
        link.wait_after(error, patience)


def _header(path: Path, name: str, collection: str) -> pb.MediaHeader:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", hint="Check the path.") from error
    collection = collection or f"sha256-{digest.hex()[:40]}"  # of 64 characters that there is room for
    return pb.MediaHeader(name=name, collection=collection, size_bytes=size, sha256=digest)


def _parts(path: Path, header: pb.MediaHeader, report: Report) -> Iterator[pb.PutMediaRequest]:
    yield pb.PutMediaRequest(header=header)
    sent = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield pb.PutMediaRequest(chunk=chunk)
            sent += len(chunk)
            report(min(1.0, sent / max(1, header.size_bytes)))


def download(
    link: Link, job_id: str, name: str, target: Path, patience_s: float, *, overwrite: bool = False
) -> None:
    """Take a file of a job.

    Raises:
        OutputExistsError: something is at `target`, and it is not to be replaced.
        OutputWriteError: it cannot be written; nothing is left behind.
        DataLossError: what came is not what the daemon has.
        V2MError: what the daemon answered, or that it did not.
    """
    if not overwrite and os.path.lexists(target):
        raise OutputExistsError(f"{target} is there already.", hint="Use --overwrite or another folder.")
    # made by name, for mkstemp would close the file to others whom the user's umask lets read
    temporary = target.with_name(
        f"{durable.TEMPORARY_PREFIX}{secrets.token_hex(8)}{durable.TEMPORARY_SUFFIX}"
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                _receive(link, pb.GetArtifactRequest(job_id=job_id, name=name), file, Patience(patience_s))
                file.flush()
                os.fsync(file.fileno())
            durable.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputWriteError(
            f"Cannot write {target}: {error.strerror or error}.",
            hint="Make room or check the folder's rights.",
        ) from error


def _receive(link: Link, request: pb.GetArtifactRequest, file: BinaryIO, patience: Patience) -> None:
    digest = hashlib.sha256()
    while True:
        request.offset_bytes = file.tell()
        error: V2MError = UnreachableError(f"{request.name} broke off.", hint="Try again.")
        try:
            for answer in link.stream("GetArtifact", request, deadline_s=SLICE_S):
                if answer.WhichOneof("part") == "chunk":
                    file.write(answer.chunk)
                    digest.update(answer.chunk)
                    patience.renew()
                elif answer.WhichOneof("part") == "trailer":
                    _check(request.name, digest.digest(), answer.trailer.sha256)
                    return
        except UnreachableError as lost:
            error = lost
        link.wait_after(error, patience)


def _check(name: str, came: bytes, sent: bytes) -> None:
    if came != sent:
        raise DataLossError(f"{name} did not arrive as it was sent.", hint="Try again.")
