"""Takes jobs from the queue to the executor and their outcomes to the store.

A job starts when a slot is free and its memory is there; the first in line is never overtaken by one that
needs less, else it would wait for ever. Every step is stored before the next begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from v2m.errors import OutOfMemoryError, OutputWriteError, V2MError, WorkerLostError
from v2m_daemon.home import Home
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.queue import FairQueue, Waiting
from v2m_daemon.jobs.roster import Roster
from v2m_daemon.jobs.store import JobRecord, Store
from v2m_daemon.jobs.verdict import Outcome, failed, verdict
from v2m_daemon.jobs.view import JobState
from v2m_daemon.worker.executor import Cause, Executor, Failed, Progress, Stopped, Work
from v2m_daemon.worker.publication import abandon

LOOK_AGAIN_S: Final = 2.0
"""Slots, memory and disks come back without telling anybody."""

STOP_WITHIN_S: Final = 4.0
"""An executor stops a job within three seconds."""

USUAL_JOB_S: Final = 10.0
"""Until the first job is done, a job is taken to last so long."""

log = logging.getLogger(__name__)


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Dispatcher:
    """The queue, the running jobs, and the task that moves jobs from one to the other."""

    def __init__(
        self, store: Store, roster: Roster, executor: Executor, home: Home, roots: tuple[str, ...] = ()
    ) -> None:
        """Nothing runs before `start`."""
        self.queue = FairQueue()
        self._store, self._roster, self._executor = store, roster, executor
        self._home, self._roots = home, roots
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._server: asyncio.Task[None] | None = None
        self._is_draining = False
        self._job_s = USUAL_JOB_S
        """Seconds that the last jobs took, newer ones weighing more."""

    @property
    def running(self) -> int:
        """How many jobs run."""
        return len(self._running)

    def start(self) -> None:
        """Begin to serve the queue."""
        self._server = asyncio.create_task(self._serve())

    def enqueue(self, record: JobRecord) -> None:
        """Let a job that is stored as queued wait for its turn."""
        self.queue.put(Waiting(record.id, record.spec.client, record.spec.priority, record.seq))
        self._wake.set()

    def wait_s(self) -> float:
        """About how long it takes until the queue is shorter by one."""
        return min(60.0, max(1.0, self._job_s / max(1, self._executor.slots)))

    async def stop(self, job_id: str) -> None:
        """End a running job of which the store says that it is to stop."""
        task = self._running.get(job_id)
        if task is None:
            return
        await self._cancel(job_id)
        await asyncio.wait([task], timeout=STOP_WITHIN_S)

    async def drain(self) -> None:
        """Start nothing more and put what runs back into the queue, within `STOP_WITHIN_S`."""
        self._is_draining = True
        self._wake.set()
        if self._server is not None:
            _, late = await asyncio.wait([self._server], timeout=1.0)  # a start that is being stored
            for task in late:
                task.cancel()
        stops = [asyncio.create_task(self._cancel(job_id)) for job_id in self._running]
        if stops:
            await asyncio.wait([*stops, *self._running.values()], timeout=STOP_WITHIN_S)
        for task in self._running.values():
            task.cancel()  # the next daemon finds it as running
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _cancel(self, job_id: str) -> None:
        try:
            # not wait_for: before Python 3.12 it forgets to be cancelled where both come at once
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._executor.cancel(job_id)
        except TimeoutError:
            log.warning("the executor did not stop job %s in time", job_id)
        except Exception:
            log.exception("the executor could not stop job %s", job_id)

    async def _serve(self) -> None:
        while not self._is_draining:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                while not self._is_draining and await self._start_one():
                    pass
            except Exception:
                log.exception("the queue could not be served; looking again")

    async def _start_one(self) -> bool:
        """Start the job that is next; False where none can be started now."""
        if self.running >= self._executor.slots or (first := self.queue.first()) is None:
            return False
        if not await self._has_room(first.job_id):
            return False
        if first.job_id not in self.queue:
            return True  # it was cancelled meanwhile: look for the next
        self.queue.serve(first.job_id)
        try:
            record = await self._store.change(
                first.job_id, (JobState.QUEUED,), _taken_up(now_ms()), at_ms=now_ms()
            )
        except OutputWriteError as error:
            self._roster.say(first.job_id, error.sentence())
            self.queue.put(first)
            return False
        self._roster.put(record)
        if record.state is JobState.RUNNING:
            self._running[record.id] = asyncio.create_task(self._work(record))
        return True

    async def _has_room(self, job_id: str) -> bool:
        record = self._roster.record(job_id)
        if record is None:
            return True
        needed = self._executor.needed_bytes(record.spec)
        health = await self._executor.health()
        if health.total_bytes is not None and needed > health.total_bytes:
            await self._give_up(record, needed, health.total_bytes)
            return True
        if health.free_bytes is not None and needed > health.free_bytes:
            self._roster.say(
                job_id, f"Waits for memory: needs {_gb(needed)}, {_gb(health.free_bytes)} are free."
            )
            return False
        return True

    async def _give_up(self, record: JobRecord, needed: int, total: int) -> None:
        error = OutOfMemoryError(
            f"The job needs {_gb(needed)} of memory, but there are {_gb(total)}.",
            hint="Choose a smaller backbone, or a machine with more memory.",
        )
        changed = await self._store.change(
            record.id, (JobState.QUEUED,), lambda now: failed(now, error, now_ms()), at_ms=now_ms()
        )
        self.queue.remove(record.id)
        self._roster.put(changed)

    async def _work(self, record: JobRecord) -> None:
        began = time.monotonic()
        try:
            outcome = await self._attempt(record, began)
            settled = await self._settle(record, outcome)
            if settled is None:
                return
            _tell(settled, outcome)
            if settled.state is JobState.DONE:
                self._job_s += 0.3 * (time.monotonic() - began - self._job_s)
            self._roster.put(settled)
            await self.clear(settled)
            if settled.state is JobState.QUEUED and not self._is_draining:
                self.enqueue(settled)
        finally:
            del self._running[record.id]
            self._wake.set()

    async def _attempt(self, record: JobRecord, began: float) -> Outcome:
        """One attempt's outcome; whatever breaks is a lost worker."""
        outcome: Outcome | None = None
        folder = self._home.job(record.id)
        work = Work(record.id, record.spec, folder, record.attempts, self._roots, record.window_scale)
        try:
            await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            current = self._roster.record(record.id)
            if current is None or current.cancel_asked or self._is_draining:
                return Stopped()  # from here on the executor hears of it
            async with contextlib.aclosing(self._executor.run(work)) as events:  # type: ignore[type-var]
                async for event in events:
                    if isinstance(event, Progress):
                        self._roster.advance(record.id, event, time.monotonic() - began)
                    else:
                        outcome = event
        except V2MError as error:
            return Failed(error, Cause.LOST)
        except Exception as error:
            log.exception("the executor broke on job %s", record.id)
            return Failed(WorkerLostError(f"{type(error).__name__}: {error}."), Cause.LOST)
        return outcome or Failed(WorkerLostError("The worker ended without a word."), Cause.LOST)

    async def _settle(self, record: JobRecord, outcome: Outcome) -> JobRecord | None:
        """Store what became of an attempt, however long the disk is full; None if the daemon ends before."""
        note = outcome.error.sentence() if isinstance(outcome, Failed) else type(outcome).__name__.lower()
        while True:
            try:
                return await self._store.change(
                    record.id,
                    (JobState.RUNNING,),
                    lambda now: verdict(now, outcome, at_ms=now_ms(), is_draining=self._is_draining),
                    at_ms=now_ms(),
                    note=note,
                )
            except OutputWriteError as error:
                log.error("job %s: %s", record.id, error.sentence())
                if self._is_draining:
                    return None
                self._roster.say(record.id, error.sentence())
                await asyncio.sleep(LOOK_AGAIN_S)

    async def clear(self, record: JobRecord) -> None:
        """Remove what only the making of a job needed, and what one that is given up had begun to place."""
        if record.state.is_final:
            folder = JobFolder(self._home.job(record.id))
            if record.state is not JobState.DONE:
                place = Path(record.spec.result_dir(str(folder.out)))
                await asyncio.to_thread(abandon, folder, place, record.id)
            await asyncio.to_thread(shutil.rmtree, folder.stages, ignore_errors=True)


def _taken_up(at_ms: int) -> Callable[[JobRecord], JobRecord]:
    return lambda record: replace(
        record, state=JobState.RUNNING, attempts=record.attempts + 1, started_ms=at_ms, message=""
    )


def _tell(record: JobRecord, outcome: Outcome) -> None:
    """Whoever keeps the machine reads in the log what became of an attempt, not only its client."""
    if isinstance(outcome, Failed):
        log.warning(
            "job %s, attempt %d: %s It is %s.",
            record.id,
            record.attempts,
            outcome.error.sentence(),
            record.state,
        )
    else:
        log.info("job %s is %s", record.id, record.state)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
