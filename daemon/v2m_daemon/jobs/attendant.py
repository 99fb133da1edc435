"""Whoever brings jobs to the desk besides gRPC: a watch folder, a folder of job directories."""

from __future__ import annotations

from typing import Protocol

from v2m_daemon.confine import Confinement
from v2m_daemon.jobs.desk import Desk


class Attendant(Protocol):
    """Works beside the server as long as the daemon lives."""

    async def attend(self, desk: Desk, confinement: Confinement) -> None:
        """Bring jobs and carry results until cancelled; where it breaks it is started anew a little later.

        Args:
            desk: takes jobs; refuses them once the daemon shuts down.
            confinement: every spec goes through its `check` before it is submitted.
        """
        ...
