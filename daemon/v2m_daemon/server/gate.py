"""A full queue, told to a crowd before its requests are read: a refusal is cheaper then.

A job that is asked for again takes no place and must be answered even where there is none left, so a call is
sent back here only if it says of itself that it is asked for the first time.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import grpc

from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon.access import IS_NEW
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.server.guard import Context
from v2m_daemon.server.status import DETAILS_KEY, STATUS, encoded

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
        is_new = any(key == IS_NEW for key, _ in details.invocation_metadata or ())
        if not is_new or (refusal := self._desk.refusal()) is None:
            return None
        return _sender_back(STATUS[type(refusal)], *encoded(refusal))


@functools.lru_cache(maxsize=16)
def _sender_back(code: grpc.StatusCode, message: str, details: bytes) -> grpc.RpcMethodHandler:
    """A stream that reads nothing: a method with one request would wait for it first."""

    async def send_back(_requests: Any, context: Context) -> None:  # noqa: ANN401
        # without an exception, as abort would raise, for which a crowd would pay
        context.set_code(code)
        context.set_details(message)
        context.set_trailing_metadata(((DETAILS_KEY, details),))

    return grpc.stream_stream_rpc_method_handler(send_back)
