"""The list of jobs on disk: kept whole by SQLite, changed only along allowed ways."""

import asyncio
import os
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon.jobs.database import Database
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.jobs.store import MIGRATIONS, JobRecord, Store
from v2m_daemon.jobs.view import JobError, JobState

from v2m.errors import ConflictError, DocumentError, OutputWriteError, UnreachableError, UnsupportedError

Ask = Callable[..., JobSpec]
Run = Callable[[Any], Any]


def record(spec: JobSpec, job_id: str = "a", **values: Any) -> JobRecord:
    return JobRecord(**({"id": job_id, "spec": spec, "state": JobState.QUEUED, "created_ms": 1} | values))


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = Store(tmp_path / "jobs.sqlite3")
    store.open()
    yield store
    store.close()


def test_a_record_comes_back_as_it_went(store: Store, run: Run, ask: Ask, tmp_path: Path) -> None:
    full = record(
        ask("ü", path_map=(("D:/", str(tmp_path)),), request_id="r", client="c", priority=2),
        state=JobState.FAILED, message="m", attempts=2, losses=1, interruptions=3, window_scale=0.5,
        cancel_asked=True, started_ms=2, finished_ms=3, outputs={"wav": "/a"}, result={"sch": {"value": 1.0}},
        error=JobError.of(DocumentError("No.", hint="Do.", detail="d")),
    )  # fmt: skip
    added = run(store.add(full))
    assert added == replace(full, seq=added.seq)
    assert run(store.get("a")) == added
    assert run(store.find("r")) == added


def test_a_final_state_is_final(store: Store, run: Run, ask: Ask) -> None:
    run(store.add(record(ask())))
    finished = []

    def finish(current: JobRecord) -> JobRecord:
        finished.append(current.id)
        return replace(current, state=JobState.DONE)

    async def twice() -> None:
        changes = (store.change("a", (JobState.QUEUED,), finish, at_ms=n, note="done") for n in range(9))
        assert {one.state for one in await asyncio.gather(*changes)} == {JobState.DONE}

    run(twice())
    assert finished == ["a"]
    assert [state for state, _ in run(store.history("a"))] == ["queued", "done"]


def test_one_that_fails_takes_no_other_with_it(store: Store, run: Run, ask: Ask) -> None:
    def broken(_: JobRecord) -> JobRecord:
        raise ValueError("no")

    async def together() -> list[Any]:
        return await asyncio.gather(
            store.add(record(ask(), "a")),
            store.change("a", (JobState.QUEUED,), broken, at_ms=1),
            store.add(record(ask(), "a")),  # the same id again
            store.add(record(ask(), "b")),
            return_exceptions=True,
        )

    first, second, third, fourth = run(together())
    assert first.id == "a"
    assert isinstance(second, ValueError)
    assert isinstance(third, sqlite3.IntegrityError)
    assert fourth.id == "b"
    assert [one.id for one in run(store.active())] == ["a", "b"]


