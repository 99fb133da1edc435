"""The daemon's log: a file that never grows beyond its limit, and what a terminal or a service manager shows.

Conventions: times are UTC; the file and four older ones are kept, so that the last weeks can be read.
"""

from __future__ import annotations

import logging
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

FILE: Final = "daemon.log"
FILE_BYTES: Final = 2 << 20
"""A job writes about a kilobyte: two thousand jobs fit."""

OLDER_FILES: Final = 4


def keep_log(folder: Path) -> None:
    """Write what the program logs into a folder, and to stderr where there is one.

    The file is made with the first line, so a daemon that may not run touches nothing.

    Args:
        folder: is there.
    """
    form = logging.Formatter("{asctime}Z {levelname:<7} {name}: {message}", "%Y-%m-%dT%H:%M:%S", style="{")
    form.converter = time.gmtime
    handlers: list[logging.Handler] = [
        RotatingFileHandler(
            folder / FILE, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8",
            errors="backslashreplace", delay=True,
        ),
    ]  # fmt: skip
    if sys.stderr is not None:  # Windows gives none to what it starts in the background
        handlers.append(logging.StreamHandler())
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(form)
        root.addHandler(handler)
