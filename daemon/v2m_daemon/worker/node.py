"""A device of another machine as its own side sees it: a worker process there, spoken to from afar.

An instance lives in a process of the cluster (see `v2m_daemon.worker.cluster`), which stays light: jobs are
done in a worker process beside it, with the same limits, heartbeat and kill as on the daemon's machine. All
arguments and answers are plain JSON and bytes. Where the job's folder of the daemon is not seen from here,
the job has one here: the daemon sends what earlier attempts left and fetches what this one leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from v2m import __version__
from v2m.errors import V2MError
from v2m_daemon.config import WorkerSettings
from v2m_daemon.memory import memory
from v2m_daemon.worker import cargo
from v2m_daemon.worker.devices import Device
from v2m_daemon.worker.executor import Cause, Failed, Progress, Stopped, Work
from v2m_daemon.worker.messages import event_to_json, work_from_json
from v2m_daemon.worker.process import COMMAND
from v2m_daemon.worker.seat import Seat

LISTEN_S: Final = 1.0
"""How long a question for news waits for some."""

MARK: Final = ".v2m-seen"
"""A file that the daemon leaves in a job's folder, for others to tell whether they see the same folder."""


class Node:
    """One device; does one job at a time.

    Args:
        settings: of the worker, as an object.
        command: the worker's program.
    """

    def __init__(self, settings: Mapping[str, Any], command: Sequence[str] = ()) -> None:
        self._seat = Seat(Device(""), WorkerSettings(**settings), tuple(command) or COMMAND)
        self._root = Path(tempfile.mkdtemp(prefix="v2m-node-"))
        self._news: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._stop = asyncio.Event()
        self._job: asyncio.Task[None] | None = None
        self._receiver: cargo.Receiver | None = None

    async def about(self) -> dict[str, Any]:
        """Version, interpreter, and the memory that a job can have here."""
        room = memory()
        return {
            "version": __version__,
            "python": sys.version.split()[0],
            "memory": asdict(room) if room else None,
            "pid": self._seat.pid,
            "warm_bytes": self._seat.rss_bytes if self._job is None else 0,
        }

    async def sees(self, folder: str, mark: str) -> bool:
        """Whether a folder of the daemon's machine is seen from here."""
        with contextlib.suppress(OSError, ValueError):
            return Path(folder, MARK).read_text(encoding="ascii") == mark
        return False

    async def start(self, work: Mapping[str, Any], is_shared: bool) -> None:
        """Begin a job; in a folder of its own here where the daemon's is not seen."""
        wanted = work_from_json(work)
        if not is_shared:
            wanted = replace(wanted, folder=self._folder(wanted.job_id), puts_in_place=False)
        self._stop = asyncio.Event()
        self._news = asyncio.Queue()
        self._job = asyncio.create_task(self._do(wanted))

    async def _do(self, work: Work) -> None:
        ended = False
        try:
            async for event in self._seat.do(work, self._stop):
                ended = not isinstance(event, Progress)
                self._news.put_nowait(event_to_json(event))
        except V2MError as error:
            self._news.put_nowait(event_to_json(Failed(error, Cause.LOST)))
        finally:
            self._job = None
            if not ended:
                self._news.put_nowait(event_to_json(Stopped()))

    async def listen(self) -> list[dict[str, Any]]:
        """The events since the last question, waited for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_S):
                news = [await self._news.get()]
                while not self._news.empty():
                    news.append(self._news.get_nowait())
                return news
        return []

    async def stop(self) -> None:
        """Stop the job."""
        self._stop.set()
        self._seat.nudge()

    async def manifest(self, job_id: str) -> dict[str, str]:
        """What the job's stages left here."""
        return await asyncio.to_thread(cargo.manifest, self._folder(job_id) / "stages")

    async def give(self, job_id: str, name: str, offset: int) -> bytes:
        """A chunk of such a file."""
        return await asyncio.to_thread(cargo.read_chunk, self._folder(job_id) / "stages", name, offset)

    async def take(self, job_id: str, name: str, digest: str, chunk: bytes, is_last: bool) -> None:
        """A chunk of such a file, from the daemon."""
        if self._receiver is None:
            self._receiver = cargo.Receiver(self._folder(job_id) / "stages", name, digest)
        try:
            await asyncio.to_thread(self._receiver.add, chunk)
            if is_last:
                await asyncio.to_thread(self._receiver.close)
        except V2MError:
            is_last = True
            raise
        finally:
            if is_last:
                self._receiver = None

    async def forget(self, job_id: str) -> None:
        """Remove what a job left here."""
        await asyncio.to_thread(shutil.rmtree, self._folder(job_id), ignore_errors=True)

    async def close(self) -> None:
        """End the worker and leave nothing."""
        await self._seat.close()
        await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)

    def _folder(self, job_id: str) -> Path:
        folder = cargo.inside(self._root, job_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
