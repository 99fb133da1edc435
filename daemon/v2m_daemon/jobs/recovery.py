"""What a daemon does first: see what the one before it left, and sweep.

A running job of a daemon that died is done where its folder says so, else it goes back to the queue. Whatever
belongs to no job, or only to the making of one that is over, is removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from v2m_daemon.durable import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from v2m_daemon.home import Home
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.store import JobRecord, Store
from v2m_daemon.jobs.verdict import done, interrupted
from v2m_daemon.jobs.view import JobState
from v2m_daemon.worker.executor import Done


async def recover(store: Store, home: Home, at_ms: int) -> list[JobRecord]:
    """Bring every job into a state from which it goes on; returns those that are not over.

    Raises:
        OutputWriteError: the list of jobs cannot be written.
    """
    active = []
    for record in await store.active():
        if record.state is JobState.RUNNING:
            record = await _take_up(store, home, record, at_ms)
        if not record.state.is_final:
            active.append(record)
    await sweep(store, home, [record.id for record in active])
    return active


async def _take_up(store: Store, home: Home, record: JobRecord, at_ms: int) -> JobRecord:
    found = await asyncio.to_thread(JobFolder(home.job(record.id)).read_result)

    def modify(current: JobRecord) -> JobRecord:
        if found is not None:
            return done(current, Done(*found), at_ms)
        return interrupted(current, at_ms)

    note = "it was done when the daemon died" if found else "the daemon died"
    return await store.change(record.id, (JobState.RUNNING,), modify, at_ms=at_ms, note=note)


async def sweep(store: Store, home: Home, active: Iterable[str]) -> None:
    """Remove folders of no job, what jobs that are over needed on their way, and files half written."""
    folders = {path.name: path for path in home.jobs.iterdir() if path.is_dir()}
    known = await store.known(folders.keys())
    over = known - set(active)
    remove = [folders[name] for name in folders.keys() - known]
    remove += [JobFolder(folders[name]).stages for name in over]
    await asyncio.to_thread(_remove, remove, home.state)


def _remove(folders: Iterable[Path], state: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for path in state.glob(f"{TEMPORARY_PREFIX}*{TEMPORARY_SUFFIX}"):
        with contextlib.suppress(OSError):
            path.unlink()
