"""A full queue, told to a crowd before its requests are read: a refusal is cheaper then.

A job that is asked for again takes no place and must be answered even where there is none left, so a call is
sent back here only if it says of itself that it is asked for the first time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import grpc

from v2m.errors import BusyError
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
        self._told: tuple[str, float] | None = None
        self._send_back = _sender_back(BusyError(""))

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler that sends a call back; None for one that may go on to the service."""
        if details.method not in SUBMITS or not is_new(details.invocation_metadata):
            return None
        refusal = self._desk.refusal()
        if not isinstance(refusal, BusyError):
            return None  # a daemon that shuts down says so itself
        told = (refusal.message, refusal.retry_after_s)
        if told != self._told:  # a crowd hears the same
            self._told, self._send_back = told, _sender_back(refusal)
        return self._send_back


def is_new(metadata: Iterable[tuple[str, Any]] | None) -> bool:
    """Whether a call says that its job was not asked for before."""
    for key, _ in metadata or ():  # noqa: SIM110 - of a crowd each call comes here
        if key == IS_NEW:
            return True
    return False


def _sender_back(error: BusyError) -> grpc.RpcMethodHandler:
    """A stream that reads nothing: a method with one request would wait for it first."""
    message, details = encoded(error)
    code, trailers = STATUS[type(error)], ((DETAILS_KEY, details),)

    async def send_back(_requests: Any, context: Context) -> None:  # noqa: ANN401
        # without an exception, as abort would raise, for which a crowd would pay
        context.set_code(code)
        context.set_details(message)
        context.set_trailing_metadata(trailers)

    return grpc.stream_stream_rpc_method_handler(send_back)
