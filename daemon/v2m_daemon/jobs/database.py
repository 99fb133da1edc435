"""An SQLite file behind two threads: one writes and answers once it is on disk, one reads beside it.

Asks that arrive while a commit is under way are done together in the next transaction (group commit), each in
a savepoint of its own: one that fails takes nothing else with it, and 64 submits cost one fsync rather than
64 at 4-8 ms each. Readers have a connection of their own, because WAL lets them read while a commit waits for
the disk; they see what is on disk and nothing else.
Sources: sqlite.org/pragma.html (WAL with synchronous FULL survives power loss), sqlite.org/stricttables.html.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from v2m.errors import OutputWriteError, UnreachableError, UnsupportedError, V2MError
from v2m_daemon.jobs.lane import Ask, Lane, T

WRITING: Final = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)
READING: Final = ("PRAGMA busy_timeout = 5000", "PRAGMA query_only = ON", "PRAGMA trusted_schema = OFF")


class Database:
    """The file, open between `open` and `close`."""

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        """Nothing is touched before `open`.

        Args:
            path: the file, on a local disk: WAL does not work over a network.
            migrations: SQL scripts; the file's `user_version` says how many of them it has seen.
        """
        self.path = path
        self._migrations = migrations
        self._writer: Lane | None = None
        self._reader: Lane | None = None

    def open(self) -> None:
        """Open the file, bring it up to date, start the threads.

        Raises:
            OutputWriteError: it cannot be opened or is no database of ours.
            UnsupportedError: a newer version of V2M wrote it.
        """
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            writing, reading = self._connections()
        except (OSError, sqlite3.Error) as error:
            raise OutputWriteError(
                f"Cannot open the list of jobs {self.path}: {error}.",
                hint="Move the file away to begin with an empty list.",
            ) from error
        self._writer = Lane("v2m-jobs", writing, self._transact)
        self._reader = Lane("v2m-jobs-read", reading, _read)

    def _connections(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        """The one that writes, which brings the file up to date first, and the one that reads."""
        with contextlib.ExitStack() as opened:
            writing, reading = (opened.enter_context(contextlib.closing(self._connect())) for _ in range(2))
            for connection, pragmas in ((writing, WRITING), (reading, READING)):
                for pragma in pragmas:
                    connection.execute(pragma)
            self._migrate(writing)
            opened.pop_all()
        return writing, reading

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)

    def _migrate(self, connection: sqlite3.Connection) -> None:
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
        return await _there(self._writer).ask(ask)

    async def look(self, ask: Ask[T]) -> T:
        """Read something, as it is on disk now, without waiting for those who write.

        Raises:
            OutputWriteError: the file cannot be read.
            V2MError: what the ask raised.
        """
        return await _there(self._reader).ask(ask)

    def close(self) -> None:
        """Answer what was asked, then close the file."""
        lanes = (self._reader, self._writer)
        self._reader = self._writer = None  # nobody asks a thread that ends
        for lane in lanes:
            if lane is not None:
                lane.close()

    def _transact(self, connection: sqlite3.Connection, batch: Sequence[Ask[Any]]) -> list[Any]:
        """The answers to a batch, or the errors, once all of it is on disk."""
        if not batch:
            return []
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [
                outcome for _, asks in groupby(batch, type) for outcome in _outcomes(connection, list(asks))
            ]
            self._commit(connection)
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            return [_write_error(self.path, error) for _ in batch]
        return outcomes

    def _commit(self, connection: sqlite3.Connection) -> None:
        """The durable step."""
        connection.execute("COMMIT")


def _outcomes(connection: sqlite3.Connection, asks: Sequence[Ask[Any]]) -> list[Any]:
    """Answers or errors of asks of one kind: together if they know how, each alone where that fails."""
    together = getattr(asks[0], "together", None)
    if together is not None and len(asks) > 1:
        found = _attempt(connection, lambda connection: together(connection, asks))
        if isinstance(found, list):
            return found
    return [_attempt(connection, ask) for ask in asks]


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


def _read(connection: sqlite3.Connection, batch: Sequence[Ask[Any]]) -> list[Any]:
    """Each for itself: a statement alone is a transaction, and nothing is to be committed."""
    outcomes: list[Any] = []
    for ask in batch:
        try:
            outcomes.append(ask(connection))
        except sqlite3.Error as error:
            outcomes.append(OutputWriteError(f"Cannot read the list of jobs: {error}."))
        except Exception as error:
            outcomes.append(error)
    return outcomes


def _there(lane: Lane | None) -> Lane:
    if lane is None:
        raise UnreachableError("The list of jobs is closed.", hint="Ask again when the daemon is back.")
    return lane


def _write_error(path: Path, error: sqlite3.Error) -> V2MError:
    return OutputWriteError(
        f"Cannot write the list of jobs {path}: {error}.", hint="Make room on its disk, then try again."
    )
