"""The service of this system: its file written and its manager told, or both undone."""

from __future__ import annotations

import getpass
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from v2m.errors import OutputWriteError, UnfinishedError
from v2m_daemon import durable
from v2m_daemon.home import Home
from v2m_daemon.install import launchd, systemd, windows_task
from v2m_daemon.install.program import Command, serving

ANSWERS_WITHIN_S: Final = 30.0
"""A service manager that takes longer hangs; a daemon that it stops drains within ten."""


@dataclass(frozen=True)
class Service:
    """A file, and what tells the system's manager of services about it."""

    path: Path
    content: bytes
    start: Sequence[Command]
    """Once the file is there."""

    stop: Sequence[Command]
    """While it is still there; may fail, for the service may not run."""

    forget: Sequence[Command] = ()
    """Once it is gone."""

    advice: str = ""


def service(home: Home, flags: Sequence[str] = (), platform: str = sys.platform) -> Service:
    """What a system needs, so that `v2m serve` with some flags starts with every login.

    Args:
        home: whose daemon it is.
        flags: of `v2m serve`.
        platform: as `sys.platform` says.
    """
    command = serving(home, flags)
    if platform == "win32":
        user = f"{os.environ.get('USERDOMAIN', '.')}\\{getpass.getuser()}"
        path = home.config / "v2m-task.xml"
        content = windows_task.text(command, user).encode("utf-16")
        return Service(path, content, windows_task.start(path), windows_task.stop())
    if platform == "darwin":
        user_id = os.getuid() if sys.platform != "win32" else 0
        content = launchd.text(command).encode()
        return Service(launchd.place(), content, launchd.start(user_id), launchd.stop(user_id))
    return Service(
        systemd.place(), systemd.text(command).encode(), systemd.START, systemd.STOP, systemd.FORGET,
        "`loginctl enable-linger` lets it run without a login, `journalctl --user -u v2m` shows its log.",
    )  # fmt: skip


def install(service: Service) -> str:
    """Write the file and start the service; returns what was done, in words.

    Raises:
        OutputWriteError: the file cannot be written.
        UnfinishedError: the system did not start it; the file stays.
    """
    if service.path.exists():
        _run_all(service.stop, may_fail=True)
    try:
        service.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputWriteError(f"Cannot make {service.path.parent}: {error.strerror}.") from error
    durable.write_whole(service.path, service.content, mode=0o644)
    _run_all(service.start, may_fail=False)
    return f"The daemon starts with every login, and runs now: {service.path}. {service.advice}".strip()


def uninstall(service: Service) -> str:
    """Stop the service and remove its file; jobs and settings stay.

    Raises:
        OutputWriteError: the file cannot be removed.
    """
    if not service.path.exists():
        return f"No service was installed: there is no {service.path}."
    _run_all(service.stop, may_fail=True)
    try:
        service.path.unlink()
    except OSError as error:
        raise OutputWriteError(f"Cannot remove {service.path}: {error.strerror}.") from error
    _run_all(service.forget, may_fail=True)
    return f"Removed {service.path}; jobs and settings stay."


def _run_all(commands: Sequence[Command], *, may_fail: bool) -> None:
    for command in commands:
        problem = _run(command)
        if problem and not may_fail:
            raise UnfinishedError(
                f"The service was written but not started: {problem}.",
                hint=f"Try by hand: {shlex.join(command)}. Or run `v2m serve` in a terminal.",
            )


def _run(command: Command) -> str:
    """Run a command; what went wrong, or nothing."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            command, capture_output=True, text=True, errors="replace", timeout=ANSWERS_WITHIN_S, check=False
        )
    except FileNotFoundError:
        return f"there is no {command[0]} here"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    said = (done.stderr or done.stdout).strip().rstrip(".")
    return (said or f"{command[0]} ended with {done.returncode}") if done.returncode else ""
