"""A folder into which people drop timelines: each is scored once, and its music comes out beside it.

    FOLDER/edit.otio -> FOLDER/Output/edit.wav, edit.otio, edit.v2m/, edit.status.json
                     or FOLDER/Failed/edit.error.txt, one sentence

A round looks at everything: is the folder there (`anchor`), what is wished (`preset`), what has arrived
(`arrivals`), how far is what was taken in (`course`). Events only say when the next round begins (`wake`).
What must outlive this process is in the ledger; the rest can be seen again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from v2m_daemon.confine import Confinement
from v2m_daemon.home import Home, make_private
from v2m_daemon.intake.hand import Hand
from v2m_daemon.intake.inspector import Inspector
from v2m_daemon.intake.ledger import Ledger
from v2m_daemon.intake.mounts import is_network
from v2m_daemon.intake.rounds import Rounds, Tally
from v2m_daemon.intake.settings import WatchSettings
from v2m_daemon.intake.wake import Wake
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.lock import FileLock

RESCAN_S: Final = 10.0
"""Even where the system tells of changes: some it keeps to itself, such as new times of a file, and events
are lost when very many come at once."""


def state_of(home: Home, folder: str) -> Path:
    """Where the state of a watch folder lies: its ledger and lock, and all else of `v2m watch`."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
    return home.watch / name


class WatchFolder:
    """An attendant; see `v2m_daemon.jobs.attendant`."""

    def __init__(
        self, settings: WatchSettings, state: Path, *, after_round: Callable[[Tally], None] | None = None
    ) -> None:
        """Nothing is touched before `attend`.

        Args:
            settings: of the folder.
            state: see `state_of`.
            after_round: hears how the folder stands.
        """
        self._settings = settings
        self._folder = Path(settings.folder)
        self._state = state
        self._after_round = after_round

    async def attend(self, desk: Desk, confinement: Confinement) -> None:
        """Watch until cancelled.

        Raises:
            AlreadyRunningError: another process watches this folder.
            OutputWriteError, UnsupportedError: the ledger cannot be used.
        """
        make_private(self._state)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(FileLock(self._state / "folder.lock"))
            ledger = Ledger(self._state / "ledger.sqlite3")
            ledger.open()
            stack.callback(ledger.close)
            hand = Hand("watch")
            stack.callback(hand.close)
            inspector = Inspector()
            stack.push_async_callback(inspector.closed)
            identity = await ledger.identity()
            rounds = Rounds(self._settings, desk, confinement, ledger, hand, inspector, identity)
            await rounds.take_up()
            wake = Wake(self._folder)
            stack.callback(wake.deafen)
            await self._go_round(rounds, wake, hand)

    async def _go_round(self, rounds: Rounds, wake: Wake, hand: Hand) -> None:
        was_there = False
        while True:
            tally = await rounds.next()
            if self._after_round is not None:
                self._after_round(tally)
            pause_s = _pause_s(self._settings, tally, hears=wake.hears)
            if not tally.is_there:
                wake.deafen()  # what comes back is another folder to the system
            elif not was_there:
                if await hand.do(lambda: _events_help(self._settings)):
                    wake.listen()
                pause_s = self._settings.look_every_s  # what came before it listened rang no bell
            was_there = tally.is_there
            await wake.wait(pause_s)


def _events_help(settings: WatchSettings) -> bool:
    if settings.watching == "auto":
        return not is_network(Path(settings.folder))
    return settings.watching == "events"


def _pause_s(settings: WatchSettings, tally: Tally, *, hears: bool) -> float:
    if tally.is_there and (tally.open or tally.arriving):
        return settings.look_every_s
    return RESCAN_S if hears and tally.is_there else settings.poll_every_s
