"""Looks at the files that jobs name, away from the event loop, at those of many jobs in one go.

To wake a thread for each job costs far more than the look itself, and a crowd pays for it. A look may also
hang, at a share that is gone: then those behind it go on in another thread after `PATIENCE_S`, and it waits
for its disk alone. Threads here are nobody's pool, so that one that hangs keeps nothing else from its work,
nor the process from its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from v2m_daemon.jobs.spec import JobSpec

PATIENCE_S: Final = 0.25
"""For all looks of one round: on a disk that is there each takes microseconds."""

GATHER_S: Final = 0.003
"""After a round, until the next: in a crowd many come meanwhile. One that comes alone does not wait."""

MOST_HANGING: Final = 8
"""Threads that may wait for disks; with so many the others wait as well, until one is back."""

Look = Callable[[JobSpec], JobSpec]


_Waiting: TypeAlias = tuple[JobSpec, asyncio.Future[JobSpec]]


@dataclass
class _Round:
    """Some looks, one after the other."""

    waiting: list[_Waiting]
    over: asyncio.Future[None]
    found: list[JobSpec | Exception] = field(default_factory=list)
    is_left: bool = False
    """Nobody waits for more than the look that is under way."""

    def run(self, look: Look) -> None:
        """In the thread."""
        for spec, _ in self.waiting:
            if self.is_left:
                break
            try:
                self.found.append(look(spec))
            except Exception as error:
                self.found.append(error)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.over.get_loop().call_soon_threadsafe(_end, self.over)

    def settle(self) -> list[_Waiting]:
        """Tell what was found so far; returns the looks that are not done."""
        found = self.found.copy()  # the thread may go on
        for (_, answer), outcome in zip(self.waiting, found, strict=False):
            if answer.done():  # it was told before, or nobody waits any more
                continue
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)
        return self.waiting[len(found) :]


_Rounds: TypeAlias = "queue.SimpleQueue[_Round | None]"


class Looks:
    """Takes looks as they come; those that come while others are under way go together in the next round."""

    def __init__(self, look: Look) -> None:
        """Nothing is looked at yet.

        Args:
            look: gives a spec as it is to be done, or raises; called in threads.
        """
        self._look = look
        self._waiting: list[_Waiting] = []
        self._rounds: _Rounds | None = None
        """To the thread that looks; None: there is none, or it hangs."""

        self._under_way: asyncio.Task[None] | None = None
        self._hanging: set[asyncio.Task[None]] = set()

    async def at(self, spec: JobSpec) -> JobSpec:
        """What the look gives, or raises."""
        answer: asyncio.Future[JobSpec] = asyncio.get_running_loop().create_future()
        self._waiting.append((spec, answer))
        self._go_on()
        return await answer

    def _go_on(self) -> None:
        if self._under_way is not None or len(self._hanging) >= MOST_HANGING:
            return
        wanted = [each for each in self._waiting if not each[1].done()]
        self._waiting = []
        if wanted:
            self._under_way = asyncio.create_task(self._go_round(wanted))

    async def _go_round(self, wanted: list[_Waiting]) -> None:
        now = _Round(wanted, asyncio.get_running_loop().create_future())
        try:
            self._hand_over(now)
        except RuntimeError as error:  # the system gives no more threads
            now.found = [error] * len(wanted)
            _end(now.over)
        await asyncio.wait((now.over,), timeout=PATIENCE_S)
        if not now.over.done() and self._rounds is not None:
            now.is_left = True
            self._rounds.put(None)
            self._rounds = None
        if left := now.settle():
            now.waiting = wanted[: len(wanted) - len(left) + 1]  # up to the one that hangs
            self._waiting = left[1:] + self._waiting
            self._hanging.add(asyncio.create_task(self._wait_for(now)))
        await asyncio.sleep(GATHER_S)
        self._under_way = None
        self._go_on()

    def _hand_over(self, now: _Round) -> None:
        if self._rounds is None:
            rounds: _Rounds = queue.SimpleQueue()
            threading.Thread(
                target=_go_through, args=(rounds, self._look), name="v2m-looks", daemon=True
            ).start()  # fmt: skip
            self._rounds = rounds
        self._rounds.put(now)

    async def _wait_for(self, left: _Round) -> None:
        await left.over
        # the thread may have stopped just before the look that was taken for one that hangs
        self._waiting = left.settle() + self._waiting
        self._hanging.discard(asyncio.current_task())
        self._go_on()


def _go_through(rounds: _Rounds, look: Look) -> None:
    while (now := rounds.get()) is not None:
        now.run(look)


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
