"""One piece of work at a time on a thread of its own, beside the caller's."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from v2m.errors import CancelledError
from v2m.stages import Cancel

T = TypeVar("T")

_SWITCH_S: Final = 0.0001
"""Both threads make calls of numpy that take less than the interpreter's usual 5 ms before it lets the other
go on; waiting that long for each, two threads were no faster than one after the other."""


class Beside(Generic[T]):
    """A context manager: when its block ends by an error, what runs beside is stopped and waited for."""

    def __init__(self, cancel: Cancel) -> None:
        self._asked = cancel
        self._stopped = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="v2m-beside")
        self._running: Future[T] | None = None

    def __enter__(self) -> Self:
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what still runs."""
        sys.setswitchinterval(self._switch_s)
        self._stopped.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def start(self, work: Callable[[Cancel], T]) -> None:
        """Run it; what ran before must have been collected. It is handed what tells it to stop."""
        self._running = self._thread.submit(work, self._cancel)

    def collect(self) -> list[T]:
        """What was started gave, once it is done; nothing where nothing was."""
        running, self._running = self._running, None
        return [] if running is None else [running.result()]

    def _cancel(self) -> None:
        if self._stopped.is_set():
            raise CancelledError("The work beside it failed or was stopped.")
        self._asked()
