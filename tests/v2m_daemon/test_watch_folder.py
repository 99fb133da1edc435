"""A watch folder from outside: files are dropped in, results come out, once, whatever happens in between."""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from v2m_daemon.config import QueueSettings
from v2m_daemon.confine import Confinement
from v2m_daemon.home import Home
from v2m_daemon.intake.anchor import ANCHOR
from v2m_daemon.intake.settings import WatchSettings
from v2m_daemon.intake.watch_folder import WatchFolder, state_of
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.spec import JobSpec

from v2m.errors import AlreadyRunningError

Run = Callable[[Any], Any]
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
            broken_wait_s=0.5, media_wait_s=0.6,
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


@pytest.fixture
def folder(tmp_path: Path, home: Home, instant: ModuleType) -> Folder:
    return Folder(tmp_path, home, instant.InstantExecutor())


async def slowly(path: Path, text: str) -> None:
    for at in range(0, len(text), 120):
        with path.open("a") as file:
            file.write(text[at : at + 120])
        await asyncio.sleep(0.1)  # longer than it takes to settle: what is there looks finished


@pytest.mark.parametrize("watching", ["polling", "auto"])
def test_what_comes_in_whatever_way_is_done_once(
    folder: Folder, run: Run, tmp_path: Path, watching: str
) -> None:
    text = timeline("media/a.mov", "x")
    folder.settings = replace(folder.settings, watching=watching)

    async def scenario() -> None:
        folder.put("before.otio")
        async with folder.watched():
            copy = asyncio.create_task(slowly(folder.path / "slow.otio", text + " " * 100))
            (tmp_path / "moved.otio").write_text(text + " ")
            (tmp_path / "moved.otio").rename(folder.path / "moved.otio")
            part = folder.put("temporary.otio.part", text + "  ")
            bundle = folder.path / "bundle.otiod"
            (bundle / "media").mkdir(parents=True)
            (bundle / "media" / "b.mov").write_bytes(b"old")
            os.utime(bundle / "media" / "b.mov", (OLD_S, OLD_S))
            await folder.rounds(0.2)
            part.rename(folder.path / "temporary.otio")
            (bundle / "content.otio").write_text(timeline("media/b.mov"))
            await copy
            await folder.until_done("before", "slow", "moved", "temporary", "bundle")
            await folder.rounds()

    run(scenario())
    assert folder.results() == ["before.wav", "bundle.wav", "moved.wav", "slow.wav", "temporary.wav"]
    assert sorted(folder.jobs) == [
        "before.otio", "bundle.otiod", "moved.otio", "slow.otio", "temporary.otio",
    ]  # fmt: skip
    assert folder.errors() == {}
    assert (folder.path / "slow.otio").read_text() == text + " " * 100, "documents are not written to"
    status = folder.status("slow")
    assert (status["document"], status["fraction"], status["error"]) == ("slow.otio", 1.0, None)
    assert status["outputs"]["wav"] == str(folder.path / "Output" / "slow.wav")


