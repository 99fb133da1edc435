"""The jobs that are not over, in memory: how each stands, told to the board whenever it changes.

The views of those that have just come to an end are kept a while, for that is when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from v2m_daemon.home import Home
from v2m_daemon.jobs.board import Board
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.pace import Pace
from v2m_daemon.jobs.store import JobRecord
from v2m_daemon.jobs.view import JobState, JobView
from v2m_daemon.worker.executor import Progress

MOST_OVER: Final = 32
"""Views of jobs that are over."""

LONGEST_RESULT: Final = 5000
"""Beats, hits and the like in a result that is kept in memory: those of half an hour."""


@dataclass(frozen=True)
class _Entry:
    record: JobRecord
    pace: Pace
    view: JobView
    """Made once a change, for it is asked for much more often than it changes."""


class Roster:
    """Active jobs by id."""

    def __init__(self, home: Home, board: Board) -> None:
        """No job is active yet."""
        self._home = home
        self._board = board
        self._entries: dict[str, _Entry] = {}
        self._over: dict[str, JobView] = {}

    def put(self, record: JobRecord) -> JobView:
        """A job came or its state changed; one that is final leaves. Returns how it stands."""
        known = self._entries.get(record.id)
        pace = known.pace if known else Pace()
        if known and known.record.state is not record.state:
            pace = Pace(fraction=pace.fraction)  # stage, message and what is left were of the state before
        view = self.view_of(record, pace)
        if record.state.is_final:
            self._entries.pop(record.id, None)
            self._keep(view)
        else:
            self._entries[record.id] = _Entry(record, pace, view)
        self._board.show(view)
        return view

    def _keep(self, view: JobView) -> None:
        lists = (value for value in (view.result or {}).values() if isinstance(value, list))
        if sum(map(len, lists)) <= LONGEST_RESULT:
            self._over[view.id] = view
        if len(self._over) > MOST_OVER:
            del self._over[next(iter(self._over))]

    def forget(self, job_id: str) -> None:
        """A job that is over is known no more."""
        self._over.pop(job_id, None)

    def advance(self, job_id: str, progress: Progress, elapsed_s: float) -> None:
        """A running job reported."""
        entry = self._entries[job_id]
        self._show(entry, entry.pace.after(progress.stage, progress.fraction, progress.message, elapsed_s))

    def say(self, job_id: str, message: str) -> None:
        """Tell what a job waits for; no harm where it is not here."""
        if (entry := self._entries.get(job_id)) is not None:
            self._show(entry, replace(entry.pace, message=message))

    def _show(self, entry: _Entry, pace: Pace) -> None:
        if pace == entry.pace:
            return
        view = replace(
            entry.view,
            stage=pace.stage,
            fraction=pace.fraction,
            eta_s=pace.eta_s,
            message=pace.message or entry.record.message,
        )
        self._entries[view.id] = _Entry(entry.record, pace, view)
        self._board.show(view)

    def record(self, job_id: str) -> JobRecord | None:
        """An active job."""
        entry = self._entries.get(job_id)
        return entry.record if entry else None

    def view(self, job_id: str) -> JobView | None:
        """How an active job stands, or one that has just come to an end."""
        entry = self._entries.get(job_id)
        return entry.view if entry else self._over.get(job_id)

    def __iter__(self) -> Iterator[JobRecord]:
        return iter([entry.record for entry in self._entries.values()])

    def view_of(self, record: JobRecord, pace: Pace | None = None) -> JobView:
        """How a job stands, active or not."""
        pace = pace or Pace()
        is_done = record.state is JobState.DONE
        return JobView(
            id=record.id,
            kind=record.spec.kind,
            state=record.state,
            document=record.spec.document,
            out_dir=record.spec.result_dir(str(JobFolder(self._home.job(record.id)).out)),
            created_ms=record.created_ms,
            started_ms=record.started_ms,
            finished_ms=record.finished_ms,
            stage="" if record.state.is_final else pace.stage,
            fraction=1.0 if is_done else pace.fraction,
            eta_s=None if record.state.is_final else pace.eta_s,
            message=pace.message or record.message,
            attempts=record.attempts,
            client=record.spec.client,
            priority=record.spec.priority,
            outputs=MappingProxyType(dict(record.outputs)),
            result=record.result,
            error=record.error,
        )
