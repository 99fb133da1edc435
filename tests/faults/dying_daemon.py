"""The daemon of `instant_daemon.py`, killed by SIGKILL before or after its n-th durable step.

A durable step is an fsync, a rename or a commit: what is on disk can differ before and after it, and nothing
else can be seen by whoever comes later. `python dying_daemon.py before|after N HOME …`; with N = 0 it lives,
and counts its steps on stderr when it ends.
"""

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

import instant_daemon
from v2m_daemon.jobs.database import Database


class Steps:
    """Counts, and dies."""

    def __init__(self, when: str, fatal: int) -> None:
        self.when, self.fatal, self.count = when, fatal, 0
        self._lock = threading.Lock()

    def around(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*values: Any, **named: Any) -> Any:
            with self._lock:
                self.count += 1
                number = self.count
            if number == self.fatal and self.when == "before":
                self.die(name)
            outcome = step(*values, **named)
            if number == self.fatal and self.when == "after":
                self.die(name)
            return outcome

        return counted

    def die(self, name: str) -> None:
        print(f"dies {self.when} {name}", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    steps = Steps(sys.argv[1], int(sys.argv[2]))
    os.fsync = steps.around("fsync", os.fsync)
    os.replace = steps.around("rename", os.replace)
    commit: Callable[[Database, sqlite3.Connection], None] = Database._commit
    Database._commit = steps.around("commit", commit)  # type: ignore[method-assign]
    del sys.argv[1:3]
    code = instant_daemon.main()
    print(steps.count, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
