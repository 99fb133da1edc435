"""A watch folder on which a test sees what a person would see; `test_watch_*.py` load this by its path."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from v2m_daemon.config import QueueSettings
from v2m_daemon.confine import Confinement
from v2m_daemon.home import Home
from v2m_daemon.intake.settings import WatchSettings
from v2m_daemon.intake.watch_folder import WatchFolder, state_of
from v2m_daemon.jobs.desk import Desk

OLD_S = 1_000_000_000
"""Of a file that nobody is copying now."""


def timeline(target: str, name: str = "film") -> str:
    """A document that shows one second of a file."""

    def span(seconds: int) -> dict[str, Any]:
        at = {"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": 0}
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": at, "duration": at | {"value": 24 * seconds}}

    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": target, "available_range": span(2)}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "shot", "source_range": span(1), "media_reference": media}
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}
    return json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": name, "tracks": stack})


class Folder:
    """A watch folder in a process of one's own making."""

    def __init__(self, root: Path, home: Home, executor: Any) -> None:
        self.path = root / "drop"
        self.path.mkdir()
        self.home = home
        self.executor = executor
        self.queue = QueueSettings()
        self.settings = WatchSettings(
            str(self.path), watching="polling", look_every_s=0.03, equal_looks=2, poll_every_s=0.05,
            broken_wait_s=0.5, media_wait_s=20.0,
        )  # fmt: skip
        media = self.path / "media"
        media.mkdir()
        (media / "a.mov").write_bytes(b"picture")
        os.utime(media / "a.mov", (OLD_S, OLD_S))

    def put(self, name: str, text: str | None = None) -> Path:
        """A document that is there at once; a different one under each name."""
        path = self.path / name
        path.write_text(timeline("media/a.mov", name) if text is None else text)
        return path

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[Desk]:
        state = state_of(self.home, str(self.path))
        async with Desk.opened(self.home, self.executor, self.queue) as desk:
            attendant = WatchFolder(self.settings, state)
            task = asyncio.create_task(attendant.attend(desk, Confinement(self.home)))
            try:
                yield desk
                assert not task.done(), task.exception()
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def rounds(self, seconds: float = 0.4) -> None:
        """Time in which what was to happen would have happened."""
        await asyncio.sleep(seconds)

    def results(self) -> list[str]:
        return sorted(path.name for path in (self.path / "Output").glob("*.wav"))

    def errors(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.path / "Failed").glob("*.txt")}

    def status(self, stem: str) -> dict[str, Any]:
        path = self.path / "Output" / f"{stem}.status.json"
        return json.loads(path.read_bytes()) if path.exists() else {"state": None, "message": ""}

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            await asyncio.sleep(0.01)

    async def until_done(self, *stems: str) -> None:
        await self.until(lambda: all(self.status(stem)["state"] == "done" for stem in stems))

    @property
    def jobs(self) -> list[str]:
        """The documents that were composed for, in order."""
        return [Path(work.spec.document).name for work in self.executor.started]
