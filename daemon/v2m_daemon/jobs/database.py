"""An SQLite file behind one thread: whoever asks gets the answer only once it is on disk.

Asks that arrive while a commit is under way are done together in the next transaction (group commit), each in
a savepoint of its own: one that fails takes nothing else with it, and 64 submits cost one fsync rather than
64 at 4-8 ms each.
Sources: sqlite.org/pragma.html (WAL with synchronous FULL survives power loss), sqlite.org/stricttables.html.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from v2m.errors import OutputWriteError, UnreachableError, UnsupportedError, V2MError

T = TypeVar("T")
Ask = Callable[[sqlite3.Connection], T]

PRAGMAS: Final = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)
MOST_AT_ONCE: Final = 256
"""Asks in one transaction: enough for every burst that the queue lets in, short enough to answer in time."""


@dataclass
class _Asked:
    ask: Ask[Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class Database:
    """The thread, its connection, and the asks that wait for it."""

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        """Nothing is touched before `open`.

        Args:
            path: the file, on a local disk: WAL does not work over a network.
            migrations: SQL scripts; the file's `user_version` says how many of them it has seen.
        """
        self.path = path
        self._migrations = migrations
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Open the file, bring it up to date, start the thread.

        Raises:
            OutputWriteError: it cannot be opened or is no database of ours.
            UnsupportedError: a newer version of V2M wrote it.
        """
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise OutputWriteError(
                f"Cannot open the list of jobs {self.path}: {error}.",
                hint="Move the file away to begin with an empty list.",
            ) from error
        self._thread = threading.Thread(target=self._serve, args=(connection,), name="v2m-jobs", daemon=True)
        self._thread.start()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(self._migrations):
            raise UnsupportedError(
                f"The list of jobs {self.path} is of version {version}, this V2M knows up to "
                f"{len(self._migrations)}.",
                hint="Update V2M, or set V2M_HOME to another folder.",
            )
        for number, script in enumerate(self._migrations[version:], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")

    async def ask(self, ask: Ask[T]) -> T:
        """Do something with the connection in a transaction; the answer comes when it is on disk.

        Whoever stops waiting does not stop the ask: it may well have been done.

        Raises:
            OutputWriteError: disk full or broken; nothing was changed.
            V2MError: what the ask raised; nothing was changed.
        """
        if self._thread is None:
            raise UnreachableError("The list of jobs is closed.", hint="Ask again when the daemon is back.")
        loop = asyncio.get_running_loop()
        asked = _Asked(ask, loop, loop.create_future())
        self._asked.put(asked)
        answer: T = await asked.answer
        return answer

    def close(self) -> None:
        """Answer what was asked, then close the file."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._asked.put(None)
            thread.join()

    def _serve(self, connection: sqlite3.Connection) -> None:
        goes_on = True
        while goes_on:
            batch = [self._asked.get()]
            while len(batch) < MOST_AT_ONCE and not self._asked.empty():
                batch.append(self._asked.get())
            goes_on = None not in batch
            asked = [each for each in batch if each is not None]
            for each, outcome in zip(asked, self._transact(connection, asked), strict=True):
                _answer(each, outcome)
        connection.close()

    def _transact(self, connection: sqlite3.Connection, batch: Sequence[_Asked]) -> list[Any]:
        """The answers to a batch, or the errors, once all of it is on disk."""
        if not batch:
            return []
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [_attempt(connection, each.ask) for each in batch]
            self._commit(connection)
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            return [_write_error(self.path, error) for _ in batch]
        return outcomes

    def _commit(self, connection: sqlite3.Connection) -> None:
        """The durable step."""
        connection.execute("COMMIT")


def _attempt(connection: sqlite3.Connection, ask: Ask[Any]) -> Any:  # noqa: ANN401 - an answer or an error
    connection.execute("SAVEPOINT ask")
    try:
        outcome = ask(connection)
    except sqlite3.OperationalError:
        raise  # disk full or broken: SQLite may have rolled back more than this ask
    except Exception as error:
        connection.execute("ROLLBACK TO ask")
        outcome = error
    connection.execute("RELEASE ask")
    return outcome


def _answer(asked: _Asked, outcome: Any) -> None:  # noqa: ANN401 - an answer or an error
    def settle() -> None:
        if asked.answer.done():  # nobody waits any more
            return
        if isinstance(outcome, Exception):
            asked.answer.set_exception(outcome)
        else:
            asked.answer.set_result(outcome)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        asked.loop.call_soon_threadsafe(settle)


def _write_error(path: Path, error: sqlite3.Error) -> V2MError:
    return OutputWriteError(
        f"Cannot write the list of jobs {path}: {error}.", hint="Make room on its disk, then try again."
    )
