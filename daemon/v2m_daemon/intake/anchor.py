"""A small file that shows that a folder is really there.

Where a share drops, its mount point stays behind as an empty folder, which looks like a folder whose files
were all deleted. So the first look puts `.v2m-anchor` into a watched folder; from then on a folder without
its anchor is away, and nothing is done or forgotten until it is back.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from v2m_daemon.durable import write_whole

ANCHOR: Final = ".v2m-anchor"

LONGEST: Final = 200
"""Bytes that are read of it; ours has 32."""


def is_there(folder: Path, identity: str, *, is_known: bool) -> bool:
    """Whether the folder is there, with its anchor; a new folder gets one.

    Args:
        folder: the watched folder.
        identity: what its anchor says.
        is_known: something was done here before, so an anchor must be here.

    Raises:
        OSError: the share does not answer.
        OutputWriteError: the folder is there but cannot be written.
    """
    text = read_anchor(folder)
    if text == identity:
        return True
    if text is None and (is_known or not os.path.isdir(folder)):
        return False
    if text and is_known:  # another folder is mounted here, or the mount point itself is seen
        return False
    # none yet, one that a person made by hand, or one from another V2M before we did anything here
    write_whole(folder / ANCHOR, identity.encode() + b"\n", mode=0o644)
    return True


def read_anchor(folder: Path) -> str | None:
    """What the anchor of a folder says; None where there is none.

    Raises:
        OSError: the share does not answer.
    """
    try:
        with (folder / ANCHOR).open("rb") as file:
            return file.read(LONGEST).decode("ascii", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
