"""When to look again: at once where the system tells of a change, else after a while.

Events are only a bell. What happened is always seen by looking, for events are lost when many come at once,
when a share drops, and on every file system that other machines write to.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)


class Wake:
    """The bell of one folder."""

    def __init__(self, folder: Path, *, inside: bool = False) -> None:
        """Nothing rings before `listen`.

        Args:
            folder: whose changes ring.
            inside: whether changes in its folders ring too.
        """
        self._folder = folder
        self._inside = inside
        self._bell = asyncio.Event()
        self._observer: BaseObserver | None = None

    @property
    def hears(self) -> bool:
        """Whether the system tells of changes."""
        return self._observer is not None

    def listen(self) -> None:
        """Have the system ring; where it cannot, `wait` ends only by its time."""
        if self._observer is not None:
            return
        loop = asyncio.get_running_loop()

        def ring() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._bell.set)

        try:
            self._observer = _observe(self._folder, ring, inside=self._inside)
        except Exception as error:  # no library, no such folder, no more watches to be had
            log.info("%s is looked at by polling: %s", self._folder, error)

    def deafen(self) -> None:
        """Stop listening; `listen` may begin anew, as it must when a share came back."""
        observer, self._observer = self._observer, None
        if observer is not None:
            with contextlib.suppress(Exception):  # its folder is gone
                observer.stop()

    async def wait(self, longest_s: float) -> None:
        """Until something changed, at most so long."""
        # not wait_for: before Python 3.12 it forgets to be cancelled when the bell rings in the same moment
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._bell.wait()
        self._bell.clear()


def _observe(folder: Path, ring: Callable[[], None], *, inside: bool) -> BaseObserver:
    from watchdog.observers import Observer

    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # it complains of being stopped
    observer = Observer()
    observer.daemon = True
    bell: Any = _Bell(ring)  # a handler by what it does
    observer.schedule(bell, str(folder), recursive=inside)
    observer.start()
    return observer


class _Bell:
    """Rings for whatever changes a file; that somebody reads one is no change."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def dispatch(self, event: Any) -> None:  # noqa: ANN401 - of many classes
        """What an observer calls with every event."""
        if event.event_type in ("created", "modified", "moved", "deleted", "closed"):
            self._ring()
