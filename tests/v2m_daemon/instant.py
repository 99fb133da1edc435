"""An executor that composes in milliseconds, by the rules of a real one, and fails when the prompt says so.

"refuse"      the job itself is wrong            "lose", "lose 2"   the worker dies, always or twice
"oom", "oom 1"   memory runs out, always or once  "sleep 0.5"        works for so many seconds
"deaf 5"      works so long, deaf to a cancel     "raise"            breaks the rules of an executor
"silent"      ends without an outcome
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

from v2m_daemon import durable
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.worker.executor import (
    Backbone,
    Cause,
    Done,
    Event,
    Failed,
    Health,
    Progress,
    Stopped,
    Work,
)

from v2m.errors import DocumentError, OutOfMemoryError, OutputWriteError, WorkerLostError
from v2m.stages import STAGES


class InstantExecutor:
    """See `v2m_daemon.worker.executor.Executor`."""

    def __init__(
        self, slots: int = 1, *, free_bytes: int | None = None, needed: int = 0, slowness: float = 1.0
    ) -> None:
        """`slowness` stretches what the prompts say."""
        self.slots = slots
        self.free_bytes = free_bytes
        self.total_bytes: int | None = None
        self.needed = needed
        self.slowness = slowness
        self.started: list[Work] = []
        self.most_at_once = 0
        self.is_open = False
        self._stops: dict[str, asyncio.Event] = {}

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def health(self) -> Health:
        sketch = Backbone("sketch", "Writes scores.", True)
        return Health("instant", self.free_bytes, self.total_bytes, (sketch,))

    def needed_bytes(self, spec: JobSpec) -> int:
        return self.needed

    async def cancel(self, job_id: str) -> None:
        if job_id in self._stops:
            self._stops[job_id].set()

    async def run(self, work: Work) -> AsyncIterator[Event]:
        self.started.append(work)
        self._stops[work.job_id] = stop = asyncio.Event()
        self.most_at_once = max(self.most_at_once, len(self._stops))
        try:
            word, _, number = (work.spec.prompt or "").partition(" ")
            if word == "raise":
                raise RuntimeError("the rules are broken")
            async for event in self._compose(work, word, float(number or "inf"), stop):
                yield event
        finally:
            del self._stops[work.job_id]

    async def _compose(
        self, work: Work, word: str, number: float, stop: asyncio.Event
    ) -> AsyncIterator[Event]:
        for stage in STAGES:
            for fraction in (0.0, 0.5, 1.0):
                yield Progress(stage, fraction)
                await asyncio.sleep(0)
            if stage == "compose" and word == "sleep":
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), number * self.slowness)
            if stop.is_set():
                yield Stopped()
                return
        if word == "deaf":
            await asyncio.sleep(number * self.slowness)
        if (failure := fails(work, word, number)) is not None:
            yield failure
        elif word != "silent":
            yield await asyncio.to_thread(published, work)


def fails(work: Work, word: str, number: float) -> Failed | None:
    if word == "refuse":
        return Failed(DocumentError("The document holds no picture."))
    if word == "lose" and work.attempt <= number:
        return Failed(WorkerLostError("The worker was killed by signal 9."), Cause.LOST)
    if word == "oom" and work.attempt <= number:
        return Failed(OutOfMemoryError("2.0 GB more were asked for."), Cause.OUT_OF_MEMORY)
    return None


def published(work: Work) -> Done | Failed:
    try:
        return publish(work)
    except OSError as error:
        return Failed(OutputWriteError(f"Cannot write: {error}."))


def publish(work: Work) -> Done:
    """Put one output in place, so that it comes once however often the work is cut short."""
    folder = JobFolder(work.folder)
    if (known := folder.read_result()) is not None:
        return Done(*known)
    place = Path(work.spec.result_dir(str(folder.out)))
    if not folder.publish.exists():
        folder.stages.mkdir(exist_ok=True)
        music = folder.stages / "music.wav"
        durable.write_whole(music, b"RIFF" + os.urandom(16) * 256)
        target = str(place / f"{Path(work.spec.document).stem}-{work.job_id}.wav")
        durable.write_json(folder.publish, {"from": str(music), "to": target})
    plan = json.loads(folder.publish.read_bytes())
    place.mkdir(parents=True, exist_ok=True)
    if os.path.exists(plan["from"]):
        durable.replace(Path(plan["from"]), Path(plan["to"]))
    result = {"wav": plan["to"], "attempt": work.attempt, "window_scale": work.window_scale}
    folder.write_result(result, {"wav": plan["to"]})
    return Done(result, {"wav": plan["to"]})
