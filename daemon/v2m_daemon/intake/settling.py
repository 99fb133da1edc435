"""Whether a file is still being written, judged from outside: it has settled when N looks saw the same.

No system tells it surely: a rename from outside is only "created", a copy over a network raises no event at
all, and a file that is copied with its times may keep them. So size, time of change and inode are compared,
several times, with time in between; and whoever uses the file tries to read it besides.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

MOST_MEMBERS: Final = 20_000
"""Files of a document that is a folder that are looked at: a bundle holds two for each of its media."""


EARLY: Final = 0.9
"""Timers of some systems end a little before their time."""


@dataclass(frozen=True)
class Look:
    """What one look saw of a file, or of everything in a folder."""

    size: int
    mtime_ns: int
    inode: int

    @property
    def same_content(self) -> tuple[int, int]:
        """What stays when a share is mounted anew, which may number its inodes otherwise."""
        return self.size, self.mtime_ns


def look_at(path: Path) -> Look:
    """See a file, or a folder with all that is in it; links are not followed.

    Raises:
        OSError: it is not there, the share is away, or it is neither file nor folder.
    """
    seen = path.stat(follow_symlinks=False)
    if stat.S_ISREG(seen.st_mode):
        return Look(seen.st_size, seen.st_mtime_ns, seen.st_ino)
    if not stat.S_ISDIR(seen.st_mode):
        raise OSError(errno.EINVAL, "Neither a file nor a folder", str(path))
    size, newest, members = 0, seen.st_mtime_ns, 0
    for inside in islice(_below(path), MOST_MEMBERS):
        size, newest, members = size + inside.st_size, max(newest, inside.st_mtime_ns), members + 1
    return Look(size, newest, seen.st_ino ^ members)


def _below(folder: Path) -> Iterator[os.stat_result]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield os.lstat(os.path.join(place, name))


@dataclass(frozen=True)
class _Seen:
    look: Look
    times: int
    since_s: float
    counted_s: float
    """When the last of the times was."""


class Settling:
    """Remembers the looks at some files."""

    def __init__(self, equal_looks: int, apart_s: float = 0.0) -> None:
        """Nothing was seen yet.

        Args:
            equal_looks: how many in a row must be the same.
            apart_s: the least time between two that count: events ring for a look at once, and again at once.
        """
        self._equal_looks = equal_looks
        self._apart_s = apart_s * EARLY
        self._seen: dict[str, _Seen] = {}

    def see(self, name: str, look: Look, now_s: float) -> bool:
        """Take in one look; returns whether the file has settled.

        Args:
            name: which file.
            look: what was seen now.
            now_s: a clock that only rises.
        """
        before = self._seen.get(name)
        if before is None or before.look != look:
            self._seen[name] = _Seen(look, 1, now_s, now_s)
        elif before.times < self._equal_looks and now_s - before.counted_s >= self._apart_s:
            self._seen[name] = _Seen(look, before.times + 1, before.since_s, now_s)
        return self._seen[name].times >= self._equal_looks

    def unchanged_s(self, name: str, now_s: float) -> float:
        """For how long a file has looked the same; 0 for one that was not seen."""
        seen = self._seen.get(name)
        return 0.0 if seen is None else now_s - seen.since_s

    def forget(self, name: str) -> None:
        """The file is gone, or its matter is settled."""
        self._seen.pop(name, None)

    def keep(self, names: set[str]) -> None:
        """Forget all but these."""
        self._seen = {name: seen for name, seen in self._seen.items() if name in names}
