"""Why a worker died, as far as the system tells, and what that means for the job.

Linux ends a process for memory with the same SIGKILL that anybody can send. What tells them apart: the kernel
counts such ends (`oom_kill` in the control group's memory.events and in /proc/vmstat), and the worker said a
moment before how much it held. Where neither speaks for memory it counts as bad luck.
"""

from __future__ import annotations

import contextlib
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from v2m.errors import OutOfMemoryError, WorkerLostError
from v2m_daemon.worker.executor import Cause, Failed

MUCH: Final = 0.6
"""Share of the machine's memory from which a worker that was killed is taken to have been killed for it."""

LITTLE_FREE: Final = 0.03
"""Share of the machine's memory; a system that has less free is about to end somebody."""

SMALLER: Final = "Close other programs, or score a part with --in and --out-point."

_NO_MEMORY_WORDS: Final = re.compile(
    r"bad_alloc|[Oo]ut of memory|MemoryError|OutOfMemoryError|[Cc]annot allocate memory|can't allocate memory"
)


@dataclass(frozen=True)
class LastSigns:
    """What was known of a worker before it ended."""

    rss_bytes: int = 0
    """As it said last."""

    free_bytes: int | None = None
    """Of the machine, then."""

    total_bytes: int | None = None
    oom_kills: int = 0
    """As `oom_kills()` when it was started."""

    words: str = ""
    """The end of what it wrote on stderr."""


def oom_kills() -> int:
    """How many processes the kernel has ended for memory, in our control group where there is one, else here.

    0 where nobody counts them.
    """
    for path in (_control_group() / "memory.events", Path("/proc/vmstat")):
        with contextlib.suppress(OSError, ValueError):
            found = re.search(r"^oom_kill (\d+)$", path.read_text(encoding="ascii"), re.MULTILINE)
            if found:
                return int(found[1])
    return 0


def _control_group() -> Path:
    root = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):
        found = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return root / found[1]
    return root


def explain(code: int | None, signs: LastSigns) -> Failed:
    """The outcome of a job whose worker ended by itself.

    Args:
        code: its exit code, minus the number of a signal; None where that is not known.
        signs: what was known of it.
    """
    how = f"The worker {_how(code)}"
    if _was_memory(code, signs):
        held = f" while it held {signs.rss_bytes / 1e9:.1f} GB" if signs.rss_bytes else ""
        return Failed(
            OutOfMemoryError(
                f"Memory ran out: the worker {_how(code)}{held}.", hint=SMALLER, detail=signs.words
            ),
            Cause.OUT_OF_MEMORY,
        )
    return Failed(WorkerLostError(f"{how}.", detail=signs.words), Cause.LOST)


def _was_memory(code: int | None, signs: LastSigns) -> bool:
    if code == -_SIGKILL:
        return oom_kills() > signs.oom_kills or _was_large(signs)
    # a library that aborts on an allocation that failed says so before
    return code != 0 and _NO_MEMORY_WORDS.search(signs.words[-2000:]) is not None


def _was_large(signs: LastSigns) -> bool:
    if not signs.total_bytes:
        return False
    scarce = signs.free_bytes is not None and signs.free_bytes < LITTLE_FREE * signs.total_bytes
    return scarce or signs.rss_bytes > MUCH * signs.total_bytes


_SIGKILL: Final = 9  # Windows has no name for it


def _how(code: int | None) -> str:
    if code is None:
        return "ended"
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"was ended by signal {-code}"
