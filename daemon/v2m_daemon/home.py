"""Where V2M keeps its state: one place that names every file of the daemon.

Conventions: with `V2M_HOME` set everything lies under it; without, in the platform's folders for a user's
state, cache, data and configuration. All of them are for the user alone (0700). Nothing is made before
`Home.make` is called.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from v2m.errors import OutputWriteError

LONGEST_SOCKET_PATH: Final = 103
"""Bytes: `sun_path` holds 104 on macOS and the BSDs and 108 on Linux, the closing zero included."""


@dataclass(frozen=True)
class Home:
    """The folders of one user's V2M; see `find`."""

    state: Path
    """Database, jobs, token, lock: what must not be lost."""

    cache: Path
    """What may be deleted at any time."""

    data: Path
    """Models."""

    config: Path
    """What the user writes."""

    @classmethod
    def find(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """The folders that `V2M_HOME` names, else the platform's."""
        if root := environment.get("V2M_HOME"):
            return cls.at(Path(root))
        dirs = platformdirs.PlatformDirs("v2m", appauthor=False)
        return cls(
            state=Path(dirs.user_state_path),
            cache=Path(dirs.user_cache_path) / "cache",
            data=Path(dirs.user_data_path) / "data",
            config=Path(dirs.user_config_path),
        )

    @classmethod
    def at(cls, root: Path) -> Home:
        """Everything under one folder."""
        root = Path(os.path.abspath(root))  # a relative V2M_HOME means the same in every process of ours
        return cls(state=root, cache=root / "cache", data=root / "data", config=root)

    @property
    def lock(self) -> Path:
        """Held by the running daemon; holds its process id."""
        return self.state / "daemon.lock"

    @property
    def endpoint(self) -> Path:
        """Where the running daemon listens, as JSON; see `v2m_daemon.endpoint`."""
        return self.state / "endpoint.json"

    @property
    def token(self) -> Path:
        """The secret of every call, as text."""
        return self.state / "token"

    @property
    def database(self) -> Path:
        """The jobs, SQLite."""
        return self.state / "jobs.sqlite3"

    @property
    def jobs(self) -> Path:
        """A folder per job, called by its id."""
        return self.state / "jobs"

    @property
    def uploads(self) -> Path:
        """A folder per collection of uploaded media."""
        return self.state / "uploads"

    @property
    def inbox(self) -> Path:
        """Where job directories are put."""
        return self.state / "inbox"

    @property
    def watch(self) -> Path:
        """The ledgers of the watch folders."""
        return self.state / "watch"

    @property
    def logs(self) -> Path:
        """The daemon's logs."""
        return self.state / "logs"

    @property
    def models(self) -> Path:
        """Weights that the user added."""
        return self.data / "models"

    @property
    def config_file(self) -> Path:
        """The daemon's configuration; see `v2m_daemon.config`."""
        return self.config / "config.toml"

    @property
    def socket(self) -> Path:
        """The Unix socket, in a folder of its own, nearby where the path fits into an address."""
        near = self.state / "run" / "v2m.sock"
        if len(os.fsencode(near)) <= LONGEST_SOCKET_PATH:
            return near
        name = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"v2m-{_user()}-{name}" / "v2m.sock"

    def job(self, job_id: str) -> Path:
        """The folder of a job."""
        return self.jobs / job_id

    def make(self) -> None:
        """Make the folders, each for the user alone.

        Raises:
            OutputWriteError: one cannot be made, or belongs to somebody else.
        """
        for folder in (
            self.state, self.cache, self.data, self.config, self.jobs, self.uploads, self.inbox, self.watch,
            self.logs, self.models, self.socket.parent,
        ):  # fmt: skip
            make_private(folder)


def make_private(folder: Path) -> None:
    """Make a folder, with its parents, that its owner alone may enter; tighten one that is there.

    Raises:
        OutputWriteError: it cannot be made, or somebody else could have put it there.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat(follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            found = folder.stat()  # a user may keep models on another disk: whose it is decides
        if sys.platform != "win32":  # where a user's own folders are closed by default
            if found.st_uid != os.geteuid():
                raise OutputWriteError(
                    f"{folder} belongs to another user.", hint="Set V2M_HOME to a folder of your own."
                )
            if stat.S_IMODE(found.st_mode) != 0o700:
                folder.chmod(0o700)
    except OSError as error:
        raise OutputWriteError(
            f"Cannot make the folder {folder}: {error.strerror or error}.",
            hint="Set V2M_HOME to a folder that may be written.",
        ) from error


def _user() -> str:
    return str(os.geteuid()) if hasattr(os, "geteuid") else "user"
