"""The daemon as a scheduled task of Windows, started when the user logs on.

Sources: Task Scheduler schema 1.2 (MS-TSCH 2.5), schtasks.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from v2m_daemon.install.program import Command

NAME: Final = "V2M daemon"

_TASK: Final = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>V2M: music that hits the cuts of a timeline</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger><UserId>{user}</UserId></LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="user">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>5</Count></RestartOnFailure>
  </Settings>
  <Actions Context="user">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""


def text(command: Command, user: str) -> str:
    r"""The task, to be written as UTF-16.

    Args:
        command: what it runs.
        user: `DOMAIN\name`.
    """
    program, *arguments = command
    return _TASK.format(
        user=escape(user), command=escape(program), arguments=escape(subprocess.list2cmdline(arguments))
    )


def start(path: Path) -> tuple[tuple[str, ...], ...]:
    """The commands that make and run the task."""
    return (
        ("schtasks", "/Create", "/TN", NAME, "/XML", str(path), "/F"),
        ("schtasks", "/Run", "/TN", NAME),
    )


def stop() -> tuple[tuple[str, ...], ...]:
    """The commands that end and delete it."""
    return (("schtasks", "/End", "/TN", NAME), ("schtasks", "/Delete", "/TN", NAME, "/F"))
