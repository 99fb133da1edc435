"""The daemon's configuration: `config.toml` in the home, one frozen dataclass a table.

Conventions: every field has a default, so the file may be missing; an unknown key is an error that names the
known ones; sizes in bytes, spans in seconds.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from v2m.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class ServerSettings:
    """`[server]`: where the daemon listens and what it lets in."""

    listen: str = ""
    """`unix:` the home's socket, or `HOST:PORT` (port 0: any free one). Empty: the socket, on Windows
    `127.0.0.1:0`. Anything but loopback needs `tls_cert` and `tls_key`."""

    tls_cert: str = ""
    """PEM file with the daemon's certificate chain."""

    tls_key: str = ""
    """PEM file with its private key."""

    roots: tuple[str, ...] = ()
    """Folders in which jobs may read and write. Empty: wherever the user may, but on addresses beyond
    loopback only in the home."""

    path_map: tuple[tuple[str, str], ...] = ()
    """(path on a client's machine, folder here), applied to every path of a request that begins so."""

    calls_at_once: int = 2048
    """More are answered RESOURCE_EXHAUSTED at once; a watched job is one call."""

    watchers: int = 256
    """Open WatchJob streams; each costs a few kilobytes."""

    answer_within_s: float = 30.0
    """For calls that are no stream, when the client sets no shorter deadline."""

    upload_bytes: int = 64 << 30
    """Of one PutMedia; an hour of camera files is about as much."""


@dataclass(frozen=True)
class QueueSettings:
    """`[queue]`: how many jobs wait and how long they are kept."""

    limit: int = 64
    """Jobs that may wait; the next is refused with a time to come back."""

    keep_days: float = 30.0
    """Finished jobs older than this are forgotten, with the files in their own folders."""


@dataclass(frozen=True)
class WorkerSettings:
    """`[worker]`: who does the work."""

    executor: str = "local"
    """`local`, or `ray://HOST:PORT`."""

    idle_unload_s: float = 300.0
    """After so long without a job the worker ends and gives its memory back."""

    stalled_s: float = 120.0
    """A worker that reports nothing for so long is killed."""

    longest_job_s: float = 6 * 3600.0
    """A job that runs longer is killed: two hours of timeline take minutes."""

    memory_bytes: int = 0
    """Address space of the worker; 0: no limit."""


@dataclass(frozen=True)
class Config:
    """Everything that the user may set."""

    server: ServerSettings = field(default_factory=ServerSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    watch: tuple[Mapping[str, Any], ...] = ()
    """The `[[watch]]` tables as they stand; the watch folder's part reads them."""


def read_config(path: Path) -> Config:
    """The configuration in a file; the defaults where there is none.

    Raises:
        UsageError: it cannot be read, is no TOML, or holds what is not known or makes no sense.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read the configuration {path}: {error}.") from error
    try:
        return config_of(data)
    except UsageError as error:
        raise UsageError(f"In {path}: {error.message}", hint=error.hint) from error


def config_of(data: Mapping[str, Any]) -> Config:
    """The configuration that parsed TOML means.

    Raises:
        UsageError: as `read_config`.
    """
    _refuse_unknown(data, ("server", "queue", "worker", "watch"), "the configuration")
    watch = data.get("watch", [])
    if not isinstance(watch, list) or not all(isinstance(table, dict) for table in watch):
        raise UsageError("watch is no list of tables, expected [[watch]].")
    return Config(
        server=_table(ServerSettings, data.get("server", {}), "server"),
        queue=_table(QueueSettings, data.get("queue", {}), "queue"),
        worker=_table(WorkerSettings, data.get("worker", {}), "worker"),
        watch=tuple(watch),
    )


def _table(kind: type[T], data: object, name: str) -> T:
    if not isinstance(data, dict):
        raise UsageError(f"{name} is no table, expected [{name}].")
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]  # a dataclass each time
    _refuse_unknown(data, tuple(known), f"[{name}]")
    values = {key: _value(f"{name}.{key}", value, known[key].default) for key, value in data.items()}
    return kind(**values)


def _value(name: str, value: object, default: object) -> object:
    """A value of the same kind as the default."""
    if name == "server.path_map":
        if isinstance(value, dict) and all(isinstance(folder, str) for folder in value.values()):
            return tuple((source, _absolute(name, folder)) for source, folder in value.items())
        raise UsageError(
            f'{name} is {value!r:.100}, expected a table such as {{"/Volumes/edit" = "/mnt/edit"}}.'
        )
    if isinstance(default, tuple):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(_absolute(name, item) for item in value)
        raise UsageError(f"{name} is {value!r:.100}, expected a list of folders.")
    if isinstance(default, str):
        if isinstance(value, str):
            return value
        raise UsageError(f"{name} is {value!r:.100}, expected a text.")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value < 2**63 or (isinstance(default, int) and not isinstance(value, int)):  # type: ignore[operator]
        what = "whole number" if isinstance(default, int) else "number"
        raise UsageError(f"{name} is {value!r:.100}, expected a {what} from 0.")
    return value


def _absolute(name: str, folder: str) -> str:
    expanded = os.path.expanduser(folder)
    if not os.path.isabs(expanded):
        raise UsageError(f"{name} names {folder!r}, expected an absolute path.")
    return os.path.normpath(expanded)


def _refuse_unknown(data: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in known:
            raise UsageError(f"There is no {key!r} in {where}.", hint=f"Known are {', '.join(known)}.")
