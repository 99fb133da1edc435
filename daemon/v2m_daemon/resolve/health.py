"""What the doctor says of Resolve and of V2M's entries in its menu."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from v2m_daemon.home import Home
from v2m_daemon.resolve.menu import EDITIONS, entries
from v2m_daemon.resolve.places import Machine, installations, script_folder
from v2m_daemon.resolve.scripts import Addresses, music_folder


def look(home: Home, machine: Machine | None = None) -> dict[str, Any]:
    """Plain data: the installations, and every file under our names with its state."""
    machine = machine or Machine()
    addresses = Addresses.of(home, music_folder(home))
    return {
        "installations": [
            {"path": str(each.path), "edition": each.edition} for each in installations(machine)
        ],
        "scripts": [
            {"path": str(entry.path), "state": entry.state}
            for scope in ("user", "all")
            for entry in entries(script_folder(machine, scope), addresses)
        ],
        "editions": EDITIONS,
    }


def words(found: dict[str, Any]) -> str:
    """One line of the report."""
    places = [f"{each['path']} ({each['edition']})" for each in found["installations"]]
    here = sum(script["state"] == "current" for script in found["scripts"])
    return f"{', '.join(places) or 'not found'}; V2M's scripts: {here or 'none'}"


def problems(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to type."""
    if found["installations"] and not found["scripts"]:
        yield "Resolve is here, but its menu has no entries of V2M.", "v2m install-resolve"
    stale = [script["path"] for script in found["scripts"] if script["state"] == "stale"]
    if stale:
        yield f"Scripts of another version or place: {', '.join(stale)}.", "v2m install-resolve"
    foreign = [script["path"] for script in found["scripts"] if script["state"] == "foreign"]
    if foreign:
        yield f"Not V2M's own, but under the names of its entries: {', '.join(foreign)}.", "Rename them."
    names = [script["path"].replace("\\", "/").rpartition("/")[2] for script in found["scripts"]]
    if len(set(names)) < len(names):
        fix = "v2m install-resolve --remove, then v2m install-resolve"
        yield "V2M's entries stand in two script folders, and twice in the menu.", fix
