"""A job as a folder of files, for whoever can neither speak gRPC nor start programs, such as Lua in Resolve.

    inbox/NAME/                the client makes it and puts in what the job needs
    inbox/NAME/job.json        renamed into place last, by the client: now it is a job
    inbox/NAME/cancel          made by the client, with whatever in it: stop
    inbox/NAME/status.json     rewritten whole by the daemon: version, job, state, stage, fraction, eta_s,
                               message
    inbox/NAME/result.json     at the end, by the daemon: version, job, outputs, result; beside it the files
    inbox/NAME/error.json      or this: version, code, message, detail, hint

Conventions: UTF-8; `schemas/` describes each file. Relative paths in `job.json` count from the directory, and
without `out_dir` or `in_place` the results are put there. `result.json` or `error.json` is written before the
last `status.json`, so whoever reads a final state finds it. Names that begin with a dot are not looked at. A
client may remove the directory at any time: a job that is not over is cancelled then.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from v2m.errors import CancelledError, FieldError, InputError, UnsupportedError, UsageError
from v2m_daemon import durable
from v2m_daemon.intake.settling import Look, look_at
from v2m_daemon.intake.status import VERSION
from v2m_daemon.jobs.spec import JobSpec

LARGEST_BYTES: Final = 4 << 20
"""Of a job.json: ten thousand nudges take one megabyte."""

HALF_WRITTEN_LOOKS: Final = 8
"""A client that cannot rename writes in place: no JSON in so many equal looks, two seconds, is an error."""

Mark = tuple[int, int]
"""Inode and time of change of a `job.json`."""

_PATHS: Final = ("document", "out_dir", "picture", "soundfont", "adapter", "timeline")


class JobDirectory:
    """One directory of the inbox. All methods touch the disk."""

    def __init__(self, path: Path) -> None:
        """Nothing is touched."""
        self.path = path
        self._said: dict[str, Any] | None = None
        self._looks: tuple[Look | None, int] = (None, 0)

    @property
    def is_waiting(self) -> bool:
        """It is no job yet."""
        return not (self.path / "job.json").exists()

    @property
    def is_over(self) -> bool:
        """It has its result or error."""
        return (self.path / "result.json").exists() or (self.path / "error.json").exists()

    @property
    def is_half_written(self) -> bool:
        """A `job.json` is there that is no JSON yet."""
        return self._looks[1] > 0

    @property
    def wants_cancel(self) -> bool:
        """The client asked to stop."""
        return os.path.lexists(self.path / "cancel")

    def mark(self) -> Mark | None:
        """Which `job.json` is there; None where there is none.

        Raises:
            OSError: it cannot be said now.
        """
        try:
            return _mark_of((self.path / "job.json").stat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    @property
    def changed_s(self) -> float:
        """When something in the directory last changed, in seconds since 1970."""
        newest = 0.0
        with contextlib.suppress(OSError):
            newest = self.path.stat().st_mtime
            newest = max([newest, *(each.lstat().st_mtime for each in self.path.iterdir())])
        return newest

    def read_spec(self, mark: Mark) -> JobSpec | None:
        """What the client asks for; None while there is half a `job.json`, or no longer the one marked.

        Raises:
            UsageError, InputError: it makes no sense.
            UnsupportedError: it is of a version that is not known here.
        """
        path = self.path / "job.json"
        try:
            with path.open("rb") as file:
                data, seen = file.read(LARGEST_BYTES + 1), os.fstat(file.fileno())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"job.json cannot be read: {error.strerror}.") from error
        if _mark_of(seen) != mark:
            return None
        try:
            asked = _object(data)
        except UsageError:
            if self._may_be_half_written(path):
                return None
            raise
        # the same file is the same request, and one put here later under the same name is another
        named = os.fsencode("\0".join([self.path.name, *map(str, mark), ""])) + data
        request_id = f"inbox-{hashlib.sha256(named).hexdigest()}"
        return replace(_spec(asked, self.path), request_id=request_id)

    def finish(self) -> bool:
        """Whether it is over; a last status that an earlier process could not write any more is written."""
        if not self.is_over:
            return False
        status = self._read_status()
        if status is not None and status.get("state") not in ("done", "failed", "cancelled"):
            self.write_status({**status, "state": self._outcome(), "stage": "", "eta_s": None})
        return True

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Rewrite `status.json` where it would say something new.

        Raises:
            OutputWriteError: disk full, or the directory is gone.
        """
        if dict(status) != self._said:
            durable.write_json(self.path / "status.json", dict(status))
            self._said = dict(status)

    def write_result(self, result: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        """Leave the result.

        Raises:
            OutputWriteError: disk full, or the directory is gone.
        """
        durable.write_json(self.path / "result.json", dict(result))
        self.write_status(status)

    def write_error(self, error: Mapping[str, str], status: Mapping[str, Any]) -> None:
        """Leave the error.

        Raises:
            OutputWriteError: disk full, or the directory is gone.
        """
        durable.write_json(self.path / "error.json", dict(error))
        self.write_status(status)

    def _read_status(self) -> dict[str, Any] | None:
        try:
            status = json.loads((self.path / "status.json").read_bytes())
        except (OSError, ValueError):
            return None
        return status if isinstance(status, dict) else None

    def _outcome(self) -> str:
        if (self.path / "result.json").exists():
            return "done"
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if json.loads((self.path / "error.json").read_bytes()).get("code") == CancelledError.code:
                return "cancelled"
        return "failed"

    def _may_be_half_written(self, path: Path) -> bool:
        look = look_at(path)
        before, times = self._looks
        self._looks = (look, times + 1 if look == before else 1)
        return self._looks[1] < HALF_WRITTEN_LOOKS


def _mark_of(seen: os.stat_result) -> Mark:
    return seen.st_ino, seen.st_mtime_ns


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST_BYTES:
        raise UsageError(f"job.json has more than {LARGEST_BYTES >> 20} MiB, expected a few hundred bytes.")
    try:
        asked = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"job.json is no JSON: {error}.", hint="Write it under another name and rename it."
        ) from error
    if not isinstance(asked, dict):
        raise UsageError(f"job.json holds a {type(asked).__name__}, expected an object.")
    return asked


def _spec(asked: dict[str, Any], folder: Path) -> JobSpec:
    """The job in an object; paths count from the folder."""
    values = dict(asked)
    version = values.pop("version", None)
    if version is None:
        raise FieldError(f"job.json needs the field version, which is {VERSION}.", detail="version")
    if version != VERSION or isinstance(version, bool):
        raise UnsupportedError(
            f"job.json is of version {version!r:.100}, this V2M knows version {VERSION}.",
            hint="Update V2M, or take a client that fits it.",
        )
    if "request_id" in values:
        raise FieldError("job.json takes no request_id: the directory is the request.", detail="request_id")
    for name in _PATHS:
        if isinstance(values.get(name), str):
            values[name] = os.path.normpath(folder / values[name])
    spec = JobSpec.from_json(values)
    return spec if spec.in_place or spec.out_dir is not None else replace(spec, out_dir=str(folder))
