"""How a folder is watched: the `[[watch]]` tables of the daemon's configuration.

Conventions: spans in seconds; an unknown key is an error that names the known ones. What is made of the
documents is said in the folder itself; see `v2m_daemon.intake.preset`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final

from v2m.errors import UsageError

WAYS: Final = ("auto", "events", "polling")


@dataclass(frozen=True)
class WatchSettings:
    """One `[[watch]]` table."""

    folder: str
    """Absolute. Only what lies directly in it is taken in; folders in it are for media."""

    watching: str = "auto"
    """`events`: the system tells of changes; `polling`: look again and again; `auto`: polling on network
    file systems, where the system hears nothing of what other machines do."""

    look_every_s: float = 1.0
    """Between two looks while something is arriving or being done."""

    equal_looks: int = 3
    """A file has settled when so many looks in a row saw the same size, time and inode. Others wait
    2 to 10 s; a copy that stalls longer is caught by being read."""

    poll_every_s: float = 5.0
    """Between two looks where nothing happens and the system tells of no changes."""

    broken_wait_s: float = 30.0
    """What cannot be read may still be coming: so long unchanged, and it is taken for broken."""

    media_wait_s: float = 600.0
    """So long may the media of a timeline stay away without any of them changing."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UsageError: it names the field.
        """
        if not isinstance(self.folder, str) or not os.path.isabs(self.folder):
            raise UsageError(f"watch.folder is {self.folder!r:.200}, expected an absolute path.")
        if self.watching not in WAYS:
            raise UsageError(f"watch.watching is {self.watching!r:.100}, expected {', '.join(WAYS)}.")
        if not isinstance(self.equal_looks, int) or not 2 <= self.equal_looks <= 1000:
            raise UsageError(f"watch.equal_looks is {self.equal_looks!r:.100}, expected a number from 2.")
        for name in ("look_every_s", "poll_every_s", "broken_wait_s", "media_wait_s"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not number or value < 0:
                raise UsageError(f"watch.{name} is {value!r:.100}, expected seconds from 0.")


def read_watches(tables: Iterable[Mapping[str, Any]]) -> list[WatchSettings]:
    """The settings that `[[watch]]` tables mean.

    Raises:
        UsageError: a key is unknown, the folder is missing, or one folder stands there twice.
    """
    watches = [_settings(table) for table in tables]
    folders = [os.path.realpath(each.folder) for each in watches]
    for folder in folders:
        if folders.count(folder) > 1:
            raise UsageError(f"The folder {folder} stands in two [[watch]] tables, expected one.")
    return watches


def _settings(table: Mapping[str, Any]) -> WatchSettings:
    known = [each.name for each in fields(WatchSettings)]
    for key in table:
        if key not in known:
            raise UsageError(f"[[watch]] has no key {key!r}.", hint=f"Known are {', '.join(known)}.")
    for each in fields(WatchSettings):
        if each.default is MISSING and each.name not in table:
            raise UsageError(f"[[watch]] needs the key {each.name}.")
    values = dict(table)
    if isinstance(values["folder"], str):
        values["folder"] = os.path.expanduser(values["folder"])
    return WatchSettings(**values)
