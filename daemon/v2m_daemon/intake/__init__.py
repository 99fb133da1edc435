"""Jobs that come as files: watch folders, and the job directory for clients that cannot speak gRPC."""

from __future__ import annotations

from v2m_daemon.config import Config
from v2m_daemon.home import Home
from v2m_daemon.intake.inbox import Inbox
from v2m_daemon.intake.settings import read_watches
from v2m_daemon.intake.watch_folder import WatchFolder, state_of
from v2m_daemon.jobs.attendant import Attendant


def attendants(config: Config, home: Home) -> list[Attendant]:
    """The folder of job directories, and every watch folder of the configuration.

    Raises:
        UsageError: a `[[watch]]` table makes no sense.
    """
    watches = read_watches(config.watch)
    folders = [WatchFolder(settings, state_of(home, settings.folder)) for settings in watches]
    return [Inbox(home.inbox, config.queue.keep_days), *folders]
