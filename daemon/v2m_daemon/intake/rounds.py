"""Round after round of looking at a watch folder: is it there, what is wished, what came, how far is it.

See `v2m_daemon.intake.watch_folder`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from v2m.errors import InputError, OutputWriteError, UnreachableError, UsageError, V2MError
from v2m_daemon.confine import Confinement
from v2m_daemon.intake.anchor import ANCHOR, is_there
from v2m_daemon.intake.arrivals import Arrival, Arrivals, listing
from v2m_daemon.intake.course import Course
from v2m_daemon.intake.drop import Drop, DropState
from v2m_daemon.intake.hand import Hand
from v2m_daemon.intake.inspector import Inspector
from v2m_daemon.intake.ledger import Ledger
from v2m_daemon.intake.media import MediaWatch, names_in
from v2m_daemon.intake.names import PRESET
from v2m_daemon.intake.places import Places
from v2m_daemon.intake.preset import Preset, parse_preset
from v2m_daemon.intake.settings import WatchSettings
from v2m_daemon.intake.status import early_status
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.spec import LONGEST_NAME
from v2m_daemon.jobs.view import JobState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tally:
    """How a watch folder stands after a round."""

    is_there: bool = False
    open: int = 0
    """Documents that a job does, or will."""

    arriving: bool = False
    """Something has not settled yet."""

    failed: int = 0
    """Since this process began."""


class Rounds:
    """One look at everything after the other."""

    def __init__(
        self, settings: WatchSettings, desk: Desk, confinement: Confinement, ledger: Ledger, hand: Hand,
        inspector: Inspector, identity: str,
    ) -> None:  # fmt: skip
        """Nothing is touched before the first round.

        Args:
            settings: of the folder.
            desk: takes the jobs.
            confinement: what they may touch.
            ledger: what was taken in before; open.
            hand: touches the files.
            inspector: reads what was dropped.
            identity: of the ledger.
        """
        self._ledger, self._hand = ledger, hand
        self._folder = Path(settings.folder)
        self._identity = identity
        self._places = Places(self._folder, identity)
        self._media = MediaWatch(settings, hand, inspector)
        self._arrivals = Arrivals(settings, hand, ledger, inspector)
        self._course = Course(
            settings, desk, confinement, ledger, self._places, self._media, hand, identity
        )  # fmt: skip
        self._open: dict[int, Drop] = {}
        self._was_there: bool | None = None
        self._preset_data: bytes | None = None
        self._preset: Preset | None = None
        """None while `v2m.toml` changes or makes no sense."""

        self._is_arriving = True
        self._failed = 0

    async def take_up(self) -> None:
        """See what an earlier process left; once, before the first round."""
        self._open = {drop.id: drop for drop in await self._ledger.in_state(DropState.OPEN)}

    async def next(self) -> Tally:
        """Look once; what is in the way of it is told and tried again in the next."""
        try:
            if not await self._is_there():
                return Tally(open=len(self._open), failed=self._failed)
            await self._read_preset()
            if self._preset is not None:
                await self._take_in(self._preset)
            await self._advance()
            await self._forget_removed()
        except UnreachableError:
            log.debug("the desk is closed")
        except (OSError, OutputWriteError) as error:
            log.warning("%s: %s", self._folder, error)
        there = self._was_there is True
        return Tally(there, len(self._open), self._is_arriving, self._failed)

    async def _is_there(self) -> bool:
        known = not await self._ledger.is_empty()
        try:
            there = await self._hand.do(lambda: is_there(self._folder, self._identity, is_known=known))
        except OSError:
            there = False
        if there != self._was_there:
            await self._came_or_went(there)
        self._was_there = there
        return there

    async def _came_or_went(self, there: bool) -> None:
        if there:
            log.info("watching %s", self._folder)
            await self._hand.do(self._places.sweep)
            return
        log.warning(
            "%s is away: its file %s is not there. Nothing is done until it is back; if this is the right "
            "folder, make an empty file of that name.", self._folder, ANCHOR,
        )  # fmt: skip
        await self._ledger.note_away()
        await self.take_up()

    async def _read_preset(self) -> None:
        """See what `v2m.toml` says; one that makes no sense is told of in `Failed/`."""
        data = await self._hand.do(self._preset_bytes)
        if data != self._preset_data:  # it may be half written: read again in the next round
            self._preset_data, self._preset, self._is_arriving = data, None, True
        elif self._preset is None:
            self._is_arriving = False
            await self._parse_preset(data)

    async def _parse_preset(self, data: bytes) -> None:
        try:
            self._preset = parse_preset(data)
        except UsageError as error:
            sentence = f"{error.sentence()} Nothing is taken in until it is corrected."
            await self._hand.do(lambda: self._places.write_error(PRESET, sentence))
        else:
            await self._hand.do(lambda: self._places.clear_error(PRESET))

    def _preset_bytes(self) -> bytes:
        try:
            return (self._folder / PRESET).read_bytes()
        except FileNotFoundError:
            return b""

    async def _take_in(self, preset: Preset) -> None:
        found = await self._hand.do(lambda: listing(self._folder))
        wished = preset.spec(str(self._folder / "any"), str(self._places.output), "")
        for arrival in await self._arrivals.settled(found, wished.path_map, videos=preset.videos):
            if await self._deal_with(arrival, preset):
                self._arrivals.deal_with(arrival.name, arrival.look)
        self._is_arriving = self._arrivals.pending

    async def _deal_with(self, arrival: Arrival, preset: Preset) -> bool:
        """Take an arrival in, if it is to be; returns whether its matter is settled."""
        known = arrival.again
        if known is None:
            return await self._new(arrival, preset)
        if known.state is DropState.FAILED and known.look != arrival.look.same_content:
            return await self._new(arrival, preset)
        if known.state is DropState.DONE:
            await self._again(arrival, known)
        return True

    async def _again(self, arrival: Arrival, drop: Drop) -> None:
        """A content came that was scored before."""
        if arrival.name != drop.document:
            log.info("%s was scored before, as %s: see Output", arrival.name, drop.document)
        if drop.goes_away and arrival.kind == "timeline":
            await self._hand.do(lambda: self._places.put_away(arrival.name, self._places.done))

    async def _new(self, arrival: Arrival, preset: Preset) -> bool:
        """Take a document in, in place of what had its name or its content; False: not yet."""
        for older in [drop for drop in self._open.values() if drop.document == arrival.name]:
            await self._course.supersede(older)
            await self._advance_one(older)
            if older.id in self._open:  # its job does not hear yet
                return False
        if arrival.again is not None:
            await self._ledger.remove(arrival.again)
        drop = await self._ledger.add(await self._drop(arrival, preset))
        if arrival.inspected.error is not None:
            await self._fail(drop, arrival.inspected.error)
            return True
        log.info("%s is taken in", arrival.name)
        self._media.learn(drop, arrival.inspected)
        self._open[drop.id] = drop
        return True

    async def _drop(self, arrival: Arrival, preset: Preset) -> Drop:
        """The row for an arrival."""
        stem, taken = "", {drop.stem for drop in self._open.values()}
        if arrival.again is not None and arrival.again.stem not in taken:
            stem = arrival.again.stem
        else:
            stem = await self._hand.do(lambda: self._places.free_stem(arrival.name, taken))
        client = f"watch {self._folder.name}"[:LONGEST_NAME]
        return Drop(
            content=arrival.content,
            document=arrival.name,
            stem=stem,
            size=arrival.look.size,
            mtime_ns=arrival.look.mtime_ns,
            spec=preset.spec(str(self._folder / arrival.name), str(self._places.output), client),
            in_place=preset.in_place,
            without_media=preset.without_media,
            media=tuple(names_in(arrival.inspected.media, self._folder)),
        )

    async def _fail(self, drop: Drop, error: V2MError) -> None:
        wrong = error if error.message.startswith(drop.document) else InputError(
            f"{drop.document}: {error.message}", hint=error.hint, detail=error.detail
        )  # fmt: skip
        await self._course.fail(drop, wrong, early_status(JobState.FAILED, ""))
        self._failed += 1

    async def _advance(self) -> None:
        self._media.begin_round()
        for drop in list(self._open.values()):
            try:
                await self._advance_one(drop)
            except (OSError, OutputWriteError) as error:  # the others may still go on
                log.warning("%s waits: %s", drop.document, error)

    async def _advance_one(self, drop: Drop) -> None:
        now = await self._course.advance(drop)
        if now.state is DropState.OPEN:
            self._open[drop.id] = now
        else:
            self._open.pop(drop.id, None)
            self._failed += now.state is DropState.FAILED

    async def _forget_removed(self) -> None:
        """What failed and was taken away may come again."""
        failed = await self._ledger.in_state(DropState.FAILED)
        for drop in await self._hand.do(lambda: self._gone(failed)):
            await self._ledger.remove(drop)

    def _gone(self, drops: Sequence[Drop]) -> list[Drop]:
        gone = [drop for drop in drops if not os.path.lexists(self._folder / drop.document)]
        self._places.check()  # in a folder that has just gone away everything is gone
        return gone
