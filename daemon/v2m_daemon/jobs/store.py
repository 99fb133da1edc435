"""Every job on disk, and the only ways in which its state changes.

Conventions: one change of one job is one transaction, together with a row in `changes` that says when and
why; a change names the states from which it is allowed and does nothing from another, so a job cannot be
finished twice. Progress within a running job is not stored: after a crash nobody needs it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from v2m.errors import ConflictError, FieldError, UnknownJobError
from v2m_daemon.jobs.database import Database
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.jobs.view import JobError, JobState

MIGRATIONS: Final = (
    """
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        request_id TEXT UNIQUE,
        state TEXT NOT NULL
            CHECK (state IN ('queued', 'waiting_media', 'running', 'done', 'failed', 'cancelled')),
        client TEXT NOT NULL,
        spec TEXT NOT NULL,
        message TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        losses INTEGER NOT NULL,
        interruptions INTEGER NOT NULL,
        window_scale REAL NOT NULL,
        cancel_asked INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        started_ms INTEGER,
        finished_ms INTEGER,
        outputs TEXT NOT NULL,
        result TEXT,
        error TEXT
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state, seq);
    CREATE TABLE changes (
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        at_ms INTEGER NOT NULL,
        state TEXT NOT NULL,
        note TEXT NOT NULL
    ) STRICT;
    CREATE INDEX changes_by_job ON changes (job)
    """,
)
"""Each brings the file from one `user_version` to the next; what was released is never edited."""

LARGEST_PAGE: Final = 1000

ACTIVE: Final = tuple(state for state in JobState if not state.is_final)


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """One job as it is stored."""

    id: str
    spec: JobSpec
    state: JobState
    created_ms: int
    seq: int = 0
    """Grows from job to job; given by the store."""

    message: str = ""
    attempts: int = 0
    """How often it was taken up."""

    losses: int = 0
    """How often its worker died or hung."""

    interruptions: int = 0
    """How often the daemon died while it ran."""

    window_scale: float = 1.0
    cancel_asked: bool = False
    """Somebody wanted it to stop: it is not taken up again."""

    started_ms: int | None = None
    finished_ms: int | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: JobError | None = None


@dataclass(frozen=True)
class Page:
    """Some records, newest first."""

    records: tuple[JobRecord, ...]
    next_token: str
    """Empty: there are no more."""


Modify = Callable[[JobRecord], JobRecord]


class Store:
    """The jobs of one home."""

    def __init__(self, path: Path) -> None:
        """Nothing is touched before `open`."""
        self._database = Database(path, MIGRATIONS)

    def open(self) -> None:
        """Open the file and bring it up to date.

        Raises:
            OutputWriteError, UnsupportedError: see `Database.open`.
        """
        self._database.open()

    def close(self) -> None:
        """Finish what was asked and close the file."""
        self._database.close()

    async def add(self, record: JobRecord) -> JobRecord:
        """Store a new job, or give back the one with the same request id.

        Raises:
            ConflictError: the one with the same request id was asked for otherwise.
        """
        return await self._database.ask(_Addition(record))

    async def change(
        self, job_id: str, allowed: Collection[JobState], modify: Modify, *, at_ms: int, note: str = ""
    ) -> JobRecord:
        """Change a job that is in one of the allowed states; from another it stays as it is.

        Returns:
            The job as it is now.

        Raises:
            UnknownJobError: there is none.
        """

        def ask(connection: sqlite3.Connection) -> JobRecord:
            record = _get(connection, job_id)
            if record.state not in allowed:
                return record
            changed = modify(record)
            _update(connection, changed)
            _note(connection, changed, at_ms, note)
            return changed

        return await self._database.ask(ask)

    async def get(self, job_id: str) -> JobRecord:
        """One job.

        Raises:
            UnknownJobError: there is none.
        """
        return await self._database.look(lambda connection: _get(connection, job_id))

    async def find(self, request_id: str) -> JobRecord | None:
        """The job that was asked for by this request id."""
        return await self._database.look(lambda connection: _find(connection, request_id))

    async def active(self) -> list[JobRecord]:
        """Every job that is not final, in the order in which they came."""
        sql = "SELECT * FROM jobs WHERE state IN (?, ?, ?) ORDER BY seq"
        return await self._database.look(lambda connection: _records(connection.execute(sql, ACTIVE)))

    async def page(
        self, *, states: Collection[JobState] = (), client: str = "", size: int = 100, token: str = ""
    ) -> Page:
        """Jobs, newest first, without their results, of which each may be long.

        Raises:
            FieldError: size or token make no sense.
        """
        if not 1 <= size <= LARGEST_PAGE:
            raise FieldError(f"The page size is {size}, expected 1 to {LARGEST_PAGE}.", detail="page_size")
        if token and not (token.isascii() and token.isdigit() and len(token) < 19):
            raise FieldError(f"{token!r:.100} is no page token of ours.", detail="page_token")
        asked = {
            "before": int(token or 2**62),
            "states": json.dumps(list(states or JobState)),
            "client": client,
            "size": size + 1,
        }
        sql = f"""
            SELECT seq, state, {_LISTED}, NULL AS result FROM jobs
            WHERE seq < :before AND state IN (SELECT value FROM json_each(:states))
                AND (:client = '' OR client = :client)
            ORDER BY seq DESC LIMIT :size
        """  # noqa: S608 - our names
        found = await self._database.look(lambda connection: _records(connection.execute(sql, asked)))
        more = len(found) > size
        return Page(tuple(found[:size]), str(found[size - 1].seq) if more else "")

    async def forget(self, before_ms: int) -> list[str]:
        """Delete the jobs that were final before a moment; returns their ids."""
        sql = "DELETE FROM jobs WHERE finished_ms < ? RETURNING id"
        return await self._database.ask(
            lambda connection: [job_id for (job_id,) in connection.execute(sql, (before_ms,)).fetchall()]
        )

    async def known(self, job_ids: Collection[str]) -> set[str]:
        """Those of the ids that belong to a job."""
        sql = "SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
        asked = (json.dumps(sorted(job_ids)),)
        return await self._database.look(
            lambda connection: {job_id for (job_id,) in connection.execute(sql, asked)}
        )

    async def history(self, job_id: str) -> list[tuple[JobState, str]]:
        """Every change of a job in its order: the state that it came to, and why."""
        sql = "SELECT state, note FROM changes WHERE job = ? ORDER BY rowid"
        return await self._database.look(
            lambda connection: [(JobState(s), note) for s, note in connection.execute(sql, (job_id,))]
        )


_COLUMNS: Final = (
    "id", "request_id", "state", "client", "spec", "message", "attempts", "losses", "interruptions",
    "window_scale", "cancel_asked", "created_ms", "started_ms", "finished_ms", "outputs", "result", "error",
)  # fmt: skip
_LISTED: Final = ", ".join(name for name in _COLUMNS if name not in ("state", "result"))


def _from_rows(columns: int) -> str:
    """What gives the rows of a JSON list of lists, in their order."""
    values = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(columns))
    return f"SELECT {values} FROM json_each(?) ORDER BY key"  # noqa: S608 - our numbers


_INSERT: Final = (
    f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)})"  # noqa: S608
)
_UPDATE: Final = f"UPDATE jobs SET {', '.join(f'{name} = :{name}' for name in _COLUMNS)} WHERE id = :id"  # noqa: S608

_INSERT_ALL: Final = f"INSERT INTO jobs ({', '.join(_COLUMNS)}) {_from_rows(len(_COLUMNS))}"
_NOTE_ALL: Final = f"INSERT INTO changes (job, at_ms, state, note) {_from_rows(4)}"


@dataclass(frozen=True)
class _Addition:
    """An ask for a new job; those of a crowd go into the list by a few statements, whatever their number."""

    record: JobRecord

    def __call__(self, connection: sqlite3.Connection) -> JobRecord:
        known = _find(connection, self.record.spec.request_id)
        if known is None:
            return _insert(connection, self.record)
        if known.spec != self.record.spec:
            raise ConflictError(
                f"The request id {self.record.spec.request_id!r} was used for another job, {known.id}.",
                hint="Make a new id for each new request.",
            )
        return known

    @staticmethod
    def together(connection: sqlite3.Connection, additions: Sequence[_Addition]) -> list[JobRecord] | None:
        """As each by itself would answer; None where one of them may have been asked for before."""
        records = [addition.record for addition in additions]
        ids = [record.spec.request_id for record in records if record.spec.request_id]
        if len(set(ids)) < len(ids) or _are_known(connection, ids):
            return None
        rows = [[row[name] for name in _COLUMNS] for row in map(_row, records)]
        last = connection.execute(_INSERT_ALL, (_rows(rows),)).lastrowid or 0
        notes = [[record.id, record.created_ms, record.state, record.message] for record in records]
        connection.execute(_NOTE_ALL, (_rows(notes),))
        first = last - len(records) + 1  # one writes at a time, so the numbers follow each other
        return [replace(record, seq=seq) for seq, record in enumerate(records, start=first)]


def _rows(rows: Sequence[Sequence[Any]]) -> str:
    """For `_from_rows`; what is no Unicode stays so, and is refused as it is where a job comes alone."""
    return json.dumps(rows, ensure_ascii=False)


def _are_known(connection: sqlite3.Connection, request_ids: Sequence[str]) -> bool:
    sql = "SELECT EXISTS (SELECT 1 FROM jobs WHERE request_id IN (SELECT value FROM json_each(?)))"
    (are_known,) = connection.execute(sql, (json.dumps(request_ids),)).fetchone()
    return bool(are_known)


def _insert(connection: sqlite3.Connection, record: JobRecord) -> JobRecord:
    seq = connection.execute(_INSERT, _row(record)).lastrowid
    _note(connection, record, record.created_ms, record.message)
    return replace(record, seq=seq or 0)


def _update(connection: sqlite3.Connection, record: JobRecord) -> None:
    connection.execute(_UPDATE, _row(record))


def _note(connection: sqlite3.Connection, record: JobRecord, at_ms: int, note: str) -> None:
    sql = "INSERT INTO changes (job, at_ms, state, note) VALUES (?, ?, ?, ?)"
    connection.execute(sql, (record.id, at_ms, record.state, note))


def _get(connection: sqlite3.Connection, job_id: str) -> JobRecord:
    found = _records(connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)))
    if not found:
        raise UnknownJobError(f"There is no job {job_id!r:.100}.", hint="See `v2m jobs`.")
    return found[0]


def _find(connection: sqlite3.Connection, request_id: str) -> JobRecord | None:
    if not request_id:
        return None
    found = _records(connection.execute("SELECT * FROM jobs WHERE request_id = ?", (request_id,)))
    return found[0] if found else None


def _row(record: JobRecord) -> dict[str, Any]:
    return {
        **{name: getattr(record, name) for name in _COLUMNS if hasattr(record, name)},
        "request_id": record.spec.request_id or None,
        "client": record.spec.client,
        "state": str(record.state),
        "spec": json.dumps(record.spec.to_json()),
        "cancel_asked": int(record.cancel_asked),
        "outputs": json.dumps(dict(record.outputs)),
        "result": None if record.result is None else json.dumps(record.result),
        "error": None if record.error is None else json.dumps(asdict(record.error)),
    }


def _records(cursor: sqlite3.Cursor) -> list[JobRecord]:
    names: Sequence[str] = [column[0] for column in cursor.description]
    return [_record(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


@lru_cache(maxsize=256)
def _spec(text: str) -> JobSpec:
    """Kept for a while: the newest jobs are listed again and again."""
    return JobSpec.from_json(json.loads(text))


def _record(row: dict[str, Any]) -> JobRecord:
    del row["request_id"], row["client"]  # they are in the spec
    return JobRecord(
        **row
        | {
            "state": JobState(row["state"]),
            "spec": _spec(row["spec"]),
            "cancel_asked": bool(row["cancel_asked"]),
            "outputs": json.loads(row["outputs"]),
            "result": None if row["result"] is None else json.loads(row["result"]),
            "error": None if row["error"] is None else JobError(**json.loads(row["error"])),
        }
    )
