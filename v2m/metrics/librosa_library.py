"""librosa, imported by one process at a time.

Parts of it are compiled by numba when they are first imported on a machine, and kept beside it. Processes
that do so at the same time, as workers of two devices may, mix up each other's files; from then on its beat
tracker ends in a segmentation fault. So imports wait for each other; once it is compiled they hardly do.

    python -m v2m.metrics.librosa_library      has it compiled now
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Final

from filelock import FileLock, Timeout

from v2m.errors import MissingPartError

_WAIT_S: Final = 120.0
"""Compiling takes ten seconds, on a busy machine a minute."""


def librosa_module(purpose: str, extra: str) -> ModuleType:
    """The library that listens for beats.

    Args:
        purpose: what it is for, as a sentence begins: "Finding the beats of a song".
        extra: the extra of this package that brings it.

    Raises:
        MissingPartError: it is not installed.
    """
    loaded = sys.modules.get("librosa")
    if loaded is not None and "librosa.beat" in sys.modules:
        return loaded
    found = importlib.util.find_spec("librosa")
    if found is None or found.origin is None:
        raise MissingPartError(
            f"{purpose} needs librosa, which is not installed.",
            hint=f'Install it with: pip install "v2m[{extra}]"',
        )
    with contextlib.ExitStack() as stack:
        # where no lock is to be had, another user's say, it is imported all the same
        with contextlib.suppress(Timeout, OSError, NotImplementedError):
            stack.enter_context(FileLock(_lock_path(found.origin), timeout=_WAIT_S, mode=0o666))
        import librosa.beat
        import librosa.onset
    module: ModuleType = librosa
    return module


def _lock_path(installed: str) -> Path:
    """A file for this copy of the library; beside it there may be no right to write."""
    copy = hashlib.sha256(installed.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"v2m-librosa-{copy}.lock"


if __name__ == "__main__":
    librosa_module("Compiling it", "evaluate")