def test_many_at_once_cost_few_commits(
    store: Store, run: Run, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[None] = []
    commit = Database._commit

    def counted(self: Database, connection: sqlite3.Connection) -> None:
        commits.append(None)
        commit(self, connection)

    monkeypatch.setattr(Database, "_commit", counted)

    async def together() -> None:
        await asyncio.gather(*(store.add(record(ask(), f"{n}")) for n in range(200)))

    run(together())
    assert len(run(store.active())) == 200
    assert len(commits) < 50


async def added(store: Store, *records: JobRecord) -> list[Any]:
    """The answers to records that come at once; the disk is busy until all of them wait."""
    goes_on = threading.Event()
    busy = asyncio.create_task(store._database.ask(lambda _: goes_on.wait()))
    adding = [asyncio.create_task(store.add(each)) for each in records]
    await asyncio.sleep(0.05)
    goes_on.set()
    await busy
    return await asyncio.gather(*adding, return_exceptions=True)


def test_what_comes_together_is_stored_as_if_it_came_alone(
    store: Store, run: Run, ask: Ask, tmp_path: Path
) -> None:
    first = record(
        ask("ü \" '", path_map=(("D:/", str(tmp_path)),), request_id="r", client="Zoë", priority=2),
        "a", state=JobState.WAITING_MEDIA, message="waits for ü", window_scale=0.5, created_ms=2**42,
    )  # fmt: skip
    rest = [record(ask(str(number)), f"{number}", created_ms=number) for number in range(20)]
    run(store.add(record(ask(), "earlier")))
    statements: list[str] = []
    run(store._database.ask(lambda c: c.set_trace_callback(statements.append)))
    answers = run(added(store, first, *rest))
    run(store._database.ask(lambda c: c.set_trace_callback(None)))
    assert len(statements) < len(answers)  # alone each takes four
    assert [one.seq for one in answers] == list(range(2, 23))
    assert answers == [replace(one, seq=seq) for seq, one in enumerate([first, *rest], start=2)]
    assert run(store.active())[1:] == answers
    assert run(store.find("r")) == answers[0]
    assert run(store.history("a")) == [("waiting_media", "waits for ü")]
    assert run(store.history("7")) == [("queued", "")]
    assert run(store.add(record(ask(), "later"))).seq == 23


def test_of_those_that_come_together_the_same_request_is_one_job(store: Store, run: Run, ask: Ask) -> None:
    known = run(store.add(record(ask("a", request_id="known"), "known")))
    answers = run(
        added(
            store,
            record(ask("b", request_id="twice"), "b"),
            record(ask("b", request_id="twice"), "c"),
            record(ask("d", request_id="twice"), "d"),
            record(ask("a", request_id="known"), "e"),
            record(ask("f"), "f"),
            record(ask("g"), "g", message="\ud800"),  # no Unicode: it goes into no file
        )
    )
    assert [one.id for one in (*answers[:2], *answers[3:5])] == ["b", "b", "known", "f"]
    assert isinstance(answers[2], ConflictError)
    assert answers[3] == known
    assert isinstance(answers[5], UnicodeEncodeError)
    assert [one.id for one in run(store.active())] == ["known", "b", "f"]


def test_a_full_disk_changes_nothing_and_passes(store: Store, run: Run, ask: Ask, tmp_path: Path) -> None:
    async def fill() -> None:
        await store._database.ask(lambda c: c.execute("PRAGMA max_page_count = 1").fetchone())
        big = [store.add(record(ask("x" * 10_000), f"big{number}")) for number in range(50)]
        answers = await asyncio.gather(*big, return_exceptions=True)
        assert any(isinstance(one, OutputWriteError) and "full" in one.message for one in answers)
        await store._database.ask(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
        before = len(await store.active())
        await store.add(record(ask(), "after"))
        assert len(await store.active()) == before + 1

    run(fill())


def test_sqlite_is_asked_for_what_survives_power_loss(store: Store, run: Run, tmp_path: Path) -> None:
    def pragma(name: str) -> Any:
        return run(store._database.ask(lambda c: c.execute(f"PRAGMA {name}").fetchone()[0]))

    assert (pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")) == ("wal", 2, 1)
    (strict,) = {
        row[0]
        for row in run(
            store._database.ask(
                lambda c: c.execute("SELECT strict FROM pragma_table_list WHERE schema = 'main' "
                                    "AND type = 'table' AND name NOT LIKE 'sqlite%'").fetchall()
            )
        )
    }  # fmt: skip
    assert strict == 1
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "jobs.sqlite3").stat().st_mode) == 0o600


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(UnsupportedError, match=f"version {len(MIGRATIONS) + 1}"):
        Store(path).open()


def test_a_migration_that_is_added_runs_once_and_keeps_the_rows(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "some.sqlite3"
    first = "CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1)"
    for migrations in ((first,), (first, "ALTER TABLE t ADD COLUMN b INTEGER"), (first, "broken if run")):
        database = Database(path, migrations)
        database.open()
        rows = run(database.ask(lambda c: c.execute("SELECT * FROM t").fetchall()))
        database.close()
    assert rows == [(1, None)]


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(b"not a database" * 1000)
    with pytest.raises(OutputWriteError, match=r"jobs\.sqlite3"):
        Store(tmp_path / "jobs.sqlite3").open()


def test_a_closed_list_answers_nobody(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path / "jobs.sqlite3")
    store.open()
    store.close()
    with pytest.raises(UnreachableError):
        run(store.get("a"))
    assert "jobs.sqlite3-wal" not in os.listdir(tmp_path)  # all of it is in the file itself
