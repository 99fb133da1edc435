"""The daemon as a launch agent of macOS.

Sources: launchd.plist(5), launchctl(1).
"""

from __future__ import annotations

import os
import plistlib
from pathlib import Path
from typing import Final

from v2m_daemon.install.program import Command

LABEL: Final = "v2m.daemon"
DRAINS_WITHIN_S: Final = 15
"""The daemon takes up to ten."""


def place() -> Path:
    """Where the agent lies."""
    return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def text(command: Command) -> str:
    """The agent, as a property list in XML."""
    agent = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},  # told to stop, it stays down
        "ThrottleInterval": 5,
        "ExitTimeOut": DRAINS_WITHIN_S,
        "ProcessType": "Interactive",  # else the system slows down who computes in the background
        "Umask": 0o077,
        "StandardOutPath": os.devnull,
        "StandardErrorPath": os.devnull,  # a file of launchd's would grow for ever: the daemon keeps its log
    }
    return plistlib.dumps(agent, sort_keys=False).decode()


def start(user: int) -> tuple[tuple[str, ...], ...]:
    """The commands that load the agent, which runs it."""
    return (("launchctl", "bootstrap", f"gui/{user}", str(place())),)


def stop(user: int) -> tuple[tuple[str, ...], ...]:
    """The commands that unload it."""
    return (("launchctl", "bootout", f"gui/{user}/{LABEL}"),)
