"""Which names in a watch folder are documents, and which are none: half a copy, a lock, our own.

Names decide before any file is opened. Copying programs write under another name and rename, or hide the
file, or append to its name; editors lock beside the project. Ours are the folders below and whatever begins
with `.v2m-`.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, Literal

Kind = Literal["timeline", "video"]

OUTPUT: Final = "Output"
DONE: Final = "Done"
FAILED: Final = "Failed"
PRESET: Final = "v2m.toml"

TIMELINES: Final = frozenset(
    (".otio", ".otioz", ".otiod", ".edl", ".xml", ".fcpxml", ".fcpxmld", ".aaf", ".kdenlive", ".mlt", ".drp",
     ".drt", ".prproj")
)  # fmt: skip
"""Documents of editors, also those that cannot be read: whoever drops one is told why."""

FOLDERS: Final = frozenset((".otiod", ".fcpxmld"))
"""Documents that are folders."""

VIDEOS: Final = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mxf", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".3gp",
     ".3g2", ".mj2", ".wmv", ".flv", ".dv")
)  # fmt: skip
"""Plain videos, which are scored too."""

_UNFINISHED: Final = frozenset(
    (".part", ".partial", ".crdownload", ".download", ".opdownload", ".filepart", ".tmp", ".temp", ".!ut",
     ".!qb", ".aria2", ".swp", ".lock", ".lck", ".prlock", ".drlock", ".bak")
)  # fmt: skip
"""Endings that copying programs and editors give to what is not, or no longer, the document itself: browsers,
rsync, WinSCP, torrents; vim; Premiere (.prlock), Avid (.lck), Resolve."""


def kind_of(name: str, *, is_folder: bool = False) -> Kind | None:
    """What a name in a watch folder promises, or None for whatever is not taken in."""
    path = PurePath(name)
    suffix = path.suffix.lower()
    if name.startswith((".", "~")) or name.endswith("~"):  # hidden, AppleDouble, Office, Syncthing on Windows
        return None
    if PurePath(path.stem).suffix.lower() in _UNFINISHED:  # edit.tmp.otio
        return None
    if is_folder != (suffix in FOLDERS):
        # a bundle may be unpacked, but no other document is a folder
        return None
    if suffix in TIMELINES:
        return "timeline"
    return "video" if suffix in VIDEOS else None
