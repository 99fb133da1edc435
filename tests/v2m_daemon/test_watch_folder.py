"""A watch folder from outside: files are dropped in, results come out, once, whatever happens in between."""

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from v2m_daemon.config import QueueSettings
from v2m_daemon.home import Home

from tests.v2m_daemon.watched import OLD_S, Folder, timeline

Run = Callable[[Any], Any]


@pytest.fixture
def folder(tmp_path: Path, home: Home, instant: ModuleType) -> Any:
    return Folder(tmp_path, home, instant.InstantExecutor())


async def slowly(path: Path, text: str) -> None:
    for at in range(0, len(text), 120):
        with path.open("a") as file:
            file.write(text[at : at + 120])
        await asyncio.sleep(0.1)  # longer than it takes to settle: what is there looks finished


@pytest.mark.parametrize("watching", [pytest.param("polling", marks=pytest.mark.slow), "auto"])
def test_what_comes_in_whatever_way_is_done_once(
    folder: Any, run: Run, tmp_path: Path, watching: str
) -> None:
    # what has paused where it makes sense already is finished for whoever looks: only its last byte closes it
    text = timeline("media/a.mov", "x")
    pieces = text[:-1] + " " * 100 + text[-1:]
    folder.settings = replace(folder.settings, watching=watching)

    async def scenario() -> None:
        folder.put("before.otio")
        async with folder.watched():
            copy = asyncio.create_task(slowly(folder.path / "slow.otio", pieces))
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
    assert (folder.path / "slow.otio").read_text() == pieces, "documents are not written to"
    status = folder.status("slow")
    assert (status["document"], status["fraction"], status["error"]) == ("slow.otio", 1.0, None)
    assert status["outputs"]["wav"] == str(folder.path / "Output" / "slow.wav")


@pytest.mark.slow
def test_nothing_is_done_twice(folder: Any, run: Run) -> None:
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


def test_a_document_that_changed_is_scored_anew_beside_the_old_result(folder: Any, run: Run) -> None:
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


@pytest.mark.slow
def test_what_is_broken_is_told_in_one_sentence_and_tried_again_when_dropped_again(
    folder: Any, run: Run
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
def test_a_failed_job_is_told_and_can_be_dropped_again(folder: Any, run: Run) -> None:
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


def test_a_preset_that_makes_no_sense_stops_the_intake_and_says_so(folder: Any, run: Run) -> None:
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
def test_documents_are_moved_where_that_is_wished(folder: Any, run: Run) -> None:
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
def test_a_timeline_waits_until_its_media_are_there_and_whole(folder: Any, run: Run) -> None:
    async def scenario() -> None:
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


@pytest.mark.parametrize("goes_without", [pytest.param(False, marks=pytest.mark.slow), True])
def test_waiting_for_media_has_an_end(folder: Any, run: Run, goes_without: bool) -> None:
    async def scenario() -> None:
        folder.settings = replace(folder.settings, media_wait_s=0.6)
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
def test_media_are_no_programmes_of_their_own(folder: Any, run: Run, media_dir: Path) -> None:
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


def test_a_newer_document_takes_the_place_of_one_that_waits(folder: Any, run: Run) -> None:
    async def scenario() -> None:
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
def test_more_documents_than_the_queue_holds_are_all_done(folder: Any, run: Run) -> None:
    names = [f"film{number}.otio" for number in range(12)]

    async def scenario() -> None:
        folder.queue = QueueSettings(limit=2)
        for name in names:
            folder.put(name)
        async with folder.watched():
            await folder.until_done(*(Path(name).stem for name in names))

    run(scenario())
    assert sorted(folder.jobs) == sorted(names)
