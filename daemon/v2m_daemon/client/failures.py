"""Failed calls as errors of `v2m.errors`: the one place that knows what gRPC raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import grpc

from v2m import errors
from v2m.errors import BusyError, UnreachableError, V2MError
from v2m_daemon.server.status import DETAILS_KEY, from_details

_BARE: Final[Mapping[grpc.StatusCode, tuple[type[V2MError], str]]] = {
    grpc.StatusCode.UNAVAILABLE: (UnreachableError, "Is it running? Start it with `v2m serve`."),
    grpc.StatusCode.DEADLINE_EXCEEDED: (UnreachableError, "It may be overloaded: try again."),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (BusyError, "Come back in a moment."),
    grpc.StatusCode.UNAUTHENTICATED: (errors.UnauthenticatedError, "Check the token."),
    grpc.StatusCode.UNIMPLEMENTED: (errors.UnsupportedError, "Client and daemon differ: update the older."),
    grpc.StatusCode.CANCELLED: (UnreachableError, "It may be shutting down: try again."),
    grpc.StatusCode.DATA_LOSS: (errors.DataLossError, "Try again."),
}
"""Statuses that gRPC makes by itself, without details of ours. We never see a call that we cancelled, so one
that is cancelled was so by a server that stops."""

_TOO_LARGE: Final = "larger than max"
"""How gRPC words a message beyond its limit, for which it uses the status of a busy server."""


def error_of(failure: grpc.RpcError) -> V2MError:
    """What went wrong with a call; the daemon's own error where it sent one."""
    for key, value in failure.trailing_metadata() or ():
        if key == DETAILS_KEY and (told := from_details(value)) is not None:
            return told
    code, said = failure.code(), failure.details() or ""
    detail = f"{code.name}: {said}"
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in said:
        return errors.UsageError("The request or its answer is too large for one message.", detail=detail)
    kind, hint = _BARE.get(code, (V2MError, "Look into the daemon's log."))
    return kind(f"{_SENTENCES.get(kind, 'The daemon could not answer')}.", hint=hint, detail=detail)


_SENTENCES: Final[Mapping[type[V2MError], str]] = {
    UnreachableError: "The daemon does not answer",
    BusyError: "The daemon has too many calls to answer",
    errors.UnauthenticatedError: "The daemon did not let us in",
    errors.UnsupportedError: "The daemon does not know this call",
    errors.DataLossError: "What the daemon sent did not arrive whole",
}
