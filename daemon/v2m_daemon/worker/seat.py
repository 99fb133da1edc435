"""One device and the worker that works there: started for a job, warm for the next, gone when none comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

from v2m.errors import WorkerLostError
from v2m_daemon.config import WorkerSettings
from v2m_daemon.worker.conversation import Conversation
from v2m_daemon.worker.devices import Device
from v2m_daemon.worker.executor import Cause, Event, Failed, Progress, Work
from v2m_daemon.worker.process import WorkerProcess


class Seat:
    """Does one job at a time."""

    def __init__(self, device: Device, settings: WorkerSettings, command: Sequence[str]) -> None:
        self.device = device
        self._settings = settings
        self._command = command
        self._process: WorkerProcess | None = None
        self._unloading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the worker, while there is one."""
        return self._process.pid if self._process and self._process.is_alive else None

    @property
    def rss_bytes(self) -> int:
        """The memory that the worker holds."""
        return self._process.rss_bytes if self._process and self._process.is_alive else 0

    async def do(self, work: Work, stop: asyncio.Event) -> AsyncGenerator[Event, None]:
        """Do a job; see `Executor.run`. When it is not heard to its end the worker is killed.

        Args:
            work: the job.
            stop: set to stop it.
        """
        await self._forget_unloading()
        outcome: Event | None = None
        try:
            async for event in self._talk(work, stop):
                outcome = None if isinstance(event, Progress) else event
                yield event
        except WorkerLostError as error:
            outcome = Failed(error, Cause.LOST)
            yield outcome
        finally:
            if outcome is None or _is_spent(outcome):
                await self.close()
            else:
                self._unloading = asyncio.create_task(self._unload_later())

    async def _talk(self, work: Work, stop: asyncio.Event) -> AsyncGenerator[Event, None]:
        """What the worker says; one that died while it was idle, unnoticed until now, costs no attempt."""
        was_warm = self.pid is not None
        heard = False
        async for event in Conversation(await self._start(), work, stop, self._settings).events():
            if was_warm and not heard and isinstance(event, Failed) and event.cause is not Cause.REFUSED:
                break
            heard = True
            yield event
        else:
            return
        await self.close()
        async for event in Conversation(await self._start(), work, stop, self._settings).events():
            yield event

    def nudge(self) -> None:
        """Let the running job look whether it is to stop."""
        if self._process is not None:
            self._process.nudge()

    async def close(self) -> None:
        """End the worker, whatever it does."""
        await self._forget_unloading()
        process, self._process = self._process, None
        if process is not None:
            await process.kill()

    async def _start(self) -> WorkerProcess:
        if self._process is not None and not self._process.is_alive:
            await self.close()  # it ended on its own since the last job
        if self._process is None:
            self._process = await WorkerProcess.start(
                self._command,
                memory_bytes=self._settings.memory_bytes,
                environment=self.device.environment,
            )
        return self._process

    async def _unload_later(self) -> None:
        await asyncio.sleep(self._settings.idle_unload_s)
        process, self._process = self._process, None
        if process is not None:
            await process.end()  # memory that an ended process held is the system's again for certain

    async def _forget_unloading(self) -> None:
        task, self._unloading = self._unloading, None
        if task is None:
            return
        if self._process is not None:  # else it is being ended, which is not to be cut short
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _is_spent(outcome: Event) -> bool:
    """Whether a worker is of no more use: it is dead, or its memory is in pieces."""
    return isinstance(outcome, Failed) and outcome.cause is not Cause.REFUSED
