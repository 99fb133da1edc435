"""One document that was taken in from a watch folder, as the ledger knows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Final

from v2m_daemon.intake.names import FOLDERS, Kind, kind_of
from v2m_daemon.jobs.spec import JobSpec

MOST_ATTEMPTS: Final = 3
"""A job that was spoilt by a share going away is done again, but not for ever."""


class DropState(StrEnum):
    """Where a document is on its way."""

    OPEN = "open"
    """A job does it, or will."""

    DONE = "done"
    FAILED = "failed"
    """Dropped once more, it is tried once more."""


@dataclass(frozen=True, kw_only=True)
class Drop:
    """A row of the ledger."""

    id: int = 0
    """Never used twice; given by the ledger."""

    content: str
    """Hash of the document's content: what it is known by."""

    document: str
    """Its name in the folder."""

    stem: str
    """What its results are called."""

    size: int
    mtime_ns: int
    """Of the document when it was taken in."""

    spec: JobSpec
    """What was asked for, without a request id."""

    state: DropState = DropState.OPEN
    attempt: int = 1
    """Counts from one; each is a job of its own."""

    in_place: bool = True
    without_media: bool = False
    was_away: bool = False
    """The folder went away while a job of it was under way: should that fail, it was not its own fault."""

    media: tuple[str, ...] = ()
    """Names in the watch folder that it shows: they are not scored alone."""

    @property
    def look(self) -> tuple[int, int]:
        """See `Look.same_content`."""
        return self.size, self.mtime_ns

    @property
    def kind(self) -> Kind | None:
        """What was dropped."""
        return kind_of(self.document, is_folder=self.is_folder)

    @property
    def goes_away(self) -> bool:
        """Whether the document is moved when it is done: unless the result shows it, or what lies in it."""
        return not self.in_place and self.kind == "timeline" and not self.is_folder

    @property
    def is_folder(self) -> bool:
        """Whether it is a document that is a folder."""
        return PurePath(self.document).suffix.lower() in FOLDERS
