"""From what lies in a watch folder to what has arrived: settled, known by content, and readable.

Conventions: a round sees each name once; a name whose look was dealt with is not opened again until it
changes. Timelines come before videos, for they say which videos are their media.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from v2m.errors import InputError
from v2m_daemon.intake.content import content_hash
from v2m_daemon.intake.drop import Drop, DropState
from v2m_daemon.intake.hand import Hand
from v2m_daemon.intake.inspector import Inspected, Inspector
from v2m_daemon.intake.ledger import Ledger
from v2m_daemon.intake.names import Kind, kind_of
from v2m_daemon.intake.settings import WatchSettings
from v2m_daemon.intake.settling import Look, Settling, look_at
from v2m_daemon.jobs.spec import Pairs

MOST_A_ROUND: Final = 20
"""Documents that are read in one round: what runs already is looked after in between."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """A document or video that may be taken in."""

    name: str
    kind: Kind
    look: Look
    content: str
    inspected: Inspected
    """Its error is final: it has not changed for long."""

    again: Drop | None = None
    """The row of an earlier try that failed, or of one that is done whose document came once more."""


def listing(folder: Path) -> dict[str, tuple[Kind, Look]]:
    """Everything in a watch folder that may be taken in, by name.

    Raises:
        OSError: the folder cannot be read.
    """
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not _is_text(path.name):
            continue  # a link leads out of the folder or to a file that is here; no job can name the other
        kind = kind_of(path.name, is_folder=path.is_dir())
        if kind is not None and (path.is_file() or path.is_dir()):
            with contextlib.suppress(FileNotFoundError):  # renamed meanwhile
                found[path.name] = (kind, look_at(path))
    return found


class Arrivals:
    """What arrives in one folder."""

    def __init__(
        self, settings: WatchSettings, hand: Hand, ledger: Ledger, inspector: Inspector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Nothing was seen yet."""
        self._settings = settings
        self._folder = Path(settings.folder)
        self._hand, self._ledger, self._inspector, self._clock = hand, ledger, inspector, clock
        self._settling = Settling(settings.equal_looks, settings.look_every_s)
        self._dealt: dict[str, Look] = {}
        self._again_s: dict[str, float] = {}
        """Name -> when to read again what could not be read."""

        self.pending = False
        """Something has not settled, or could not be read and is given time."""

    async def settled(
        self, found: Mapping[str, tuple[Kind, Look]], path_map: Pairs, *, videos: bool
    ) -> list[Arrival]:
        """What has arrived and was not dealt with yet.

        Args:
            found: what lies there now.
            path_map: for the media of timelines.
            videos: whether videos are taken in.
        """
        self._settling.keep(set(found))
        self._dealt = {name: look for name, look in self._dealt.items() if name in found}
        self.pending = False
        timelines = {name: look for name, (kind, look) in found.items() if kind == "timeline"}
        arrived = await self._of_kind("timeline", timelines, path_map)
        if videos and not self.pending and not arrived:  # whatever may name a video has been taken in
            media = await self._ledger.named_media()
            others = {
                name: look for name, (kind, look) in found.items() if kind == "video" and name not in media
            }
            arrived = await self._of_kind("video", others, path_map)
        self.pending = self.pending or bool(arrived)
        return arrived

    def deal_with(self, name: str, look: Look) -> None:
        """The name needs no more looks until it changes."""
        self._dealt[name] = look
        self._settling.forget(name)
        self._again_s.pop(name, None)

    async def _of_kind(self, kind: Kind, found: Mapping[str, Look], path_map: Pairs) -> list[Arrival]:
        arrived: list[Arrival] = []
        for name, look in found.items():
            if self._dealt.get(name) == look:
                continue
            now_s = self._clock()
            has_settled = self._settling.see(name, look, now_s)
            if not has_settled or now_s < self._again_s.get(name, 0.0) or len(arrived) >= MOST_A_ROUND:
                self.pending = True
                continue
            arrival = await self._arrival(name, kind, look, path_map)
            if arrival is not None:
                arrived.append(arrival)
        return arrived

    async def _arrival(self, name: str, kind: Kind, look: Look, path_map: Pairs) -> Arrival | None:
        """What to do with a settled name; None: nothing, or nothing yet."""
        path = self._folder / name
        try:
            content, after = await self._hand.do(lambda: (content_hash(path), look_at(path)))
        except FileNotFoundError:
            return None  # gone
        except PermissionError:  # whoever writes it holds it, as on Windows; or it is not for us
            return self._unreadable(name, kind, look, "", InputError(f"{name} may not be read."))
        if after != look:
            self.pending = True
            return None
        if await self._ledger.is_output(content):
            log.info("%s is what came out of here: not taken in", name)
            self.deal_with(name, look)
            return None
        known = await self._ledger.of_content(content)
        if known is not None and not _may_come_again(known, name, look):
            return Arrival(name, kind, look, content, Inspected(None), known)
        inspected = await self._inspect(path, kind, path_map)
        if not await self._is_still(path, look):  # what was read may be more than what the hash is of
            self.pending = True
            return None
        if inspected.error is not None:
            return self._unreadable(name, kind, look, content, inspected.error, known)
        return Arrival(name, kind, look, content, inspected, known)

    def _unreadable(
        self, name: str, kind: Kind, look: Look, content: str, error: Exception, known: Drop | None = None
    ) -> Arrival | None:
        """What cannot be read may still be coming; after a while without a change it is broken."""
        now_s = self._clock()
        unchanged_s = self._settling.unchanged_s(name, now_s)
        if unchanged_s < self._settings.broken_wait_s:
            self.pending = True
            self._again_s[name] = now_s + min(unchanged_s, self._settings.broken_wait_s - unchanged_s)
            return None
        wrong = error if isinstance(error, InputError) else InputError(str(error))
        return Arrival(name, kind, look, content or f"unreadable:{name}", Inspected(wrong), known)

    async def _is_still(self, path: Path, look: Look) -> bool:
        try:
            return await self._hand.do(lambda: look_at(path)) == look
        except FileNotFoundError:
            return False

    async def _inspect(self, path: Path, kind: Kind, path_map: Pairs) -> Inspected:
        if kind == "video":
            return await self._inspector.video(str(path))
        return await self._inspector.timeline(str(path), path_map)


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _may_come_again(known: Drop, name: str, look: Look) -> bool:
    """Whether a content that was taken in is tried once more: where it failed and was dropped anew."""
    return known.state is DropState.FAILED and (known.document != name or known.look != look.same_content)
