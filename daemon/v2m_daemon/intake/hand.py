"""One thread that touches a folder's files, so that a share which hangs stops nothing but its own folder.

A pool's threads are waited for when the process ends; this one is not: a read from a dead NFS server may
never return, and the daemon must still shut down in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_Task = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Hand:
    """Does one thing after the other."""

    def __init__(self, name: str) -> None:
        """The thread starts at once and ends with `close`, or with the process."""
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=f"v2m-{name}", daemon=True).start()

    async def do(self, task: Callable[[], T]) -> T:
        """What a function returns or raises, called in the thread."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._tasks.put((task, loop, answer))
        return await answer

    def close(self) -> None:
        """Do nothing more; what is under way is not waited for."""
        self._tasks.put(None)

    def _work(self) -> None:
        while (item := self._tasks.get()) is not None:
            task, loop, answer = item
            try:
                result, error = task(), None
            except Exception as caught:
                result, error = None, caught
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_settle, answer, result, error)


def _settle(answer: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if answer.done():  # nobody waits any more
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
