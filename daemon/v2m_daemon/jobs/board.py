"""Where watchers look: the newest view of each job, and a bounded number of eyes on it.

A watcher that is slow misses the views in between, never the last: each holds one view at most, so neither
slow nor many watchers cost memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from v2m.errors import BusyError, UnreachableError
from v2m_daemon.jobs.view import JobView

COME_BACK_S: Final = 5.0
"""A watcher's stream lives as long as its job: seconds to minutes."""


class _Eye:
    """One watcher: the newest view that it has not seen."""

    def __init__(self) -> None:
        self.newest: JobView | None = None
        self.is_closed = False
        self._changed = asyncio.Event()

    def show(self, view: JobView) -> None:
        self.newest = view
        self._changed.set()

    def close(self) -> None:
        self.is_closed = True
        self._changed.set()

    async def look(self) -> JobView:
        while self.newest is None:
            if self.is_closed:
                raise UnreachableError("The daemon is shutting down.", hint="Watch again in a moment.")
            self._changed.clear()
            await self._changed.wait()
        view, self.newest = self.newest, None
        return view


class Board:
    """Views come in by `show`, watchers see them by `watch`."""

    def __init__(self, limit: int) -> None:
        """Nobody watches yet.

        Args:
            limit: how many may watch at once.
        """
        self._limit = limit
        self._eyes: dict[str, set[_Eye]] = {}
        self._is_closed = False

    @property
    def watchers(self) -> int:
        """How many watch."""
        return sum(map(len, self._eyes.values()))

    def show(self, view: JobView) -> None:
        """Let the watchers of a job see it as it is now."""
        for eye in self._eyes.get(view.id, ()):
            eye.show(view)

    async def watch(self, now: JobView) -> AsyncIterator[JobView]:
        """A job as it is now and whenever it changes, up to its final state.

        Raises:
            BusyError: too many watch.
            UnreachableError: the board was closed.
        """
        if self.watchers >= self._limit:
            error = BusyError(
                f"{self._limit} watchers are here already.", hint="Ask for the job now and then."
            )
            error.retry_after_s = COME_BACK_S
            raise error
        eye = _Eye()
        eye.show(now)
        if self._is_closed:
            eye.close()
        self._eyes.setdefault(now.id, set()).add(eye)
        try:
            is_final = False
            while not is_final:
                view = await eye.look()
                is_final = view.state.is_final
                yield view
        finally:
            self._leave(now.id, eye)

    def _leave(self, job_id: str, eye: _Eye) -> None:
        self._eyes[job_id].discard(eye)
        if not self._eyes[job_id]:
            del self._eyes[job_id]

    def close(self) -> None:
        """End every watching whose job is not final."""
        self._is_closed = True
        for eyes in self._eyes.values():
            for eye in eyes:
                eye.close()