@pytest.mark.slow
def test_nothing_is_done_twice(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        first = folder.put("one.otio")
        async with folder.watched():
            await folder.until_done("one")
        shutil.copy(first, folder.path / "copy.otio")  # while nobody looks
        shutil.copy(folder.path / "Output" / "one.wav", folder.path / "result.mov")
        async with folder.watched():
            folder.put("two.otio")
            await folder.until_done("two")
            os.utime(first)
            first.rename(folder.path / "renamed.otio")
            await folder.rounds()
        async with folder.watched():
            await folder.rounds()

    run(scenario())
    assert folder.jobs == ["one.otio", "two.otio"]
    assert folder.results() == ["one.wav", "two.wav"]


def test_a_document_that_changed_is_scored_anew_beside_the_old_result(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        folder.put("edit.otio")
        async with folder.watched():
            await folder.until_done("edit")
            before = (folder.path / "Output" / "edit.wav").read_bytes()
            folder.put("edit.otio", timeline("media/a.mov", "second cut"))
            await folder.until_done("edit-2")
            assert (folder.path / "Output" / "edit.wav").read_bytes() == before

    run(scenario())
    assert folder.results() == ["edit-2.wav", "edit.wav"]


def test_what_is_broken_is_told_in_one_sentence_and_tried_again_when_dropped_again(
    folder: Folder, run: Run
) -> None:
    async def scenario() -> None:
        broken = folder.put("broken.otio", '{"OTIO_SCHEMA": "Timeline.1", ')
        folder.put("cut.edl", "TITLE: CUT")
        folder.put("fine.otio")
        async with folder.watched():
            await folder.until_done("fine")
            await folder.until(lambda: len(folder.errors()) == 2)
            assert folder.status("broken")["state"] == "failed"
            assert folder.status("broken")["error"]["code"] == "bad_document"
            broken.write_text(timeline("media/a.mov", "whole now"))
            await folder.until_done("broken")

    run(scenario())
    assert set(folder.jobs) == {"fine.otio", "broken.otio"}
    errors = folder.errors()
    assert set(errors) == {"cut.error.txt"}, "the error of what was done later is taken away"
    assert errors["cut.error.txt"].startswith("cut.edl is no edit decision list")
    assert errors["cut.error.txt"].count("\n") == 1


@pytest.mark.slow
def test_a_failed_job_is_told_and_can_be_dropped_again(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        folder.put("v2m.toml", 'prompt = "refuse"')
        first = folder.put("edit.otio")
        async with folder.watched():
            await folder.until(lambda: "edit.error.txt" in folder.errors())
        async with folder.watched():
            await folder.rounds()
            assert folder.jobs == ["edit.otio"], "a restart is no reason to try again"
            folder.put("v2m.toml", 'prompt = "calm"')
            await folder.rounds(0.2)
            os.utime(first)  # what a second drop of the same file looks like
            await folder.until_done("edit")

    run(scenario())
    assert folder.errors() == {}
    assert folder.results() == ["edit.wav"]
    assert [work.spec.prompt for work in folder.executor.started] == ["refuse", "calm"]


def test_a_preset_that_makes_no_sense_stops_the_intake_and_says_so(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        folder.put("v2m.toml", 'promt = "lo-fi"')
        folder.put("edit.otio")
        async with folder.watched():
            await folder.until(lambda: "v2m.toml.error.txt" in folder.errors())
            await folder.rounds()
            assert "promt" in folder.errors()["v2m.toml.error.txt"]
            assert folder.jobs == []
            folder.put("v2m.toml", 'prompt = "lo-fi"\ntakes = 2')
            await folder.until_done("edit")
            assert folder.errors() == {}

    run(scenario())
    assert [(work.spec.prompt, work.spec.takes) for work in folder.executor.started] == [("lo-fi", 2)]


@pytest.mark.slow
def test_documents_are_moved_where_that_is_wished(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        folder.put("v2m.toml", "in_place = false")
        text = folder.put("good.otio").read_text()
        folder.put("bad.otio", "{}")
        async with folder.watched():
            await folder.until(lambda: (folder.path / "Done" / "good.otio").exists())
            await folder.until(lambda: (folder.path / "Failed" / "bad.otio").exists())
            folder.put("good.otio", text)  # the same again is put away and not done again
            await folder.until(lambda: (folder.path / "Done" / "good-2.otio").exists())
            folder.put("bad.otio", "{}")  # what failed is tried again
            await folder.until(lambda: (folder.path / "Failed" / "bad-2.otio").exists())

    run(scenario())
    assert folder.jobs == ["good.otio"]
    assert not list(folder.path.glob("*.otio"))
    assert set(folder.errors()) == {"bad.error.txt"}


@pytest.mark.slow
def test_a_timeline_waits_until_its_media_are_there_and_whole(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        folder.settings = replace(folder.settings, media_wait_s=20.0)
        folder.put("edit.otio", timeline("later/film.mov"))
        async with folder.watched():
            await folder.until(lambda: folder.status("edit")["state"] == "waiting_media")
            assert "later/film.mov" in folder.status("edit")["message"]
            (folder.path / "later").mkdir()
            film = folder.path / "later" / "film.mov"
            for _ in range(8):
                with film.open("ab") as file:
                    file.write(b"0" * 100)
                await asyncio.sleep(0.05)
                assert folder.status("edit")["state"] == "waiting_media"
                assert folder.jobs == []
            await folder.until_done("edit")

    run(scenario())
    assert folder.results() == ["edit.wav"]


@pytest.mark.parametrize("goes_without", [False, True])
def test_waiting_for_media_has_an_end(folder: Folder, run: Run, goes_without: bool) -> None:
    async def scenario() -> None:
        folder.put("v2m.toml", "without_media = true" if goes_without else "")
        folder.put("edit.otio", timeline("gone/film.mov"))
        # neither can ever come to this machine: nobody waits for them
        folder.put("other.otio", timeline("C:\\Media\\film.mov" if os.name != "nt" else "http://a/b.mov"))
        async with folder.watched():
            await folder.until_done("other")
            await folder.until(lambda: folder.status("edit")["state"] in ("failed", "done"))

    run(scenario())
    assert folder.status("edit")["state"] == ("done" if goes_without else "failed")
    if not goes_without:
        (sentence,) = folder.errors().values()
        assert "gone/film.mov" in sentence
        assert "did not come within 0.6 s" in sentence


@pytest.mark.slow
def test_media_are_no_programmes_of_their_own(folder: Folder, run: Run, media_dir: Path) -> None:
    video = media_dir / "edited" / "bikes.mp4"

    async def scenario() -> None:
        shutil.copy(video, folder.path / "named.mp4")
        shutil.copy(video, folder.path / "alone.mp4")
        with (folder.path / "alone.mp4").open("ab") as file:
            file.write(b"\0" * 16)
        (folder.path / "cut.mp4").write_bytes(video.read_bytes()[:2000])  # a copy that stalled
        folder.put("edit.otio", timeline("named.mp4"))
        async with folder.watched():
            await folder.until_done("edit", "alone")
            await folder.until(lambda: "cut.error.txt" in folder.errors())

    run(scenario())
    assert sorted(folder.jobs) == ["alone.mp4", "edit.otio"]


def test_a_newer_document_takes_the_place_of_one_that_waits(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        folder.settings = replace(folder.settings, media_wait_s=20.0)
        folder.put("edit.otio", timeline("gone/film.mov"))
        async with folder.watched() as desk:
            await folder.until(lambda: folder.status("edit")["state"] == "waiting_media")
            folder.put("edit.otio", timeline("media/a.mov", "second cut"))
            await folder.until_done("edit")
            states = sorted(job.state for job in (await desk.list()).jobs)
            assert states == ["cancelled", "done"]

    run(scenario())
    assert folder.results() == ["edit.wav"]
    assert folder.errors() == {}


@pytest.mark.slow
def test_more_documents_than_the_queue_holds_are_all_done(folder: Folder, run: Run) -> None:
    names = [f"film{number}.otio" for number in range(12)]

    async def scenario() -> None:
        folder.queue = QueueSettings(limit=2)
        for name in names:
            folder.put(name)
        async with folder.watched():
            await folder.until_done(*(Path(name).stem for name in names))

    run(scenario())
    assert sorted(folder.jobs) == sorted(names)


@pytest.mark.slow
def test_a_share_that_vanishes_is_waited_for_and_nothing_is_forgotten(folder: Folder, run: Run) -> None:
    away = folder.path.with_name("away")

    async def scenario() -> None:
        folder.put("v2m.toml", 'prompt = "sleep 0.4"')
        folder.put("one.otio")
        async with folder.watched():
            await folder.until(lambda: folder.status("one")["state"] == "running")
            folder.path.rename(away)
            folder.path.mkdir()  # the empty mount point; the result goes under here
            await asyncio.sleep(1)
            assert not list(folder.path.glob("Failed")), "a share that is away is nobody's failure"
            shutil.rmtree(folder.path)
            away.rename(folder.path)
            folder.put("two.otio")
            await folder.until_done("one", "two")
        folder.path.rename(away)
        async with folder.watched():
            await folder.rounds()  # there is no folder at all
            away.rename(folder.path)
            folder.put("three.otio")
            await folder.until_done("three")

    run(scenario())
    assert folder.results() == ["one.wav", "three.wav", "two.wav"]
    assert folder.errors() == {}
    assert folder.jobs.count("two.otio") == folder.jobs.count("three.otio") == 1
    assert folder.jobs.count("one.otio") == 2, "its first result went under with the share"


@pytest.mark.slow
def test_a_folder_without_its_anchor_is_left_alone(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        folder.put("one.otio")
        async with folder.watched():
            await folder.until_done("one")
            (folder.path / ANCHOR).unlink()
            await folder.rounds(0.2)
            folder.put("two.otio")
            await folder.rounds()
            assert folder.results() == ["one.wav"]
            (folder.path / ANCHOR).touch()  # a person vouches for it
            await folder.until_done("two")

    run(scenario())
    assert folder.jobs == ["one.otio", "two.otio"]


def test_one_folder_is_watched_once(folder: Folder, run: Run) -> None:
    async def scenario() -> None:
        async with folder.watched() as desk:
            await folder.until((folder.path / ANCHOR).exists)
            second = WatchFolder(folder.settings, state_of(folder.home, str(folder.path)))
            with pytest.raises(AlreadyRunningError, match=str(os.getpid())):
                await second.attend(desk, Confinement(folder.home))

    run(scenario())


def test_a_job_outside_the_roots_is_refused_in_a_sentence(folder: Folder, run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        folder.put("edit.otio")
        (tmp_path / "root").mkdir()
        async with Desk.opened(folder.home, folder.executor) as desk:
            attendant = WatchFolder(folder.settings, state_of(folder.home, str(folder.path)))
            confinement = Confinement(folder.home, (str(tmp_path / "root"),))
            task = asyncio.create_task(attendant.attend(desk, confinement))
            await folder.until(lambda: bool(folder.errors()))
            task.cancel()
            await asyncio.wait([task])

    run(scenario())
    assert "outside the folders" in folder.errors()["edit.error.txt"]


def test_names_that_lead_elsewhere_are_not_taken_in(folder: Folder, run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "secret.otio").write_text(timeline("media/a.mov"))
        (folder.path / "link.otio").symlink_to(tmp_path / "secret.otio")
        os.mkfifo(folder.path / "pipe.otio")
        (folder.path / os.fsdecode(b"bytes\xff.otio")).write_text(timeline("media/a.mov", "bytes"))
        folder.put(f"{'long' * 53}.otio")
        async with folder.watched():
            await folder.until(lambda: len(folder.results()) == 1)
            await folder.rounds()

    run(scenario())
    assert folder.jobs == [f"{'long' * 53}.otio"]


def test_jobs_know_whose_they_are(folder: Folder, run: Run) -> None:
    async def scenario() -> JobSpec:
        folder.put("edit.otio")
        async with folder.watched():
            await folder.until_done("edit")
        spec: JobSpec = folder.executor.started[0].spec
        return spec

    spec = run(scenario())
    assert spec.client == "watch drop"
    assert spec.out_dir == str(folder.path / "Output")
