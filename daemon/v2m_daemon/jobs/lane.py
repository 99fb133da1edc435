"""A thread with a connection of its own, and the asks that wait for it; answers come back to the event loop.

What has queued up while one round was under way is taken together into the next, and each round wakes the
loop once, not once for each answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

T = TypeVar("T")
Ask = Callable[[sqlite3.Connection], T]

Answers = Callable[[sqlite3.Connection, Sequence[Ask[Any]]], list[Any]]
"""The answers to some asks in their order; an exception is one that is raised where it was asked."""

MOST_AT_ONCE: Final = 256
"""Asks in one round: enough for every burst that the queue lets in, short enough to answer in time."""

_Waiting: TypeAlias = tuple[Ask[Any], asyncio.AbstractEventLoop, asyncio.Future[Any]]


class Lane:
    """Serves those who ask, in their order."""

    def __init__(self, name: str, connection: sqlite3.Connection, answers: Answers) -> None:
        """The thread runs at once.

        Args:
            name: of the thread.
            connection: from now on the thread's alone, which closes it.
            answers: does the work, and does not raise.
        """
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._serve, args=(connection, answers), name=name, daemon=True
        )  # fmt: skip
        self._thread.start()

    async def ask(self, ask: Ask[T]) -> T:
        """The answer; whoever stops waiting does not stop the ask."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.put((ask, loop, answer))
        return await answer

    def close(self) -> None:
        """Answer what was asked, then close the connection."""
        self._waiting.put(None)
        self._thread.join()

    def _serve(self, connection: sqlite3.Connection, answers: Answers) -> None:
        goes_on = True
        while goes_on:
            batch = [self._waiting.get()]
            while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get())
            goes_on = None not in batch
            waiting = [each for each in batch if each is not None]
            _tell(waiting, answers(connection, [ask for ask, _, _ in waiting]))
        connection.close()


def _tell(waiting: Sequence[_Waiting], outcomes: Sequence[Any]) -> None:
    pairs: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for (_, loop, answer), outcome in zip(waiting, outcomes, strict=True):
        pairs.setdefault(loop, []).append((answer, outcome))
    for loop, of_loop in pairs.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_settle, of_loop)


def _settle(pairs: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for answer, outcome in pairs:
        if answer.done():  # nobody waits any more
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
