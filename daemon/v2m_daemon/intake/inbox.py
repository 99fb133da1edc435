"""The inbox of job directories: how a client that can only write files has its jobs done.

See `v2m_daemon.intake.job_directory` for the files. The inbox lies in the user's own home, on a local disk.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path
from typing import Final

from v2m_daemon.confine import Confinement
from v2m_daemon.home import make_private
from v2m_daemon.intake.errand import Errand
from v2m_daemon.intake.job_directory import JobDirectory
from v2m_daemon.intake.wake import Wake
from v2m_daemon.jobs.desk import Desk

LOOK_EVERY_S: Final = 0.25
"""While something is under way: a person sees four steps a second as a moving bar."""

RESCAN_S: Final = 10.0
"""With events, where nothing is under way; without, a second."""

LEFTOVER_S: Final = 24 * 3600.0
"""A directory without `job.json` in which nothing changed for so long was left by a client that died."""

DAY_S: Final = 24 * 3600.0

log = logging.getLogger(__name__)


class Inbox:
    """An attendant; see `v2m_daemon.jobs.attendant`."""

    def __init__(self, folder: Path, keep_days: float = 30.0, *, leftover_s: float = LEFTOVER_S) -> None:
        """Nothing is touched before `attend`.

        Args:
            folder: the inbox.
            keep_days: after so long a directory whose job is over is removed with what is in it.
            leftover_s: after so long one that never became a job.
        """
        self._folder = folder
        self._keep_s = keep_days * DAY_S
        self._leftover_s = leftover_s

    async def attend(self, desk: Desk, confinement: Confinement) -> None:
        """Do what is put into the inbox, until cancelled."""
        make_private(self._folder)
        errands: dict[str, Errand] = {}
        wake = Wake(self._folder, inside=True)
        wake.listen()
        try:
            while True:
                found = await asyncio.to_thread(self._directories)
                for name in errands.keys() - found:
                    await errands.pop(name).give_up()
                for name in sorted(found):
                    if name not in errands:
                        errands[name] = Errand(JobDirectory(self._folder / name), desk, confinement)
                    await errands[name].advance()
                await asyncio.to_thread(self._sweep, [each.directory for each in errands.values()])
                is_busy = any(errand.is_busy for errand in errands.values())
                await wake.wait(LOOK_EVERY_S if is_busy else RESCAN_S if wake.hears else 1.0)
        finally:
            wake.deafen()

    def _directories(self) -> set[str]:
        """Folders, no links: what is removed later must lie here."""
        return {
            path.name
            for path in self._folder.iterdir()
            if not path.name.startswith(".") and not path.is_symlink() and path.is_dir()
        }

    def _sweep(self, directories: list[JobDirectory]) -> None:
        for directory in directories:
            longest_s = self._leftover_s if directory.is_waiting else self._keep_s
            if (directory.is_waiting or directory.is_over) and time.time() - directory.changed_s > longest_s:
                log.info("removed from the inbox: %s", directory.path.name)
                shutil.rmtree(directory.path, ignore_errors=True)
