"""`v2m watch DIR`: score what is dropped into a folder, without a daemon."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace

from v2m.errors import UsageError
from v2m_daemon.config import Config, read_config
from v2m_daemon.confine import Confinement
from v2m_daemon.home import Home, make_private
from v2m_daemon.intake.rounds import Tally
from v2m_daemon.intake.settings import WatchSettings
from v2m_daemon.intake.watch_folder import WatchFolder, state_of
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.lock import FileLock
from v2m_daemon.worker.choose import choose_executor
from v2m_daemon.worker.executor import Executor


def run(arguments: argparse.Namespace) -> int:
    """Watch until stopped; with `--once` until all is done: 0, or 4 where something failed."""
    folder = os.path.abspath(os.path.expanduser(arguments.folder))
    if not os.path.isdir(folder):
        raise UsageError(f"There is no folder {folder}.", hint="Make it, or check the path.")
    user = Home.find()
    config = read_config(user.config_file)
    home = own_home(user, folder)
    make_private(user.watch)
    home.make()
    settings = WatchSettings(folder, "polling" if arguments.polling else "auto")
    _tell_on_stderr()
    with FileLock(home.lock):
        executor = choose_executor(config.worker, home)
        return asyncio.run(watch(settings, home, config, executor, once=arguments.once))


def own_home(user: Home, folder: str) -> Home:
    """Where a folder that is watched without a daemon keeps its jobs; the user's models are used."""
    return replace(Home.at(state_of(user, folder)), cache=user.cache, data=user.data, config=user.config)


async def watch(
    settings: WatchSettings, home: Home, config: Config, executor: Executor, *, once: bool = False
) -> int:
    """Watch one folder, with a desk and an executor of its own; the home is made and locked."""
    ended = asyncio.Event()
    stop = _StopWhenIdle(ended.set) if once else None
    confinement = Confinement(home, config.server.roots, config.server.path_map)
    async with Desk.opened(home, executor, config.queue, roots=confinement.roots) as desk:
        attendant = WatchFolder(settings, home.state, after_round=stop)
        watching = asyncio.create_task(attendant.attend(desk, confinement))
        ending = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait((watching, ending), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching  # it ends only by breaking
        finally:
            for task in (watching, ending):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
    return 4 if stop is not None and stop.failed else 0


class _StopWhenIdle:
    """Hears how the folder stands, and ends the watching when nothing is left to do."""

    def __init__(self, end: Callable[[], None]) -> None:
        self.failed = 0
        self._end = end

    def __call__(self, tally: Tally) -> None:
        self.failed = tally.failed
        if tally.is_there and not tally.open and not tally.arriving:
            self._end()


def _tell_on_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("v2m: %(message)s"))
    told = logging.getLogger("v2m_daemon")
    told.addHandler(handler)
    told.setLevel(logging.INFO)
