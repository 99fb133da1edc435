"""The inbox of job directories: how a client that can only write files has its jobs done.

See `v2m_daemon.intake.job_directory` for the files. The inbox lies in the user's own home, on a local disk.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path
from typing import Final

from v2m.errors import BusyError, CancelledError, OutputWriteError, UnreachableError, V2MError
from v2m_daemon.confine import Confinement
from v2m_daemon.home import make_private
from v2m_daemon.intake.job_directory import JobDirectory
from v2m_daemon.intake.status import early_status, error_of, failure_of, result_of, status_of
from v2m_daemon.intake.wake import Wake
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.view import JobState, JobView

LOOK_EVERY_S: Final = 0.25
"""While something is under way: a person sees four steps a second as a moving bar."""

RESCAN_S: Final = 10.0
"""With events, where nothing is under way; without, a second."""

LEFTOVER_S: Final = 24 * 3600.0
"""A directory without `job.json` in which nothing changed for so long was left by a client that died."""

DAY_S: Final = 24 * 3600.0

log = logging.getLogger(__name__)


class Inbox:
    """An attendant; see `v2m_daemon.jobs.attendant`."""

    def __init__(self, folder: Path, keep_days: float = 30.0, *, leftover_s: float = LEFTOVER_S) -> None:
        """Nothing is touched before `attend`.

        Args:
            folder: the inbox.
            keep_days: after so long a directory whose job is over is removed with what is in it.
            leftover_s: after so long one that never became a job.
        """
        self._folder = folder
        self._keep_s = keep_days * DAY_S
        self._leftover_s = leftover_s

    async def attend(self, desk: Desk, confinement: Confinement) -> None:
        """Do what is put into the inbox, until cancelled."""
        make_private(self._folder)
        errands: dict[str, _Errand] = {}
        wake = Wake(self._folder, inside=True)
        wake.listen()
        try:
            while True:
                found = await asyncio.to_thread(self._directories)
                for name in errands.keys() - found:
                    await errands.pop(name).give_up()
                for name in sorted(found):
                    if name not in errands:
                        errands[name] = _Errand(JobDirectory(self._folder / name), desk, confinement)
                    await errands[name].advance()
                await asyncio.to_thread(self._sweep, [each.directory for each in errands.values()])
                is_busy = any(errand.is_busy for errand in errands.values())
                await wake.wait(LOOK_EVERY_S if is_busy else RESCAN_S if wake.hears else 1.0)
        finally:
            wake.deafen()

    def _directories(self) -> set[str]:
        """Folders, no links: what is removed later must lie here."""
        return {
            path.name
            for path in self._folder.iterdir()
            if not path.name.startswith(".") and not path.is_symlink() and path.is_dir()
        }

    def _sweep(self, directories: list[JobDirectory]) -> None:
        for directory in directories:
            longest_s = self._leftover_s if directory.is_waiting else self._keep_s
            if (directory.is_waiting or directory.is_over) and time.time() - directory.changed_s > longest_s:
                log.info("removed from the inbox: %s", directory.path.name)
                shutil.rmtree(directory.path, ignore_errors=True)


class _Errand:
    """One job directory on its way; what must outlive this process is in the directory and on the desk."""

    def __init__(self, directory: JobDirectory, desk: Desk, confinement: Confinement) -> None:
        self.directory = directory
        self._desk, self._confinement = desk, confinement
        self._job_id = ""
        self._not_before_s = 0.0
        self._is_over = False
        self._is_cancelled = False
        self.is_busy = False
        """Look again soon."""

    async def advance(self) -> None:
        """Go as far as it goes now."""
        try:
            self.is_busy = not self._is_over and await self._step()
        except UnreachableError:
            self.is_busy = False  # the daemon is shutting down
        except BusyError as error:
            self._not_before_s = time.monotonic() + error.retry_after_s
            await asyncio.to_thread(
                self.directory.write_status, early_status(JobState.QUEUED, error.sentence())
            )
        except (OutputWriteError, FileNotFoundError) as error:
            log.warning(
                "%s waits: %s", self.directory.path.name, error
            )  # disk full, or its client took it away
        except V2MError as error:
            await self._end(error, early_status(JobState.FAILED, error.sentence()))

    async def give_up(self) -> None:
        """The directory is gone, and with it whoever wanted the job."""
        if self._job_id and not self._is_over:
            await self._desk.cancel(self._job_id)

    async def _step(self) -> bool:
        """Returns whether it is worth looking again soon."""
        if await asyncio.to_thread(self.directory.finish):
            self._is_over = True
            return False
        if self._job_id:
            view = await self._desk.get(self._job_id)
        else:
            if time.monotonic() < self._not_before_s:
                return True
            found = await self._ask()
            if found is None:
                return self.directory.is_half_written
            view = found
        if self.directory.wants_cancel and not view.state.is_final and not self._is_cancelled:
            view = await self._desk.cancel(view.id)
            self._is_cancelled = True
        await self._tell(view)
        return not view.state.is_final

    async def _ask(self) -> JobView | None:
        """Have the job done; None while there is none."""
        spec = await asyncio.to_thread(self.directory.read_spec)
        if spec is None:
            return None
        known = await self._desk.find(spec.request_id)
        if known is None:
            if self.directory.wants_cancel:
                raise CancelledError("The job was cancelled before it began.")
            known = await self._desk.submit(await asyncio.to_thread(self._confinement.check, spec))
        self._job_id = known.id
        return known

    async def _tell(self, view: JobView) -> None:
        status = status_of(view)
        if view.state is JobState.DONE:
            await asyncio.to_thread(self.directory.write_result, result_of(view), status)
            self._is_over = True
        elif view.state.is_final:
            await self._end(failure_of(view), status)
        else:
            await asyncio.to_thread(self.directory.write_status, status)

    async def _end(self, error: V2MError, status: dict[str, object]) -> None:
        if error.code == "cancelled":
            status = {**status, "state": str(JobState.CANCELLED)}
        try:
            await asyncio.to_thread(self.directory.write_error, error_of(error), status)
            self._is_over = True
        except OutputWriteError as problem:
            log.warning("%s: %s", self.directory.path.name, problem)
            self.is_busy = True
