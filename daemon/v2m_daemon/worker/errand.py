"""One job on its way to a worker of the cluster and back.

A worker that sees the job's folder does all of it. For one that does not, the drafts of earlier attempts are
sent along, its own come back in chunks with digests, and whoever sees the place of the results finishes.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Final

from v2m.errors import V2MError, WorkerLostError
from v2m_daemon import durable
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.worker import cargo
from v2m_daemon.worker.cluster import ANSWERS_WITHIN_S, Member
from v2m_daemon.worker.executor import Cause, Done, Event, Failed, Progress, Stopped, Work
from v2m_daemon.worker.messages import event_from_json, work_to_json
from v2m_daemon.worker.node import LISTEN_S, MARK

STOPS_WITHIN_S: Final = 1.5
"""After a cancel; then the worker's whole process in the cluster is killed."""

Finish = Callable[[Work], AsyncIterator[Event]]
"""Does here what is left of a job."""


class Errand:
    """One job at one worker.

    Args:
        member: the worker, free for it.
        work: the job.
        stop: set to stop it.
        finish: for a worker that does not see the job's folder.
    """

    def __init__(self, member: Member, work: Work, stop: asyncio.Event, finish: Finish) -> None:
        self._member = member
        self._work = work
        self._stop = stop
        self._finish = finish
        self._stages = JobFolder(work.folder).stages
        self.is_lost = True
        """Whether the worker is of no more use, as long as it has not told of an outcome."""

    async def events(self) -> AsyncGenerator[Event, None]:
        """The job's events to its outcome, as the worker told it."""
        try:
            is_shared = await self._is_shared()
            if not is_shared:
                await self._send_drafts()
            await self._member.ask("start", work_to_json(self._work), is_shared)
            async for event in self._news():
                if isinstance(event, Done) and not is_shared:
                    await self._fetch_drafts()
                    async for last in self._finish(self._work):
                        yield last
                else:
                    yield event
        except V2MError as error:
            cause = Cause.LOST if isinstance(error, WorkerLostError) else Cause.REFUSED
            yield Stopped() if self._stop.is_set() else Failed(error, cause)

    async def _news(self) -> AsyncIterator[Event]:
        stopped_at: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            if self._stop.is_set():
                stopped_at = stopped_at or loop.time()
                if loop.time() - stopped_at > STOPS_WITHIN_S:
                    raise WorkerLostError(f"{self._member.name} did not stop.")
            for told in await self._member.ask("listen", within_s=LISTEN_S + ANSWERS_WITHIN_S):
                event = event_from_json(told)
                if isinstance(event, Progress):
                    yield event
                    continue
                self.is_lost = False
                was_stopped = self._stop.is_set() and isinstance(event, Failed) and event.cause is Cause.LOST
                yield Stopped() if was_stopped else event
                return

    async def _is_shared(self) -> bool:
        """Whether the job's folder is seen there: then results are put in place from there."""
        mark, path = secrets.token_hex(16), self._work.folder / MARK
        await asyncio.to_thread(durable.write_whole, path, mark.encode())
        try:
            return bool(await self._member.ask("sees", str(self._work.folder), mark))
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _send_drafts(self) -> None:
        """What earlier attempts saw and composed; whole takes only come back."""
        for name, digest in (await asyncio.to_thread(cargo.manifest, self._stages)).items():
            offset, is_last = 0, "/" in name
            while not is_last:
                chunk = await asyncio.to_thread(cargo.read_chunk, self._stages, name, offset)
                offset += len(chunk)
                is_last = len(chunk) < cargo.CHUNK_BYTES
                await self._member.ask("take", self._work.job_id, name, digest, chunk, is_last)

    async def _fetch_drafts(self) -> None:
        """What the stages left there; a take stands here when all of it has come."""
        incoming = self._stages / "building-incoming"
        await asyncio.to_thread(self._stages.mkdir, parents=True, exist_ok=True)
        for entry, files in cargo.entries(await self._member.ask("manifest", self._work.job_id)).items():
            for name, digest in files.items():
                await self._fetch(cargo.Receiver(incoming, name, digest), name)
            await asyncio.to_thread(_put, incoming / entry, self._stages / entry)
        with contextlib.suppress(WorkerLostError):  # all is here
            await self._member.ask("forget", self._work.job_id)

    async def _fetch(self, receiver: cargo.Receiver, name: str) -> None:
        offset = 0
        while chunk := await self._member.ask("give", self._work.job_id, name, offset):
            await asyncio.to_thread(receiver.add, chunk)
            offset += len(chunk)
        await asyncio.to_thread(receiver.close)


def _put(source: Path, target: Path) -> None:
    if not target.exists():  # else an earlier attempt left the same
        durable.sync_tree(source) if source.is_dir() else durable.sync_file(source)
        durable.replace(source, target)
