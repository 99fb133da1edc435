"""The executor of a Ray cluster: jobs spread over its machines, one worker per graphics card or few cores.

    ray://HOST:PORT   through Ray's client server on the head node, from a machine that is not of the cluster
    ray:HOST:PORT     from a machine that is; `ray:auto` finds the cluster that it belongs to

Every machine needs this version of v2m, and sees the documents and their media under the paths that jobs
name. The daemon's own folders need not be seen there. A machine that is lost costs the jobs that it did one
attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

from v2m.errors import V2MError
from v2m_daemon.config import WorkerSettings
from v2m_daemon.home import Home
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.worker.cluster import Cluster
from v2m_daemon.worker.errand import STOPS_WITHIN_S, Errand
from v2m_daemon.worker.executor import Event, Health, Progress, Stopped, Work
from v2m_daemon.worker.local import WITHIN_S, LocalExecutor, backbones, needed_bytes, settle
from v2m_daemon.worker.process import COMMAND

CORES_EACH: Final = 4
"""Of a machine without graphics cards, for one worker: more cores hardly make the embedded model faster."""


class RayExecutor:
    """See `v2m_daemon.worker.executor.Executor`.

    Args:
        settings: of the workers; `executor` is the address.
        home: not needed here: all state lies in the folders of the jobs.
        command: the worker's program.
        cores_each: for one worker of a machine without graphics cards.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        home: Home | None = None,
        *,
        command: Sequence[str] = COMMAND,
        cores_each: int = CORES_EACH,
    ) -> None:
        self._address = settings.executor
        self._cluster = Cluster(settings, command, cores_each)
        self._here = LocalExecutor(settings, command=command)
        """Finishes the jobs whose folder the machine that did them does not see."""

        self._stops: dict[str, asyncio.Event] = {}

    @property
    def slots(self) -> int:
        """As many as there are workers now."""
        return len(self._cluster.members)

    async def open(self) -> None:
        """Join the cluster; see `Cluster.join`."""
        is_client = self._address.startswith("ray://")
        await self._here.open()
        await self._cluster.join(self._address if is_client else self._address.partition(":")[2])

    async def run(self, work: Work) -> AsyncIterator[Event]:
        """Do one job on the first free device of the cluster."""
        self._stops[work.job_id] = stop = asyncio.Event()
        settled, errand, member = False, None, None
        try:
            member = await self._cluster.take(work.job_id, stop)
            if member is None:
                settled = True
                yield Stopped()
                return
            errand = Errand(member, work, stop, self._here.run)
            async with contextlib.aclosing(errand.events()) as events:
                async for event in events:
                    if isinstance(event, Progress):
                        yield event
                    else:
                        outcome = await settle(work, event)
                        settled = True
                        yield outcome
        finally:
            del self._stops[work.job_id]
            if not settled:
                await settle(work, Stopped())
            if member is not None:
                await self._cluster.let_go(member, is_lost=errand is None or errand.is_lost)

    async def cancel(self, job_id: str) -> None:
        """Stop a job."""
        if (stop := self._stops.get(job_id)) is None:
            return
        stop.set()
        await self._cluster.nudge()
        await self._here.cancel(job_id)
        for member in self._cluster.members:
            if member.job_id == job_id:
                with contextlib.suppress(V2MError):
                    await member.ask("stop", within_s=STOPS_WITHIN_S)

    async def health(self) -> Health:
        """Of the machine with most memory free, where the next job would best go."""
        members = list(self._cluster.members)
        rooms = [(member.about["memory"], member.about["warm_bytes"]) for member in members]
        known = [(room["free_bytes"] + warm, room["total_bytes"]) for room, warm in rooms if room]
        free, total = max(known) if known else (None, None)
        names = ", ".join(sorted({member.name for member in members}))
        return Health(names, free, total, await asyncio.to_thread(backbones))

    def needed_bytes(self, spec: JobSpec) -> int:
        """As on one machine."""
        return needed_bytes(spec)

    async def close(self) -> None:
        """End every worker of ours, and leave the cluster."""
        for stop in self._stops.values():
            stop.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                await asyncio.gather(self._here.close(), self._cluster.leave())
