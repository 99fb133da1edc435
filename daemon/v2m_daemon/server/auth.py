"""No call without the token: health, reflection and calls that do not exist included."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc

from v2m.errors import UnauthenticatedError
from v2m_daemon.access import HEADER, bearer
from v2m_daemon.server.guard import abort


class Door(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Lets pass who knows the token; services stand behind it, and nothing beside it at the server.

    An interceptor would do the same for a sixth more of the processor a call.
    """

    def __init__(self, token: str) -> None:
        """The token does not change while the daemon runs."""
        self._expected = bearer(token).encode()
        self._refusal = grpc.stream_stream_rpc_method_handler(_refuse)
        self._behind: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Called by generated code, which takes the door for the server."""
        self._behind += handlers

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Called by generated code beside the other, with the same handlers: nothing is left to do."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of a call, or the one that refuses; None where there is no such call."""
        given = [value for key, value in details.invocation_metadata or () if key == HEADER]
        # all are compared, in constant time: neither their number nor their beginning tells anything
        known = [hmac.compare_digest(_bytes(value), self._expected) for value in given]
        if not (len(known) == 1 and known[0]):
            return self._refusal
        for each in self._behind:
            if (handler := each.service(details)) is not None:
                return handler
        return None


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode(errors="surrogateescape")


async def _refuse(_requests: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:  # noqa: ANN401
    """Answers a call of whatever kind before it has said anything."""
    error = UnauthenticatedError(
        "The token is missing or wrong.",
        hint="Send the text of the file `token` in the daemon's home as `authorization: Bearer TOKEN`.",
    )
    await abort(context, error)
    yield b""  # never: it makes this a stream
