"""Around every method of ours: errors become statuses, bugs too, and calls have an end."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc

from v2m.errors import V2MError
from v2m_daemon.server.status import DETAILS_KEY, STATUS, encoded

T = TypeVar("T")
Context: TypeAlias = grpc.aio.ServicerContext
Unary = Callable[[Any, Any, Context], Awaitable[T]]
Stream = Callable[[Any, Any, Context], AsyncIterator[T]]

log = logging.getLogger(__name__)


async def abort(context: Context, error: V2MError) -> NoReturn:
    """End a call with an error, its details in the trailers."""
    message, details = encoded(error)
    await context.abort(STATUS[type(error)], message, trailing_metadata=((DETAILS_KEY, details),))
    raise AssertionError("abort raises")


def answered(method: Unary[T]) -> Unary[T]:
    """A method that answers one request, within the service's `answer_within_s`."""

    @functools.wraps(method)
    async def bounded(self: Any, request: Any, context: Context) -> T:  # noqa: ANN401
        try:
            async with asyncio.timeout(self.answer_within_s):
                return await method(self, request, context)
        except TimeoutError:
            await context.abort(
                grpc.StatusCode.DEADLINE_EXCEEDED, f"There was no answer within {self.answer_within_s:g} s."
            )
            raise AssertionError("abort raises") from None

    return collected(bounded)


def collected(method: Unary[T]) -> Unary[T]:
    """A method with one answer, which comes when the client has sent everything."""

    @functools.wraps(method)
    async def guarded(self: Any, request: Any, context: Context) -> T:  # noqa: ANN401
        error: V2MError
        try:
            return await method(self, request, context)
        except grpc.aio.AbortError:
            raise
        except V2MError as raised:
            error = raised
        except Exception as raised:
            error = _unexpected(raised, method.__name__)
        await abort(context, error)

    return guarded


def streamed(method: Stream[T]) -> Stream[T]:
    """A method with many answers, which come while the job or the file lasts."""

    @functools.wraps(method)
    async def guarded(self: Any, request: Any, context: Context) -> AsyncIterator[T]:  # noqa: ANN401
        error: V2MError | None = None
        try:
            async for answer in method(self, request, context):
                yield answer
        except V2MError as raised:
            error = raised
        except Exception as raised:
            error = _unexpected(raised, method.__name__)
        if error is not None:
            await abort(context, error)

    return guarded


def _unexpected(error: Exception, method: str) -> V2MError:
    log.exception("%s broke", method, exc_info=error)
    return V2MError(
        f"Something went wrong inside v2m: {type(error).__name__}: {error}.",
        hint="Please report it with the daemon's log.",
    )
