"""One job's conversation with a worker: what it says as events, and how long it may say nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from v2m.errors import UnfinishedError, WorkerLostError
from v2m_daemon.config import WorkerSettings
from v2m_daemon.worker.death import explain
from v2m_daemon.worker.executor import Cause, Event, Failed, Progress, Stopped, Work
from v2m_daemon.worker.messages import event_from_json, work_to_json
from v2m_daemon.worker.pipe import BadFrame
from v2m_daemon.worker.process import WorkerProcess

DEAF_S: Final = 0.6
"""A worker that was told to stop looks up between sampler steps, frames and blocks of sound; one that has not
after so long is in a library's hands and is killed. Together with the kill that stays under a second."""

STARTS_WITHIN_S: Final = 180.0
"""torch from a slow disk that sleeps takes a minute."""


class Conversation:
    """Over one job, with a worker that may still be loading its libraries.

    Args:
        process: the worker, which does nothing else meanwhile.
        work: the job.
        stop: set, and the process nudged, to stop it.
        settings: how long it may take.
    """

    def __init__(
        self, process: WorkerProcess, work: Work, stop: asyncio.Event, settings: WorkerSettings
    ) -> None:
        self._process = process
        self._work = work
        self._stop = stop
        self._settings = settings
        self._heard_at = time.monotonic()
        self._ends_at = self._heard_at + settings.longest_job_s
        self._deaf_at: float | None = None

    async def events(self) -> AsyncIterator[Event]:
        """The job's events to its outcome; a worker that ended badly has been killed by then."""
        await self._process.send({"do": work_to_json(self._work)})
        event: Event | None = None
        while event is None or isinstance(event, Progress):
            await self._pass_on_stop()
            if (event := await self._next()) is not None:
                yield event

    async def _next(self) -> Event | None:
        """The next event; None after a message that is none."""
        try:
            message = await self._process.next(max(0.0, self._look_again_at() - time.monotonic()))
            if message is None:
                return await self._ended()
            if message:
                self._heard_at = time.monotonic()
            return event_from_json(message["event"]) if "event" in message else None
        except TimeoutError:
            return await self._give_up() if time.monotonic() >= self._look_again_at() else None
        except BadFrame as error:
            self._process.nonsense = str(error)
            return await self._ended()

    async def _ended(self) -> Failed | Stopped:
        """The outcome of a worker that ended, or with which nobody can talk any more."""
        code, signs = await self._process.kill()
        if self._stop.is_set():
            return Stopped()
        if nonsense := self._process.nonsense:
            return Failed(WorkerLostError(f"The worker sent {nonsense}.", detail=signs.words), Cause.LOST)
        return explain(code, signs)

    async def _pass_on_stop(self) -> None:
        if self._stop.is_set() and self._deaf_at is None:
            self._deaf_at = time.monotonic() + DEAF_S
            await self._process.send({"cancel": self._work.job_id})

    def _look_again_at(self) -> float:
        if self._deaf_at is not None:
            return self._deaf_at
        return min(self._ends_at, self._heard_at + self._silence_s)

    @property
    def _silence_s(self) -> float:
        return self._settings.stalled_s if self._process.is_ready else STARTS_WITHIN_S

    async def _give_up(self) -> Failed | Stopped:
        """Kill the worker: it is deaf, or too slow, or hangs."""
        _, signs = await self._process.kill()
        if self._deaf_at is not None:
            return Stopped()
        if time.monotonic() >= self._ends_at:
            return Failed(
                UnfinishedError(
                    f"The job ran for {self._settings.longest_job_s:g} s, the longest that is allowed.",
                    hint="Score a part with --in and --out-point, or raise `longest_job_s`.",
                )
            )
        doing = "said nothing" if self._process.is_ready else "did not start"
        return Failed(
            WorkerLostError(f"The worker {doing} for {self._silence_s:g} s.", detail=signs.words), Cause.LOST
        )
