"""The one object that jobs are handed to: gRPC, job directories and watch folders all stand before it.

Conventions: what a method returns is on disk; the list of jobs is the truth, memory only its reflection.
Whoever opens a desk holds the home's lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeVar

from v2m.errors import BusyError, OutputWriteError, UnreachableError, V2MError
from v2m_daemon.config import QueueSettings
from v2m_daemon.home import Home
from v2m_daemon.jobs.board import Board
from v2m_daemon.jobs.dispatch import Dispatcher, now_ms
from v2m_daemon.jobs.recovery import recover
from v2m_daemon.jobs.roster import Roster
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.jobs.store import ACTIVE, JobRecord, Store
from v2m_daemon.jobs.verdict import again, cancelled, failed
from v2m_daemon.jobs.view import JobState, JobView
from v2m_daemon.worker.executor import Executor, Health

T = TypeVar("T")

Check = Callable[[JobSpec], Awaitable[JobSpec]]

MOST_WAITING_FOR_MEDIA: Final = 1000
"""They hold no slot and little memory, but there is an end to it."""

SWEEP_EVERY_S: Final = 3600.0
"""How often old jobs are looked for."""

CLOSE_WITHIN_S: Final = 3.0
"""What an executor has to end its processes."""

DAY_MS: Final = 24 * 3600 * 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """Some jobs, newest first, without their results."""

    jobs: tuple[JobView, ...]
    next_page_token: str
    """Empty: there are no more."""


class Desk:
    """Takes jobs, says how they stand, stops them."""

    def __init__(
        self, store: Store, home: Home, executor: Executor, queue: QueueSettings, watchers: int,
        roots: tuple[str, ...],
    ) -> None:  # fmt: skip
        """For `opened`."""
        self.queue_limit = queue.limit
        self._keep_ms = round(queue.keep_days * DAY_MS)
        self._store, self._home, self._executor = store, home, executor
        self._board = Board(watchers)
        self._roster = Roster(home, self._board)
        self._dispatcher = Dispatcher(store, self._roster, executor, home, roots)
        self._arriving = 0
        """Jobs that were let in and are being looked at or written."""

        self._is_closed = False

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(
        cls, home: Home, executor: Executor, queue: QueueSettings | None = None, *, watchers: int = 256,
        roots: tuple[str, ...] = (),
    ) -> AsyncIterator[Self]:  # fmt: skip
        """A desk that works while the context lasts; at its end what runs goes back to the queue.

        Args:
            home: made by `Home.make`, its lock held by the caller.
            executor: not opened yet.
            queue: how many jobs wait.
            watchers: how many may watch at once.
            roots: folders in which workers may open files; empty: anywhere.

        Raises:
            OutputWriteError, UnsupportedError: the list of jobs cannot be used.
            V2MError: the executor can never work.
        """
        store = Store(home.database)
        await asyncio.to_thread(store.open)
        try:
            desk = cls(store, home, executor, queue or QueueSettings(), watchers, roots)
            await desk._forget_old()
            records = await recover(store, home, now_ms())
            await executor.open()
            try:
                desk._begin(records)
                async with _background(desk._keep_house()):
                    yield desk
            finally:
                await desk._end()
        finally:
            await asyncio.to_thread(store.close)

    @property
    def queued(self) -> int:
        """How many jobs wait for their turn."""
        return len(self._dispatcher.queue)

    @property
    def running(self) -> int:
        """How many jobs run."""
        return self._dispatcher.running

    async def submit(self, spec: JobSpec, *, waiting: str = "", check: Check | None = None) -> JobView:
        """Take a job in; when this returns it is on disk and will be done.

        Args:
            spec: what to do; a second one with the same `request_id` is the same job.
            waiting: for what it waits before it may queue: then `release` or `refuse` it.
            check: gives what is to be done in place of `spec`, or raises; it is asked only where there is a
                place, which is kept meanwhile, so that of a crowd no more are looked at than are let in.

        Raises:
            BusyError: the queue is full; `retry_after_s` says when to come back.
            ConflictError: the `request_id` was used for something else.
            UnreachableError: the daemon is shutting down.
            OutputWriteError: the disk is full.
        """
        await self._check_place(spec.request_id, waiting)
        self._arriving += 1
        try:
            checked = spec if check is None else await check(spec)
            if self._is_closed:
                raise _closed()
        except BaseException:
            self._arriving -= 1
            raise
        # a caller that goes away while the disk writes must not leave a job behind that nobody serves
        return await asyncio.shield(self._add(checked, waiting))

    async def _check_place(self, request_id: str, waiting: str) -> None:
        refusal = self.refusal(waiting)
        # one that is sent again takes no place
        if isinstance(refusal, BusyError) and await self.find(request_id) is not None:
            return
        if refusal is not None:
            raise refusal

    def refusal(self, waiting: str = "") -> V2MError | None:
        """Why a new job cannot be taken in now; None where it can."""
        if self._is_closed:
            return _closed()
        return None if self._has_place(waiting) else self._full()

    async def _add(self, spec: JobSpec, waiting: str) -> JobView:
        """Write a job that has its place."""
        state = JobState.WAITING_MEDIA if waiting else JobState.QUEUED
        new = JobRecord(id=_new_id(), spec=spec, state=state, created_ms=now_ms(), message=waiting)
        try:
            record = await self._store.add(new)
        finally:
            self._arriving -= 1
        if record.id != new.id:
            return self._roster.view(record.id) or self._roster.view_of(record)
        view = self._roster.put(record)
        if not waiting:
            self._dispatcher.enqueue(record)
        return view

    async def release(self, job_id: str) -> JobView:
        """Let a job that waited for media queue.

        Raises:
            UnknownJobError: there is no such job.
        """
        record = await self._change(job_id, (JobState.WAITING_MEDIA,), lambda now: again(now, ""))
        if record.state is JobState.QUEUED:
            self._dispatcher.enqueue(record)
        return self._stands(record)

    async def refuse(self, job_id: str, error: V2MError) -> JobView:
        """Give up a job that waited for media.

        Raises:
            UnknownJobError: there is no such job.
        """
        record = await self._change(
            job_id, (JobState.WAITING_MEDIA,), lambda now: failed(now, error, now_ms()), error.sentence()
        )
        return self._stands(record)

    async def wait_for(self, job_id: str, message: str) -> None:
        """Tell anew what a job waits for; not stored, for it can be seen again after a restart."""
        self._roster.say(job_id, message)

    async def get(self, job_id: str) -> JobView:
        """How a job stands.

        Raises:
            UnknownJobError: there is no such job.
        """
        return self._roster.view(job_id) or self._roster.view_of(await self._store.get(job_id))

    async def find(self, request_id: str) -> JobView | None:
        """The job that was asked for by a request id."""
        record = await self._store.find(request_id) if request_id else None
        return None if record is None else self._stands(record)

    async def list(
        self, *, states: Collection[JobState] = (), client: str = "", page_size: int = 100,
        page_token: str = "",
    ) -> Page:  # fmt: skip
        """Jobs, newest first.

        Raises:
            FieldError: size or token make no sense.
        """
        page = await self._store.page(states=states, client=client, size=page_size, token=page_token)
        views = (replace(self._stands(record), result=None) for record in page.records)
        return Page(tuple(views), page.next_token)

    async def cancel(self, job_id: str) -> JobView:
        """Stop a job; what is final stays as it is.

        Raises:
            UnknownJobError: there is no such job.
        """
        return await asyncio.shield(self._cancel(job_id))

    async def _cancel(self, job_id: str) -> JobView:
        def stop(record: JobRecord) -> JobRecord:
            if record.state is JobState.RUNNING:
                return replace(record, cancel_asked=True)
            return cancelled(record, now_ms())

        record = await self._change(job_id, ACTIVE, stop, "cancelled")
        self._dispatcher.queue.remove(job_id)
        if record.state is JobState.RUNNING:
            await self._dispatcher.stop(job_id)
            return await self.get(job_id)
        await self._dispatcher.clear(record)
        return self._stands(record)

    async def watch(self, job_id: str) -> AsyncIterator[JobView]:
        """A job as it stands and whenever it changes, up to its final state.

        Raises:
            UnknownJobError: there is no such job.
            BusyError: too many watch.
            UnreachableError: the daemon is shutting down.
        """
        view = await self.get(job_id)
        async with contextlib.aclosing(self._board.watch(view)) as views:  # type: ignore[type-var]
            async for view in views:
                yield view

    async def health(self) -> Health:
        """What there is to work with."""
        return await self._executor.health()

    async def close(self) -> None:
        """Take nothing more, and put what runs back into the queue; the context's end does so too."""
        if not self._is_closed:
            self._is_closed = True
            self._board.close()
            await self._dispatcher.drain()

    def _begin(self, records: Collection[JobRecord]) -> None:
        for record in records:
            self._roster.put(record)
            if record.state is JobState.QUEUED:
                self._dispatcher.enqueue(record)
        self._dispatcher.start()

    async def _end(self) -> None:
        await self.close()
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._executor.close()
        except Exception:
            log.exception("the executor did not close in order")

    async def _change(
        self, job_id: str, allowed: Collection[JobState], modify: Callable[[JobRecord], JobRecord],
        note: str = "",
    ) -> JobRecord:  # fmt: skip
        """Change a job in the list and in memory."""
        record = await self._store.change(job_id, allowed, modify, at_ms=now_ms(), note=note)
        if self._roster.record(job_id) is not None:
            self._roster.put(record)
        return record

    def _stands(self, record: JobRecord) -> JobView:
        return self._roster.view(record.id) or self._roster.view_of(record)

    def _has_place(self, waiting: str) -> bool:
        if waiting:
            here = sum(record.state is JobState.WAITING_MEDIA for record in self._roster)
            return here + self._arriving < MOST_WAITING_FOR_MEDIA
        return self.queued + self._arriving < self.queue_limit

    def _full(self) -> BusyError:
        error = BusyError(
            f"The queue is full: {self.queued + self._arriving} jobs wait.",
            hint="Come back when some of them are done.",
        )
        error.retry_after_s = self._dispatcher.wait_s()
        return error

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await self._forget_old()
            except OutputWriteError as error:
                log.warning("old jobs stay: %s", error.sentence())

    async def _forget_old(self) -> None:
        for job_id in await self._store.forget(now_ms() - self._keep_ms):
            self._roster.forget(job_id)
            await asyncio.to_thread(shutil.rmtree, self._home.job(job_id), ignore_errors=True)


def _new_id() -> str:
    """Sorts by time for whoever looks into the folder; no two are alike."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _closed() -> UnreachableError:
    return UnreachableError("The daemon is shutting down.", hint="Submit again when it is back.")
