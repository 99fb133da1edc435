"""`v2m takes`: the takes of a folder as a tree, and taking some away."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from v2m.errors import CancelledError, OutputWriteError, UsageError
from v2m.take.family import Family, Relative, family, told_wish
from v2m.take.record import TAKE_SUFFIX, read_record


def run(arguments: argparse.Namespace) -> int:
    """List, or delete what is named; 0 when it was done."""
    folder = Path(arguments.folder)
    deleted = [_delete(folder, name, arguments) for name in arguments.delete]
    found = family(folder)
    if arguments.json:
        print(json.dumps({"deleted": deleted, **_told_family(found)}))
    else:
        print("\n".join(_words(found)))
    return 0


def _delete(folder: Path, name: str, arguments: argparse.Namespace) -> str:
    """Take one take away, whole."""
    place = folder / f"{name.removesuffix(TAKE_SUFFIX)}{TAKE_SUFFIX}"
    if place.name != Path(name.removesuffix(TAKE_SUFFIX) + TAKE_SUFFIX).name or os.sep in name:
        raise UsageError(f"{name!r} is no name of a take in {folder}.")
    read_record(place)  # refuses what is no take
    if not arguments.yes:
        _confirm(place)
    doomed = place.with_name(f".{place.name}.deleted")
    try:
        place.rename(doomed)  # at once, so that no half take is ever seen
        shutil.rmtree(doomed)
    except OSError as error:
        raise OutputWriteError(f"{place} could not be deleted: {error.strerror}.") from error
    return str(place)


def _confirm(place: Path) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{place.name} is deleted only after a yes.", hint="Add --yes.")
    print(f"Delete {place} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CancelledError("Nothing was deleted.")


def _told_family(found: Family) -> dict[str, Any]:
    return {
        "takes": [_told(take) for take in found.roots],
        "disk_bytes": found.disk_bytes,
        "notes": list(found.unreadable),
    }


def _told(take: Relative) -> dict[str, Any]:
    record = take.record
    return {
        "take": str(take.folder),
        "id": take.id,
        "parent": None if record.parent is None else {"name": record.parent.name, "id": record.parent.id},
        "asked": record.asked,
        "prompt": record.prompt,
        "seed": record.seed,
        "duration_s": float(record.duration_s),
        "hits_heard": record.metrics.get("hits_heard"),
        "disk_bytes": take.disk_bytes,
        "children": [_told(child) for child in take.children],
    }


def _words(found: Family) -> Iterator[str]:
    for root in found.roots:
        yield from _branch(root, 0)
    if not found.roots:
        yield "No takes here."
    else:
        yield f"{'Together':<44}{_size(found.disk_bytes):>10}"
    yield from (f"Note      {sentence}" for sentence in found.unreadable)


def _branch(take: Relative, depth: int) -> Iterator[str]:
    name = "  " * depth + take.folder.name
    yield f"{name:<44}{_size(take.disk_bytes):>10}  {told_wish(take.record)}"
    for child in take.children:
        yield from _branch(child, depth + 1)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
