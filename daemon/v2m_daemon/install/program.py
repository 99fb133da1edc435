"""What a service runs: this very interpreter by its absolute path, with the state where it is now."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from v2m_daemon.home import Home

Command = tuple[str, ...]


def serving(home: Home, flags: Sequence[str], environment: Mapping[str, str] = os.environ) -> Command:
    """`v2m serve` with some flags; where the user set `V2M_HOME`, the service has no such variable."""
    where = ("--home", str(home.state)) if environment.get("V2M_HOME") else ()
    return (_python(), "-m", "v2m_daemon.cli", "serve", *where, *flags)


def _python() -> str:
    """The interpreter; on Windows the one that opens no console window."""
    windowless = Path(sys.executable).with_name("pythonw.exe")
    return str(windowless) if sys.platform == "win32" and windowless.exists() else sys.executable
