"""Takes in a folder as a tree: which was made from which, what was asked, how much room they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from v2m.errors import DocumentError, InputError
from v2m.take.record import TAKE_SUFFIX, TakeRecord, read_record, take_id


@dataclass(frozen=True)
class Relative:
    """A take on disk among others."""

    folder: Path
    id: str
    record: TakeRecord
    disk_bytes: int
    children: tuple[Relative, ...] = ()
    """Takes that were made from it, by name."""


@dataclass(frozen=True)
class Family:
    """All takes of a folder."""

    roots: tuple[Relative, ...]
    """Those whose parent is not here, by name."""

    unreadable: tuple[str, ...] = ()
    """A sentence for each folder that looks like a take and is none."""

    @property
    def disk_bytes(self) -> int:
        """Of all takes together."""
        return sum(_with_children(root) for root in self.roots)


def family(folder: Path) -> Family:
    """The takes that lie in a folder; those in folders below it are not looked for.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.")
    found, unreadable = [], []
    for path in sorted(folder.glob(f"*{TAKE_SUFFIX}")):
        try:
            record = read_record(path)
        except DocumentError as error:
            unreadable.append(error.sentence())
            continue
        found.append(Relative(path, take_id(record), record, _disk_bytes(path)))
    known = {take.id for take in found}
    roots = [take for take in found if take.record.parent is None or take.record.parent.id not in known]
    return Family(tuple(_grown(root, found) for root in roots), tuple(unreadable))


def _grown(take: Relative, all_takes: Sequence[Relative]) -> Relative:
    children = [
        other for other in all_takes if other.record.parent is not None and other.record.parent.id == take.id
    ]
    return Relative(
        take.folder,
        take.id,
        take.record,
        take.disk_bytes,
        tuple(_grown(each, all_takes) for each in children),
    )


def _disk_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _with_children(take: Relative) -> int:
    return take.disk_bytes + sum(map(_with_children, take.children))


def told_wish(record: TakeRecord) -> str:
    """What was asked of the take's parent, in a few words; of a first take its prompt."""
    asked = record.asked
    if record.fitted is not None:
        return f"fit {_told(record.fitted.name)}"
    if nudges := asked.get("retime", {}).get("nudges"):
        return "retime " + ", ".join(f"{name} {was:g}->{now:g} s" for name, was, now in nudges)
    if "retime" in asked:
        return f"retime to {Path(asked['retime']['timeline']).name}"
    if "restyle" in asked:
        words = [f"{name} {_told(value)}" for name, value in asked["restyle"].items() if value]
        return "restyle " + ", ".join(words)
    return f'"{record.prompt}"'


def _told(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_told, value))
    return f'"{value}"' if isinstance(value, str) and " " in value else str(value)
