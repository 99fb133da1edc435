"""One job directory on its way from `job.json` to `result.json` or `error.json`.

Nothing here must outlive the process: the directory and the desk tell a later one how far it is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final

from v2m.errors import BusyError, CancelledError, OutputWriteError, UnreachableError, V2MError
from v2m_daemon.confine import Confinement
from v2m_daemon.intake.job_directory import JobDirectory, Mark
from v2m_daemon.intake.status import early_status, error_of, failure_of, result_of, status_of
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.view import JobState, JobView

FRESH_S: Final = 10.0
"""A directory that changed so lately is being filled."""

log = logging.getLogger(__name__)


class Errand:
    """Goes a step whenever `advance` is called."""

    def __init__(self, directory: JobDirectory, desk: Desk, confinement: Confinement) -> None:
        """Nothing is touched before the first step."""
        self.directory = directory
        self._desk, self._confinement = desk, confinement
        self._mark: Mark | None = None
        """The `job.json` that this is about; under the same name another may come."""

        self._job_id = ""
        self._not_before_s = 0.0
        self._is_over = False
        self._is_cancelled = False
        self.is_busy = False
        """Look again soon."""

    async def advance(self) -> None:
        """Go as far as it goes now; what is in the way is told in the directory or tried again."""
        try:
            await self._begin_anew_if_changed()
            self.is_busy = not self._is_over and await self._guarded_step()
        except UnreachableError:
            self.is_busy = False  # the daemon is shutting down
        except (OutputWriteError, OSError) as error:  # disk full, or its client took it away
            log.warning("%s waits: %s", self.directory.path.name, error)

    async def give_up(self) -> None:
        """The directory is gone, and with it whoever wanted the job."""
        if self._job_id and not self._is_over:
            await self._desk.cancel(self._job_id)

    async def _begin_anew_if_changed(self) -> None:
        mark = await asyncio.to_thread(self.directory.mark)
        if mark != self._mark:
            if self._job_id and not self._is_over:
                log.info("%s: job.json was changed or taken away", self.directory.path.name)
            await self.give_up()
            self._mark, self._job_id = mark, ""
            self._is_over = self._is_cancelled = False

    async def _guarded_step(self) -> bool:
        try:
            return await self._step()
        except BusyError as error:
            self._not_before_s = time.monotonic() + error.retry_after_s
            await self._say(early_status(JobState.QUEUED, error.sentence()))
            return True
        except (OutputWriteError, UnreachableError):
            raise
        except V2MError as error:
            await self._end(error, early_status(JobState.FAILED, error.sentence()))
            return False

    async def _step(self) -> bool:
        """Returns whether it is worth looking again soon."""
        if await asyncio.to_thread(self.directory.finish):
            self._is_over = True
            return False
        if not self._job_id and time.monotonic() < self._not_before_s:
            return True
        view = await self._desk.get(self._job_id) if self._job_id else await self._ask()
        if view is None:
            # events of what comes into a new directory are lost until the system watches it too
            return self.directory.is_half_written or time.time() - self.directory.changed_s < FRESH_S
        if self.directory.wants_cancel and not view.state.is_final and not self._is_cancelled:
            view = await self._desk.cancel(view.id)
            self._is_cancelled = True
        await self._tell(view)
        return not view.state.is_final

    async def _ask(self) -> JobView | None:
        """Have the job done; None while there is none."""
        if self._mark is None:
            return None
        # of the file that was marked: one that came since would seem changed, and its job be cancelled
        spec = await asyncio.to_thread(self.directory.read_spec, self._mark)
        if spec is None:
            return None
        view = await self._desk.find(spec.request_id)
        if view is None:
            if self.directory.wants_cancel:
                raise CancelledError("The job was cancelled before it began.")
            view = await self._desk.submit(await asyncio.to_thread(self._confinement.check, spec))
        self._job_id = view.id
        return view

    async def _tell(self, view: JobView) -> None:
        status = status_of(view)
        if view.state is JobState.DONE:
            await asyncio.to_thread(self.directory.write_result, result_of(view), status)
            self._is_over = True
        elif view.state.is_final:
            await self._end(failure_of(view), status)
        else:
            await self._say(status)

    async def _say(self, status: Mapping[str, object]) -> None:
        await asyncio.to_thread(self.directory.write_status, status)

    async def _end(self, error: V2MError, status: Mapping[str, object]) -> None:
        if isinstance(error, CancelledError):
            status = {**status, "state": str(JobState.CANCELLED)}
        await asyncio.to_thread(self.directory.write_error, error_of(error), status)
        self._is_over = True
