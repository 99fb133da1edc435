"""Whether the media of a timeline are there and settled, so that it can be scored from its pictures.

A file is ready when it has settled and, if it was written lately, can be opened: a copy that stalls looks
settled, and one that was given its whole size beforehand looks so from its first byte on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from v2m_daemon.intake.drop import Drop
from v2m_daemon.intake.hand import Hand
from v2m_daemon.intake.inspector import Inspected, Inspector, NamedMedia
from v2m_daemon.intake.settings import WatchSettings
from v2m_daemon.intake.settling import Look, Settling, look_at

LATELY_S: Final = 600.0
"""A file changed before that is no copy under way; opening each of a film's thousands would take minutes."""

INSPECT_AGAIN_S: Final = 2.0
"""Files that were missing may have come; reading a document takes some 20 ms."""

PROBING_S: Final = 1.0
"""Of each round at most, so that the state of running jobs is still told; the others come next."""


@dataclass
class _Wait:
    """What one document waits for."""

    media: tuple[NamedMedia, ...]
    inspected_s: float
    changed_s: float
    """When something last changed: media came, or grew."""

    state: tuple[tuple[str, Look | None], ...] | None = None


@dataclass
class _Round:
    """What is known from one round of looks: each file is looked at once."""

    looks: dict[str, Look | None] = field(default_factory=dict)
    ready: dict[str, bool] = field(default_factory=dict)
    probing_s: float = 0.0


class MediaWatch:
    """The media of all documents under way in one folder."""

    def __init__(
        self, settings: WatchSettings, hand: Hand, inspector: Inspector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Nothing was seen yet."""
        self._settings = settings
        self._hand = hand
        self._inspector = inspector
        self._clock = clock
        self._settling = Settling(settings.equal_looks, settings.look_every_s)
        self._waits: dict[int, _Wait] = {}
        self._probed: dict[str, tuple[Look, float | None]] = {}
        """File -> what was probed, and when to probe again; None: it is fine."""

        self._round = _Round()

    def begin_round(self) -> None:
        """Look anew at every file that is asked for from now on."""
        self._round = _Round()

    def learn(self, drop: Drop, inspected: Inspected) -> None:
        """Take in which media a document names."""
        now_s = self._clock()
        self._waits[drop.id] = _Wait(inspected.media, now_s, now_s)

    def forget(self, drop: Drop) -> None:
        """The document is done with."""
        self._waits.pop(drop.id, None)
        if not self._waits:
            self._probed.clear()
            self._settling.keep(set())

    async def lacking(self, drop: Drop) -> list[str]:
        """The media that are not there yet or still change, as the document writes them."""
        wait = await self._known(drop)
        paths = [media.path for media in wait.media if media.path is not None]
        await self._look(paths)
        lacking = []
        for media in wait.media:
            if media.path is None:
                ready = not media.comes
            else:
                ready = await self._is_ready(media.path)
            if not ready:
                lacking.append(media.target)
        state = tuple((media.target, self._round.looks.get(media.path or "")) for media in wait.media)
        if state != wait.state:
            wait.state, wait.changed_s = state, self._clock()
        return lacking

    def waited_s(self, drop: Drop) -> float:
        """For how long none of the media has changed."""
        return self._clock() - self._waits[drop.id].changed_s if drop.id in self._waits else 0.0

    async def _known(self, drop: Drop) -> _Wait:
        """What the document names; read again while media are missing, for they may have come."""
        wait, now_s = self._waits.get(drop.id), self._clock()
        missing = wait is None or any(media.comes for media in wait.media)
        if wait is None or (missing and now_s - wait.inspected_s >= INSPECT_AGAIN_S):
            inspected = await self._inspect(drop)
            if wait is None:
                wait = self._waits[drop.id] = _Wait(inspected.media, now_s, now_s)
            elif inspected.error is None:
                wait.media = inspected.media
            wait.inspected_s = self._clock()
        return wait

    async def _inspect(self, drop: Drop) -> Inspected:
        if drop.kind == "video":
            return Inspected(None)
        return await self._inspector.timeline(drop.spec.document, drop.spec.path_map)

    async def _look(self, paths: list[str]) -> None:
        new = [path for path in paths if path not in self._round.looks]
        if new:
            self._round.looks.update(await self._hand.do(lambda: {path: _seen(path) for path in new}))

    async def _is_ready(self, path: str) -> bool:
        if path not in self._round.ready:
            self._round.ready[path] = await self._looks_ready(path)
        return self._round.ready[path]

    async def _looks_ready(self, path: str) -> bool:
        look, now_s = self._round.looks[path], self._clock()
        if look is None:
            self._settling.forget(path)
            return False
        if not self._settling.see(path, look, now_s):
            return False
        if time.time() - look.mtime_ns / 1e9 > LATELY_S:
            return True
        unchanged_s = self._settling.unchanged_s(path, now_s)
        return unchanged_s >= self._settings.broken_wait_s or await self._opens(path, look, unchanged_s)

    async def _opens(self, path: str, look: Look, unchanged_s: float) -> bool:
        before, again_s = self._probed.get(path, (None, 0.0))
        if before == look and again_s is None:
            return True
        began_s = self._clock()
        if (before == look and again_s is not None and began_s < again_s) or (
            self._round.probing_s > PROBING_S
        ):
            return False
        found = await self._inspector.video(path)
        self._round.probing_s += self._clock() - began_s
        # the longer it stays as it is, the less often it is tried
        self._probed[path] = (look, None if found.error is None else began_s + unchanged_s)
        return found.error is None


def names_in(media: Iterable[NamedMedia], folder: Path) -> Iterator[str]:
    """Names directly in a folder that media have or will have: they are no programmes of their own."""
    for each in media:
        path = each.path if each.path is not None else unquote(each.target).replace("\\", "/")
        if each.path is None or Path(os.path.normpath(path)).parent == folder:
            yield os.path.basename(path)


def _seen(path: str) -> Look | None:
    try:
        return look_at(Path(path).resolve())
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return None
