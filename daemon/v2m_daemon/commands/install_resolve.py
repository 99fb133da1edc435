"""`v2m install-resolve`: put V2M's entries into DaVinci Resolve's menu, or take them out."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from v2m_daemon.home import Home
from v2m_daemon.resolve.menu import EDITIONS, entries, install, remove
from v2m_daemon.resolve.places import Machine, Scope, installations, script_folder
from v2m_daemon.resolve.scripts import Addresses, music_folder, scripts_folder


def run(arguments: argparse.Namespace) -> int:
    """Write or remove the scripts, and say what else is there; always 0."""
    machine, home = Machine(), Home.find()
    scope: Scope = "all" if arguments.all else "user"
    folder = _folder(arguments.to) or script_folder(machine, scope)
    music = _folder(arguments.music) or music_folder(home)
    addresses = Addresses.of(home, music)
    done = _remove(machine, folder) if arguments.remove else _install(folder, addresses)
    others = [place for place in _places(machine) if place != folder]
    found = {
        **done,
        "elsewhere": [
            {"path": str(entry.path), "state": entry.state}
            for place in others
            for entry in entries(place, addresses)
        ],
        "resolve": [{"path": str(each.path), "edition": each.edition} for each in installations(machine)],
        "music": str(music),
        "python": str(scripts_folder() / "v2m_resolve"),
    }
    print(json.dumps(found) if arguments.json else _words(found, removing=arguments.remove))
    return 0


def _folder(text: str | None) -> Path | None:
    return Path(os.path.abspath(os.path.expanduser(text))) if text else None


def _places(machine: Machine) -> list[Path]:
    return [script_folder(machine, "user"), script_folder(machine, "all")]


def _install(folder: Path, addresses: Addresses) -> dict[str, Any]:
    return {"written": [str(path) for path in install(folder, addresses)], "removed": []}


def _remove(machine: Machine, folder: Path) -> dict[str, Any]:
    gone = [path for place in dict.fromkeys([folder, *_places(machine)]) for path in remove(place)]
    return {"written": [], "removed": [str(path) for path in gone]}


def _words(found: dict[str, Any], *, removing: bool) -> str:
    lines = [f"wrote {path}" for path in found["written"]] + [f"removed {path}" for path in found["removed"]]
    if removing:
        return "\n".join(lines or ["No script of V2M's was found."])
    lines += [
        f"There is another copy, {other['path']}, and both show: see `v2m install-resolve --remove`."
        for other in found["elsewhere"]
        if other["state"] != "foreign"
    ]
    if not found["resolve"]:
        lines += ["No Resolve was found where its installer puts it; the scripts are there when it comes."]
    if any(each["edition"] == "App Store" for each in found["resolve"]):
        lines += [
            "The Resolve of the App Store may not reach V2M's folders: use the one of Blackmagic's site."
        ]
    lines += [f"Music for Resolve will lie in {found['music']}."]
    lines += [EDITIONS, "Start Resolve again; the entries are in Workspace > Scripts, and need `v2m serve`."]
    return "\n".join(lines)
