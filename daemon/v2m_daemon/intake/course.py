"""The way of one document from the ledger through the desk to its results.

Every step may be cut short and is done again from what the ledger and the desk know: a job is asked for under
an id that is made of the row, so it is the same job however often it is asked for, and a row is open until
its results are in place.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from v2m.errors import (
    BusyError,
    InputError,
    OutputWriteError,
    UnfinishedError,
    UnknownJobError,
    UnreachableError,
    V2MError,
)
from v2m_daemon.confine import Confinement
from v2m_daemon.intake.content import content_hash
from v2m_daemon.intake.drop import MOST_ATTEMPTS, Drop, DropState
from v2m_daemon.intake.hand import Hand
from v2m_daemon.intake.ledger import Ledger
from v2m_daemon.intake.media import MediaWatch
from v2m_daemon.intake.places import Places
from v2m_daemon.intake.settings import WatchSettings
from v2m_daemon.intake.status import drop_status, early_status, failure_of, status_of
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.view import JobState, JobView

NAMED_MEDIA: Final = 3
"""Files that a sentence lists before it says how many more there are."""

log = logging.getLogger(__name__)


class Course:
    """Brings the open rows of one folder forward."""

    def __init__(
        self, settings: WatchSettings, desk: Desk, confinement: Confinement, ledger: Ledger,
        places: Places, media: MediaWatch, hand: Hand, identity: str,
    ) -> None:  # fmt: skip
        """Nothing is under way.

        Args:
            settings: of the folder.
            desk: takes the jobs.
            confinement: what they may touch.
            ledger: the rows.
            places: where results go.
            media: whether they are there.
            hand: touches the files.
            identity: of the ledger.
        """
        self._settings, self._desk, self._confinement, self._ledger = settings, desk, confinement, ledger
        self._places, self._media, self._hand, self._identity = places, media, hand, identity
        self._jobs: dict[tuple[int, int], str] = {}
        """(row, attempt) -> job, once it is known."""

        self._told: dict[int, dict[str, Any]] = {}
        """Row -> what its status file says."""

        self._superseded: set[int] = set()
        self._full_until_s = 0.0

    async def advance(self, drop: Drop) -> Drop:
        """Bring a row forward as far as it goes now.

        Raises:
            UnreachableError: the daemon is shutting down.
            OSError, OutputWriteError: the folder is full or away: nothing is lost, try again.
        """
        view = await self._view(drop)
        if view is None:
            try:
                view = await self._submit(drop)
            except UnreachableError:
                raise
            except UnfinishedError as error:  # a full queue or disk empties again
                await self._say(drop, early_status(JobState.QUEUED, error.sentence()))
                return drop
            except V2MError as error:
                return await self.fail(drop, error, early_status(JobState.FAILED, ""))
        if view is not None and view.state is JobState.WAITING_MEDIA:
            view = await self._wait(drop, view)
        if view is None:
            return drop
        if view.state.is_final:
            return await self._finish(drop, view)
        await self._say(drop, status_of(view))
        return drop

    async def supersede(self, drop: Drop) -> None:
        """A newer content came under the document's name: the job for the old one is not wanted any more."""
        self._superseded.add(drop.id)
        view = await self._view(drop)
        if view is not None:
            await self._desk.cancel(view.id)

    async def fail(self, drop: Drop, error: V2MError, status: dict[str, Any]) -> Drop:
        """End a row without results."""
        told = drop_status(drop.document, status, error=error)

        def put() -> None:
            self._places.write_status(drop.stem, told)
            self._places.write_error(drop.stem, error.sentence())
            if not drop.in_place:
                self._places.put_away(drop.document, self._places.failed)

        await self._hand.do(put)
        log.warning("%s failed: %s", drop.document, error.sentence())
        self._forget(drop)
        return await self._ledger.finish(drop, DropState.FAILED)

    async def _view(self, drop: Drop) -> JobView | None:
        key = (drop.id, drop.attempt)
        try:
            if key in self._jobs:
                return await self._desk.get(self._jobs[key])
        except UnknownJobError:  # the desk forgets what is long over
            del self._jobs[key]
        view = await self._desk.find(self._request_id(drop))
        if view is not None:
            self._jobs[key] = view.id
        return view

    async def _submit(self, drop: Drop) -> JobView | None:
        """Ask for the job; None while the queue is full."""
        if time.monotonic() < self._full_until_s:
            return None
        spec = replace(drop.spec, request_id=self._request_id(drop))
        checked = await self._hand.do(lambda: self._confinement.check(spec))
        lacking = await self._media.lacking(drop)
        try:
            view = await self._desk.submit(checked, waiting=_waits_for(lacking) if lacking else "")
        except BusyError as error:
            self._full_until_s = time.monotonic() + error.retry_after_s
            raise
        self._jobs[drop.id, drop.attempt] = view.id
        return view

    async def _wait(self, drop: Drop, view: JobView) -> JobView:
        """Look whether the media came, or will not."""
        lacking = await self._media.lacking(drop)
        if not lacking:
            return await self._desk.release(view.id)
        if self._media.waited_s(drop) < self._settings.media_wait_s:
            await self._desk.wait_for(view.id, _waits_for(lacking))
            return await self._desk.get(view.id)
        if drop.without_media:
            return await self._desk.release(view.id)
        error = InputError(
            f"The media of {drop.document} did not come within {_span(self._settings.media_wait_s)}: "
            f"{_listed(lacking)}.",
            hint="Put them where the timeline says, or say where they lie by path_map in v2m.toml; then drop "
            "it again.",
        )
        return await self._desk.refuse(view.id, error)

    async def _finish(self, drop: Drop, view: JobView) -> Drop:
        if view.state is JobState.DONE:
            return await self._publish(drop, view)
        if drop.id in self._superseded:
            await self._hand.do(lambda: self._places.remove_status(drop.stem))
            await self._ledger.remove(drop)
            self._forget(drop)
            return replace(drop, state=DropState.FAILED)
        if (
            view.state is JobState.FAILED
            and drop.attempt < MOST_ATTEMPTS
            and (why := _was_spoilt(drop, view))
        ):
            return await self._once_more(drop, why)
        return await self.fail(drop, failure_of(view), status_of(view))

    async def _publish(self, drop: Drop, view: JobView) -> Drop:
        try:
            outputs, contents = await self._hand.do(lambda: self._put(drop, view))
        except FileNotFoundError as error:
            await self._hand.do(self._places.check)  # where the folder is away, they are away with it
            if drop.attempt >= MOST_ATTEMPTS:
                gone = UnfinishedError(f"The results of {drop.document} are gone: {error.filename}.")
                return await self.fail(drop, gone, status_of(view))
            return await self._once_more(drop, f"its results are gone: {error.filename}")
        log.info("%s is done: %s", drop.document, outputs.get("wav", self._places.output))
        self._forget(drop)
        return await self._ledger.finish(drop, DropState.DONE, contents)

    def _put(self, drop: Drop, view: JobView) -> tuple[dict[str, str], list[str]]:
        """Put results in place; returns where they lie, and what they are known by."""
        outputs = self._places.publish(drop.stem, view.outputs)
        files = [Path(path) for what, path in outputs.items() if not what.startswith("take")]
        contents = [content_hash(path) for path in files]
        self._places.write_status(drop.stem, drop_status(drop.document, status_of(view), outputs))
        self._places.clear_error(drop.stem)
        if drop.goes_away:
            self._places.put_away(drop.document, self._places.done)
        self._places.check()  # else all this may have gone into the mount point of a share that dropped
        return outputs, contents

    async def _once_more(self, drop: Drop, why: str) -> Drop:
        log.info("%s is done once more, for %s", drop.document, why)
        return await self._ledger.change(drop, attempt=drop.attempt + 1, was_away=False)

    async def _say(self, drop: Drop, status: dict[str, Any]) -> None:
        """Rewrite the status file where it would say something new."""
        told = drop_status(drop.document, status)
        if told != self._told.get(drop.id):
            await self._hand.do(lambda: self._places.write_status(drop.stem, told))
            self._told[drop.id] = told

    def _forget(self, drop: Drop) -> None:
        self._media.forget(drop)
        self._told.pop(drop.id, None)
        self._superseded.discard(drop.id)
        self._jobs.pop((drop.id, drop.attempt), None)

    def _request_id(self, drop: Drop) -> str:
        return f"watch-{self._identity}-{drop.id}-{drop.attempt}"


def _was_spoilt(drop: Drop, view: JobView) -> str:
    """Why it may not have been the job's own fault that it failed; empty: it was."""
    if drop.was_away:
        return "the folder went away meanwhile"
    # a folder that was away for less than a round was seen only by the one who wrote into it
    if isinstance(failure_of(view), OutputWriteError):
        return "its results could not be written"
    return ""


def _waits_for(lacking: list[str]) -> str:
    return f"Waits until its media are there and whole: {_listed(lacking)}."


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_MEDIA} more" if len(names) > NAMED_MEDIA else ""
    return ", ".join(names[:NAMED_MEDIA]) + more


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} s"
