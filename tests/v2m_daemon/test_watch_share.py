"""A watch folder whose share drops, which two want to watch, or into which strange things are put."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from v2m_daemon.confine import Confinement
from v2m_daemon.home import Home
from v2m_daemon.intake.anchor import ANCHOR
from v2m_daemon.intake.watch_folder import WatchFolder, state_of
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.spec import JobSpec

from tests.v2m_daemon.watched import Folder, timeline
from v2m.errors import AlreadyRunningError

Run = Callable[[Any], Any]


@pytest.fixture
def folder(tmp_path: Path, home: Home, instant: ModuleType) -> Any:
    return Folder(tmp_path, home, instant.InstantExecutor())


@pytest.mark.slow
def test_a_share_that_vanishes_is_waited_for_and_nothing_is_forgotten(folder: Any, run: Run) -> None:
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


def test_a_share_that_blinks_while_results_are_written_costs_no_document(
    folder: Any, run: Run, instant: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, blinks = instant.publish, iter([True])

    def blinking(work: Any) -> Any:
        if next(blinks, False):  # shorter than the pause between two rounds, so that none of them sees it
            raise FileNotFoundError("Output")
        return publish(work)

    monkeypatch.setattr(instant, "publish", blinking)

    async def scenario() -> None:
        folder.put("one.otio")
        async with folder.watched():
            await folder.until_done("one")

    run(scenario())
    assert folder.results() == ["one.wav"]
    assert folder.errors() == {}


@pytest.mark.slow
def test_a_folder_without_its_anchor_is_left_alone(folder: Any, run: Run) -> None:
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


def test_one_folder_is_watched_once(folder: Any, run: Run) -> None:
    async def scenario() -> None:
        async with folder.watched() as desk:
            await folder.until((folder.path / ANCHOR).exists)
            second = WatchFolder(folder.settings, state_of(folder.home, str(folder.path)))
            with pytest.raises(AlreadyRunningError, match=str(os.getpid())):
                await second.attend(desk, Confinement(folder.home))

    run(scenario())


def test_a_job_outside_the_roots_is_refused_in_a_sentence(folder: Any, run: Run, tmp_path: Path) -> None:
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


@pytest.mark.slow
def test_names_that_lead_elsewhere_are_not_taken_in(folder: Any, run: Run, tmp_path: Path) -> None:
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


def test_jobs_know_whose_they_are(folder: Any, run: Run) -> None:
    async def scenario() -> JobSpec:
        folder.put("edit.otio")
        async with folder.watched():
            await folder.until_done("edit")
        spec: JobSpec = folder.executor.started[0].spec
        return spec

    spec = run(scenario())
    assert spec.client == "watch drop"
    assert spec.out_dir == str(folder.path / "Output")
