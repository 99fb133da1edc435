"""What a worker may take of the machine, and that it never outlives the daemon.

Conventions: called once, at the start of the worker's process and by that process itself; a system that has
no such limit is left as it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import Final

MOST_OPEN_FILES: Final = 4096
"""A timeline of two thousand files opens them one after the other; libraries keep some dozens open."""

MOST_FILE_BYTES: Final = 64 << 30
"""Of any one file: four hours of music, the most a WAV holds, take 11 GB while they wait to be mastered."""

_PR_SET_PDEATHSIG: Final = 1


def limit_process(memory_bytes: int) -> None:
    """Bound files and address space, and leave no core dump: it would hold the user's pictures.

    Args:
        memory_bytes: address space; 0 for no bound.
    """
    if sys.platform == "win32":
        return
    import resource

    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, MOST_OPEN_FILES)
    _lower(resource.RLIMIT_FSIZE, MOST_FILE_BYTES)
    if memory_bytes:
        _lower(resource.RLIMIT_AS, memory_bytes)


def _lower(which: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS refuses some on address space
        resource.setrlimit(which, (value, hard))


def die_with(parent: int) -> None:
    """Let the system end this process when its parent ends, however that comes about.

    Where the system cannot, the end of the pipe from the parent tells the worker, if it is not stuck.

    Args:
        parent: the process id that the parent had when it started us.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(0)


def peak_rss_bytes() -> int | None:
    """The most memory that this process ever held; None where the system does not say."""
    if sys.platform == "win32":
        return None
    # on Linux a program begins with the peak of whoever started it as its `ru_maxrss`; this is its own
    with (
        contextlib.suppress(OSError, ValueError, IndexError, StopIteration),
        open("/proc/self/status", encoding="ascii", errors="replace") as file,
    ):
        return 1024 * int(next(line for line in file if line.startswith("VmHWM:")).split()[1])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)  # kibibytes everywhere else


def rss_bytes() -> int | None:
    """The memory that this process holds now; None where that is not known without a package for it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return peak_rss_bytes()
