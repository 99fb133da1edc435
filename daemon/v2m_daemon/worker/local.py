"""The executor of this machine: one worker process per device.

Whatever becomes of a worker, results that are being put in place are put in place, and those that are not
leave nothing there: both are for this side to see to, which outlives it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from v2m.added_models import models_folder
from v2m.backbones import SOUND_BACKBONES, composes_sound
from v2m.errors import V2MError
from v2m_daemon.config import WorkerSettings
from v2m_daemon.home import Home
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.memory import memory
from v2m_daemon.worker import publication
from v2m_daemon.worker.devices import devices
from v2m_daemon.worker.executor import Backbone, Done, Event, Failed, Health, Progress, Stopped, Work
from v2m_daemon.worker.process import COMMAND
from v2m_daemon.worker.seat import Seat

LIBRARIES_BYTES: Final = 600_000_000
"""torch, the decoder and the SoundFont, once they are loaded."""

TAKE_BYTES: Final = 150_000_000
"""What a take more in the batch adds while it is composed."""

WITHIN_S: Final = 2.5
"""For everything that is ended with the executor."""


class LocalExecutor:
    """See `v2m_daemon.worker.executor.Executor`.

    Args:
        settings: of the workers.
        home: not needed here: all state lies in the folders of the jobs.
        command: the worker's program.
    """

    def __init__(
        self, settings: WorkerSettings, home: Home | None = None, *, command: Sequence[str] = COMMAND
    ) -> None:
        self._settings = settings
        self._command = command
        self._seats: tuple[Seat, ...] = ()
        self._free: asyncio.Queue[Seat] = asyncio.Queue()
        self._stops: dict[str, asyncio.Event] = {}
        self._taken: dict[str, Seat] = {}

    @property
    def slots(self) -> int:
        """One per device."""
        return max(1, len(self._seats))

    async def open(self) -> None:
        """Look for devices; workers are started by their first jobs."""
        found = await asyncio.to_thread(devices)
        self._seats = tuple(Seat(device, self._settings, self._command) for device in found)
        for seat in self._seats:
            self._free.put_nowait(seat)

    async def run(self, work: Work) -> AsyncIterator[Event]:
        """Do one job on the first free device."""
        self._stops[work.job_id] = stop = asyncio.Event()
        settled = False
        try:
            seat = await self._seat(stop)
            if seat is None:
                yield Stopped()
                return
            self._taken[work.job_id] = seat
            try:
                async with contextlib.aclosing(seat.do(work, stop)) as events:
                    async for event in events:
                        if isinstance(event, Progress):
                            yield event
                            continue
                        settled = True
                        yield await settle(work, event)
            finally:
                del self._taken[work.job_id]
                self._free.put_nowait(seat)
        finally:
            del self._stops[work.job_id]
            if not settled:
                await settle(work, Stopped())

    async def cancel(self, job_id: str) -> None:
        """Stop a job."""
        if (stop := self._stops.get(job_id)) is not None:
            stop.set()
        if (seat := self._taken.get(job_id)) is not None:
            seat.nudge()

    async def health(self) -> Health:
        """The machine's memory; what idle workers hold counts as free, for they are used or go."""
        room = await asyncio.to_thread(memory)
        idle = [seat for seat in self._seats if seat not in self._taken.values()]
        warm = sum(seat.rss_bytes for seat in idle)
        return Health(
            device=", ".join(seat.device.name for seat in self._seats if seat.device.name),
            free_bytes=min(room.free_bytes + warm, room.total_bytes) if room else None,
            total_bytes=room.total_bytes if room else None,
            backbones=await asyncio.to_thread(backbones),
        )

    def needed_bytes(self, spec: JobSpec) -> int:
        """See `needed_bytes`."""
        return needed_bytes(spec)

    async def close(self) -> None:
        """End every worker."""
        for stop in self._stops.values():
            stop.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                await asyncio.gather(*(seat.close() for seat in self._seats))

    async def _seat(self, stop: asyncio.Event) -> Seat | None:
        """A free device; None when the job is to stop before there is one."""
        taking, stopping = asyncio.create_task(self._free.get()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                return None
            if stop.is_set():
                self._free.put_nowait(taking.result())
                return None
            return taking.result()
        finally:
            taking.cancel()
            stopping.cancel()


def needed_bytes(spec: JobSpec) -> int:
    """The libraries, and what takes that are composed at once add."""
    takes = spec.takes if spec.kind is JobKind.SCORE else 0
    return LIBRARIES_BYTES + takes * TAKE_BYTES + _weights_bytes(spec)


def _weights_bytes(spec: JobSpec) -> int:
    """Of a model of sound, which is as large in memory as on disk; a change of a take may need none."""
    if spec.kind is not JobKind.SCORE or not composes_sound(spec.backbone):
        return 0
    files = (models_folder() / spec.backbone).rglob("*.safetensors")
    return sum(path.stat().st_size for path in files)


async def settle(work: Work, outcome: Event) -> Event:
    """The outcome as it stays: what was being put in place is, and of anything else nothing is left there."""
    if isinstance(outcome, Done):
        return outcome
    folder = JobFolder(work.folder)
    place = Path(work.spec.result_dir(str(folder.out)))
    try:
        if publication.is_begun(folder) or folder.read_result() is not None:
            return await asyncio.to_thread(publication.finish, folder)
        await asyncio.to_thread(publication.abandon, folder, place, work.job_id)
    except V2MError as error:
        return Failed(error)
    return outcome


def backbones() -> tuple[Backbone, ...]:
    """What can compose; found without loading any of it."""
    package = importlib.util.find_spec("v2m.backbones")
    folders = package.submodule_search_locations if package else None
    weights = [Path(folder) / "weights" / "sketch.safetensors" for folder in folders or ()]
    is_ready = any(path.is_file() for path in weights)
    hint = "" if is_ready else "Install v2m again: the weights are part of the package."
    embedded = Backbone("sketch", "The embedded model: composes scores on the planned beats.", is_ready, hint)
    return (embedded, *(_sound_backbone(name) for name in SOUND_BACKBONES))


def _sound_backbone(name: str) -> Backbone:
    is_ready = (models_folder() / name).is_dir()
    hint = "" if is_ready else f"Add it with `v2m models add {name}`."
    return Backbone(name, "A pretrained model: composes sound, which is fitted to the hits.", is_ready, hint)
