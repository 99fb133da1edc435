"""A lock that one process holds and every other sees: two daemons must not share a home.

The system lets go of it when the process ends, however it ends; the file stays and holds the last owner's
process id. A Unix socket by itself is no lock: whoever binds it last silently takes it over.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from v2m.errors import AlreadyRunningError, OutputWriteError

_OWNER_WRITES_WITHIN_S: Final = 1.0
"""Between taking the lock and writing its id an owner needs a moment."""

_LOCKED_BYTE: Final = 1 << 30
"""Windows locks bytes, and locked ones cannot be read: one far behind the id is taken."""


class FileLock:
    """A context manager that holds a lock file."""

    def __init__(self, path: Path) -> None:
        """Nothing is touched before the context begins."""
        self.path = path
        self._handle: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            AlreadyRunningError: another process has it; the message says which.
            OutputWriteError: the file cannot be opened.
        """
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OutputWriteError(f"Cannot open the lock {self.path}: {error.strerror}.") from error
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            raise AlreadyRunningError(
                f"{self._owner()} has {self.path.parent} already.",
                hint="Use that one, stop it, or set V2M_HOME to another folder.",
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _owner(self) -> str:
        deadline = time.monotonic() + _OWNER_WRITES_WITHIN_S
        while True:
            text = self.path.read_bytes().strip()
            if text.isdigit() and _is_alive(int(text)):
                return f"The process {int(text)}"
            if time.monotonic() > deadline:
                return "Another process"
            time.sleep(0.02)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

    def _is_alive(pid: int) -> bool:
        return True  # Windows has no harmless signal to ask with
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_alive(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it is somebody else's
        return True
