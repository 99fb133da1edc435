"""The daemon as a user service of systemd.

Sources: systemd.unit(5), systemd.service(5), systemd.syntax(7) for quoting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from v2m_daemon.install.program import Command

NAME: Final = "v2m.service"
START: Final = (
    ("systemctl", "--user", "daemon-reload"),
    ("systemctl", "--user", "enable", NAME),
    ("systemctl", "--user", "restart", NAME),
)
STOP: Final = (("systemctl", "--user", "disable", "--now", NAME),)
FORGET: Final = (("systemctl", "--user", "daemon-reload"),)

_UNIT: Final = """\
[Unit]
Description=V2M: music that hits the cuts of a timeline
# five failures in five minutes are no accident: stay down until somebody looks
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=5
# wrong use and bad input stay wrong
RestartPreventExitStatus=2 3
# the daemon alone is told to stop, and ends its worker; it drains within 10 s
KillMode=mixed
TimeoutStopSec=15
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


def place(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the unit lies."""
    config = environment.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd" / "user" / NAME


def text(command: Command) -> str:
    """The unit."""
    return _UNIT.format(command=" ".join(_quoted(word).replace("$", "$$") for word in command))


def _quoted(word: str) -> str:
    """A word as systemd reads it back: percent signs are its own, and so are quotes and backslashes."""
    for special, written in (("%", "%%"), ("\\", r"\\"), ('"', r"\""), ("\n", r"\n")):
        word = word.replace(special, written)
    return f'"{word}"'
