"""Errors on the wire: one table from every class of `v2m.errors` to a gRPC status, and back.

Conventions: the status message is the error's sentence. Its details (google.rpc) are always an ErrorInfo with
domain "v2m", the error's code as reason, and message, hint and detail in the metadata; for a bad field also a
BadRequest, for a full queue a RetryInfo.
Sources: google.rpc.Code says which code means what; AIP-193 how details are laid out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from v2m import errors
from v2m.errors import BusyError, FieldError, V2MError, error_from_dict

DOMAIN: Final = "v2m"
DETAILS_KEY: Final = "grpc-status-details-bin"
"""The trailing metadata in which gRPC carries a google.rpc.Status."""

STATUS: Final[Mapping[type[V2MError], grpc.StatusCode]] = {
    errors.V2MError: grpc.StatusCode.INTERNAL,
    errors.UsageError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.FieldError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.ConflictError: grpc.StatusCode.ALREADY_EXISTS,
    errors.InputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.DocumentError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.MediaError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.CheckpointError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnknownJobError: grpc.StatusCode.NOT_FOUND,
    errors.PathRefusedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.UnfinishedError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OutputExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.OutputWriteError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.MissingPartError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OutOfMemoryError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.WorkerLostError: grpc.StatusCode.INTERNAL,
    errors.BusyError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnreachableError: grpc.StatusCode.UNAVAILABLE,
    errors.AlreadyRunningError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.UnsupportedError: grpc.StatusCode.UNIMPLEMENTED,
    errors.DataLossError: grpc.StatusCode.DATA_LOSS,
    errors.CancelledError: grpc.StatusCode.CANCELLED,
}
"""Every class by itself, none by inheritance: a new one has to be thought about."""

LONGEST_PART: Final = 600
"""Bytes of a message, hint or detail: trailers hold 8 KiB, into which six such parts go, base64 and
percent signs included."""


def encoded(error: V2MError) -> tuple[str, bytes]:
    """The message and the details of an error as they travel; made once for a crowd that hears the same."""
    said = [_short(text) for text in (error.message, error.hint, error.detail)]
    return _encoded(error.code, *said, error.retry_after_s if isinstance(error, BusyError) else 0.0)


@lru_cache(maxsize=64)
def _encoded(code: str, message: str, hint: str, detail: str, retry_after_s: float) -> tuple[str, bytes]:
    error = error_from_dict({"code": code, "message": message, "hint": hint, "detail": detail})
    if isinstance(error, BusyError):
        error.retry_after_s = retry_after_s
    status = to_status(error)
    return status.message, status.SerializeToString()


def to_status(error: V2MError) -> status_pb2.Status:
    """The error as google.rpc.Status, with its details."""
    info = {name: _short(text) for name, text in error.as_dict().items() if text and name != "code"}
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.code, domain=DOMAIN, metadata=info)]
    if isinstance(error, FieldError):
        details.append(_bad_request(error))
    if isinstance(error, BusyError):
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(round(error.retry_after_s * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = [any_pb2.Any() for _ in details]
    for box, detail in zip(packed, details, strict=True):
        box.Pack(detail)
    code = STATUS[type(error)].value[0]
    return status_pb2.Status(code=code, message=_short(error.sentence()), details=packed)


def _bad_request(error: FieldError) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation(
        field=_short(error.detail), description=_short(error.message)
    )
    return error_details_pb2.BadRequest(field_violations=[violation])


def _short(text: str) -> str:
    return text.encode(errors="replace")[:LONGEST_PART].decode(errors="ignore")


def from_details(data: bytes) -> V2MError | None:
    """The error whose status arrived as the bytes of `DETAILS_KEY`; None where they are no error of ours."""
    try:
        status = status_pb2.Status.FromString(data)
    except DecodeError:
        return None
    found: V2MError | None = None
    for box in status.details:
        info = error_details_pb2.ErrorInfo()
        if box.Unpack(info) and info.domain == DOMAIN:
            found = error_from_dict({"code": info.reason, **info.metadata})
    for box in status.details:
        retry = error_details_pb2.RetryInfo()
        if isinstance(found, BusyError) and box.Unpack(retry):
            found.retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    return found
