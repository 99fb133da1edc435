"""What was taken in from one watch folder, by content, so that nothing is done twice.

Conventions: what a method returns is on disk. A content has one row however often and under whatever names it
is dropped; rows that are done are kept for ever, at some 500 bytes each.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from v2m_daemon.intake.drop import Drop, DropState
from v2m_daemon.jobs.database import Database
from v2m_daemon.jobs.spec import JobSpec

MIGRATIONS: Final = (
    """
    CREATE TABLE drops (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        content TEXT NOT NULL UNIQUE,
        document TEXT NOT NULL,
        stem TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        spec TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed')),
        attempt INTEGER NOT NULL,
        in_place INTEGER NOT NULL,
        without_media INTEGER NOT NULL,
        was_away INTEGER NOT NULL,
        media TEXT NOT NULL
    ) STRICT;
    CREATE INDEX drops_by_state ON drops (state);
    CREATE TABLE outputs (content TEXT PRIMARY KEY) STRICT;
    CREATE TABLE identity (id TEXT NOT NULL) STRICT
    """,
)
"""Each brings the file from one `user_version` to the next; what was released is never edited."""


class Ledger:
    """The rows of one folder."""

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
        """Close the file."""
        self._database.close()

    async def identity(self) -> str:
        """A name that no other ledger has: it stands in the folder's anchor and in the ids of requests."""

        def ask(connection: sqlite3.Connection) -> str:
            row = connection.execute("SELECT id FROM identity").fetchone()
            if row is None:
                row = (secrets.token_hex(16),)
                connection.execute("INSERT INTO identity VALUES (?)", row)
            return str(row[0])

        return await self._database.ask(ask)

    async def is_empty(self) -> bool:
        """Whether nothing was ever taken in."""
        query = "SELECT NOT EXISTS (SELECT * FROM drops)"
        return bool(await self._database.ask(lambda connection: connection.execute(query).fetchone()[0]))

    async def add(self, drop: Drop) -> Drop:
        """Take a document in; a content that is known already stays as it was, and is returned."""

        def ask(connection: sqlite3.Connection) -> Drop:
            row = _row(drop)
            names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(
                f"INSERT INTO drops ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608 - our names
                row,
            )
            return _select(connection, "WHERE content = ?", (drop.content,))[0]

        return await self._database.ask(ask)

    async def change(self, drop: Drop, **changes: Any) -> Drop:  # noqa: ANN401 - fields of a drop
        """Change some fields of a row; returns it as it stands then."""
        changed = replace(drop, **changes)

        def ask(connection: sqlite3.Connection) -> None:
            row = _row(changed)
            setting = ", ".join(f"{name} = :{name}" for name in row)
            connection.execute(f"UPDATE drops SET {setting} WHERE id = :id", row | {"id": drop.id})  # noqa: S608

        await self._database.ask(ask)
        return changed

    async def finish(self, drop: Drop, state: DropState, outputs: Collection[str] = ()) -> Drop:
        """End a row, and note in the same moment what came out of it: that is never taken in."""
        changed = replace(drop, state=state)

        def ask(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE drops SET state = ? WHERE id = ?", (str(state), drop.id))
            known = [(content,) for content in outputs]
            connection.executemany("INSERT INTO outputs VALUES (?) ON CONFLICT DO NOTHING", known)

        await self._database.ask(ask)
        return changed

    async def note_away(self) -> None:
        """The folder went away: remember it in every row that is open."""
        change = "UPDATE drops SET was_away = 1 WHERE state = 'open'"
        await self._database.ask(lambda connection: connection.execute(change).close())

    async def remove(self, drop: Drop) -> None:
        """Forget a row, so that its content may come again."""
        await self._database.ask(
            lambda connection: connection.execute("DELETE FROM drops WHERE id = ?", (drop.id,)).close()
        )

    async def of_content(self, content: str) -> Drop | None:
        """The row of a content."""
        found = await self._database.ask(
            lambda connection: _select(connection, "WHERE content = ?", (content,))
        )
        return found[0] if found else None

    async def in_state(self, state: DropState) -> list[Drop]:
        """All rows in a state, oldest first."""
        return await self._database.ask(
            lambda connection: _select(connection, "WHERE state = ? ORDER BY id", (str(state),))
        )

    async def named_media(self) -> set[str]:
        """Every name in this folder that a document of it ever showed."""

        def ask(connection: sqlite3.Connection) -> set[str]:
            lists = connection.execute("SELECT media FROM drops WHERE media <> '[]'").fetchall()
            return {path for (text,) in lists for path in json.loads(text)}

        return await self._database.ask(ask)

    async def is_output(self, content: str) -> bool:
        """Whether we made this ourselves."""
        query = "SELECT EXISTS (SELECT * FROM outputs WHERE content = ?)"
        return bool(
            await self._database.ask(lambda connection: connection.execute(query, (content,)).fetchone()[0])
        )


def _row(drop: Drop) -> dict[str, Any]:
    return {
        "content": drop.content,
        "document": drop.document,
        "stem": drop.stem,
        "size": drop.size,
        "mtime_ns": drop.mtime_ns,
        "spec": json.dumps(drop.spec.to_json()),
        "state": str(drop.state),
        "attempt": drop.attempt,
        "in_place": int(drop.in_place),
        "without_media": int(drop.without_media),
        "was_away": int(drop.was_away),
        "media": json.dumps(drop.media),
    }


def _select(connection: sqlite3.Connection, where: str, values: tuple[str, ...]) -> list[Drop]:
    cursor = connection.execute(f"SELECT * FROM drops {where}", values)  # noqa: S608 - our words
    names = [column[0] for column in cursor.description]
    return [_drop(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def _drop(row: dict[str, Any]) -> Drop:
    return Drop(
        **row
        | {
            "spec": JobSpec.from_json(json.loads(row["spec"])),
            "state": DropState(row["state"]),
            "in_place": bool(row["in_place"]),
            "without_media": bool(row["without_media"]),
            "was_away": bool(row["was_away"]),
            "media": tuple(json.loads(row["media"])),
        }
    )
