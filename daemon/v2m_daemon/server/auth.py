"""No call without the token: health, reflection and calls that do not exist included."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from v2m.errors import UnauthenticatedError
from v2m_daemon.access import HEADER, bearer
from v2m_daemon.server.guard import abort

Continue = Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]]


class TokenInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """Lets pass who knows the token."""

    def __init__(self, token: str) -> None:
        """The token does not change while the daemon runs."""
        self._expected = bearer(token).encode()
        self._refusal = grpc.stream_stream_rpc_method_handler(_refuse)

    async def intercept_service(
        self, continuation: Continue, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler:
        """The handler of a call, or the one that refuses."""
        given = [value for key, value in details.invocation_metadata or () if key == HEADER]
        # all are compared, in constant time: neither their number nor their beginning tells anything
        known = [hmac.compare_digest(_bytes(value), self._expected) for value in given]
        if len(known) == 1 and known[0]:
            return await continuation(details)
        return self._refusal


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
