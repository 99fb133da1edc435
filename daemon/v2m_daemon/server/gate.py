"""A full queue, told to a crowd before its requests are read: a refusal is cheaper then.

A job that is asked for again takes no place and must be answered even where there is none left, so a call is
sent back here only if it says of itself that it is asked for the first time.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Final

import grpc

from v2m.errors import V2MError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon.access import IS_NEW
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.server.guard import Context, end

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["ScoringService"]
SUBMITS: Final = frozenset(
    f"/{_SERVICE.full_name}/{method.name}"
    for method in _SERVICE.methods
    if "submission" in method.input_type.fields_by_name
)
"""The methods that make a job, as calls name them."""


class Gate(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Stands before the service and answers in its place where there is nothing to be had."""

    def __init__(self, desk: Desk) -> None:
        """The desk says whether there is a place."""
        self._desk = desk

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler that sends a call back; None for one that may go on to the service."""
        if details.method not in SUBMITS:
            return None
        if not is_new(details.invocation_metadata) or (refusal := self._desk.refusal()) is None:
            return None
        # a stream that reads nothing: a method with one request would wait for it first
        return grpc.stream_stream_rpc_method_handler(functools.partial(_send_back, refusal))


def is_new(metadata: Iterable[tuple[str, Any]] | None) -> bool:
    """Whether a call says that its job was not asked for before."""
    return any(key == IS_NEW for key, _ in metadata or ())


async def _send_back(refusal: V2MError, _requests: Any, context: Context) -> None:  # noqa: ANN401
    end(context, refusal)
