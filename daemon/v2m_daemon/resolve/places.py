r"""Where Resolve and its script folders lie on the three systems.

Sources: Blackmagic's scripting README; its `%APPDATA%\Roaming` is wrong, for %APPDATA% ends in Roaming. The
edition is not written anywhere that all versions share: it is told where something of it alone is found.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Scope = Literal["user", "all"]

_MAKER: Final = "Blackmagic Design"
_NAME: Final = "DaVinci Resolve"
_SCRIPTS: Final = ("Fusion", "Scripts", "Utility")
"""Of the folders there, the one whose entries show on every page."""


@dataclass(frozen=True)
class Machine:
    """What decides where things lie; a test gives its own."""

    system: str = field(default_factory=platform.system)
    """Linux, Darwin or Windows."""

    home: Path = field(default_factory=Path.home)
    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def variable(self, name: str, default: str) -> Path:
        """A folder that Windows names."""
        return Path(self.environment.get(name) or default)


@dataclass(frozen=True)
class Installation:
    """A Resolve on this machine."""

    path: Path
    edition: Literal["free", "Studio", "App Store", "unknown"]


def script_folder(machine: Machine, scope: Scope) -> Path:
    """The folder whose Lua files are entries in Workspace > Scripts, for the user or for all."""
    if machine.system == "Windows":
        if scope == "user":
            base = (
                machine.variable("APPDATA", str(machine.home / "AppData/Roaming"))
                / _MAKER
                / _NAME
                / "Support"
            )
        else:
            base = machine.variable("PROGRAMDATA", "C:/ProgramData") / _MAKER / _NAME
    elif machine.system == "Darwin":
        base = (
            (machine.home if scope == "user" else machine.root)
            / "Library/Application Support"
            / _MAKER
            / _NAME
        )
    elif scope == "user":
        base = machine.home / ".local/share/DaVinciResolve"
    else:
        base = _linux_program(machine)
    return base.joinpath(*_SCRIPTS)


def installations(machine: Machine) -> tuple[Installation, ...]:
    """Every Resolve that is found where its installers put it."""
    found = {"Windows": _windows, "Darwin": _macos}.get(machine.system, _linux)(machine)
    return tuple(each for each in found if each.path.exists())


def _linux_program(machine: Machine) -> Path:
    homes = machine.root / "home/resolve"
    return homes if (homes / "bin/resolve").exists() else machine.root / "opt/resolve"


def _linux(machine: Machine) -> Iterator[Installation]:
    folder = _linux_program(machine)
    # only Studio brings a Python of its own, since 21.1
    yield Installation(folder / "bin/resolve", "Studio" if (folder / "ResolvePython").exists() else "unknown")


def _macos(machine: Machine) -> Iterator[Installation]:
    applications = machine.root / "Applications"
    yield Installation(applications / _NAME / f"{_NAME}.app", "unknown")
    # the App Store puts its one straight into the folder
    yield Installation(applications / f"{_NAME}.app", "App Store")
    yield Installation(applications / f"{_NAME} Studio.app", "App Store")


def _windows(machine: Machine) -> Iterator[Installation]:
    yield Installation(
        machine.variable("PROGRAMFILES", "C:/Program Files") / _MAKER / _NAME / "Resolve.exe", "unknown"
    )
