"""Results under their names, the bell that events ring, and the process that reads what strangers drop."""

import asyncio
import importlib.util
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon.intake.anchor import is_there
from v2m_daemon.intake.hand import Hand
from v2m_daemon.intake.inspector import Inspector
from v2m_daemon.intake.places import Places
from v2m_daemon.intake.wake import Wake

from v2m.errors import DocumentError, InputError

Run = Callable[[Any], Any]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    folder = tmp_path / "drop"
    folder.mkdir()
    assert is_there(folder, "me", is_known=False)
    (folder / "Output").mkdir()
    return Places(folder, "me")


def made(places: Places) -> dict[str, str]:
    """What a worker leaves in `Output`."""
    take = places.output / "edit.v2m"
    take.mkdir()
    (take / "music.wav").write_bytes(b"RIFF")
    (places.output / "edit_scored.otio").write_text("{}")
    return {
        "take": str(take),
        "wav": str(take / "music.wav"),
        "timeline": str(places.output / "edit_scored.otio"),
    }


def test_results_get_their_names_and_the_take_stays_whole(places: Places) -> None:
    outputs = made(places)
    placed = places.publish("edit", outputs)
    assert placed == {
        "take": outputs["take"],
        "wav": str(places.output / "edit.wav"),
        "timeline": str(places.output / "edit.otio"),
    }
    names = sorted(path.name for path in places.output.iterdir())
    assert names == ["edit.otio", "edit.v2m", "edit.wav"]
    assert Path(outputs["wav"]).read_bytes() == Path(placed["wav"]).read_bytes() == b"RIFF"
    assert places.publish("edit", outputs) == placed, "a step that was done is done again after a crash"


def test_results_that_are_nowhere_are_missed(places: Places) -> None:
    outputs = made(places)
    os.remove(outputs["timeline"])
    with pytest.raises(FileNotFoundError):
        places.publish("edit", outputs)


def test_a_stem_that_is_taken_gets_a_number(places: Places) -> None:
    assert places.free_stem("edit.otio", set()) == "edit"
    assert places.free_stem("edit.otio", {"edit", "edit-2"}) == "edit-3"
    (places.output / "edit.otio").touch()
    assert places.free_stem("edit.mov", set()) == "edit-2"
    assert len(places.free_stem("ü" * 120 + ".otio", set()).encode()) <= 200


def test_nothing_is_put_under_the_mount_point_of_a_share_that_is_away(places: Places, tmp_path: Path) -> None:
    places.folder.rename(tmp_path / "away")
    places.folder.mkdir()
    for put in (
        lambda: places.write_status("edit", {}),
        lambda: places.write_error("edit", "It failed."),
        lambda: places.publish("edit", {}),
    ):
        with pytest.raises(OSError, match="away"):
            put()
    assert list(places.folder.iterdir()) == []


def test_an_error_is_one_line(places: Places) -> None:
    places.write_error("edit", "It failed.\nTwice.  \ud800")
    assert (places.failed / "edit.error.txt").read_text() == "It failed. Twice. ?\n"
    places.clear_error("edit")
    places.clear_error("edit")
    assert list(places.failed.iterdir()) == []


def test_files_half_written_by_a_process_that_died_are_swept(places: Places) -> None:
    (places.output / ".v2m-abc.part").write_bytes(b"half")
    (places.output / ".v2m-def.part").mkdir()  # a worker's, which goes on with it
    made(places)
    places.sweep()
    assert [path.name for path in places.output.glob(".*")] == [".v2m-def.part"]
    assert (places.output / "edit_scored.otio").exists()


def test_the_system_rings_at_once(tmp_path: Path, run: Run) -> None:
    if importlib.util.find_spec("watchdog") is None:
        pytest.skip("watchdog is not installed, so nothing rings")

    wake = Wake(tmp_path)

    async def waited_s(seconds: float) -> float:
        began = time.monotonic()
        await wake.wait(seconds)
        return time.monotonic() - began

    async def scenario() -> None:
        wake.listen()
        assert wake.hears
        try:
            for change in (
                lambda: (tmp_path / "a").write_text("1"),
                lambda: (tmp_path / "a").rename(tmp_path / "b"),
                lambda: (tmp_path / "b").unlink(),
            ):
                asyncio.get_running_loop().call_later(0.05, change)
                assert await waited_s(60) < 50
                while await waited_s(0.2) < 0.2:  # what else the same change raised
                    pass
            (tmp_path / "c").write_text("1")
            while wake.hears:
                while await waited_s(0.3) < 0.3:
                    pass
                (tmp_path / "c").read_text()
                assert await waited_s(0.3) >= 0.3, "reading is no change"
                wake.deafen()
        finally:
            wake.deafen()

    run(scenario())


def test_without_events_a_bell_rings_in_time(tmp_path: Path, run: Run) -> None:
    async def scenario() -> None:
        wake = Wake(tmp_path / "gone")
        wake.listen()
        assert not wake.hears
        began = time.monotonic()
        await wake.wait(0.05)
        assert 0.04 <= time.monotonic() - began < 50

    run(scenario())


def test_a_hand_that_hangs_hangs_alone(run: Run) -> None:
    freed = threading.Event()

    async def scenario() -> None:
        stuck, free = Hand("stuck"), Hand("free")
        waiting = asyncio.create_task(stuck.do(freed.wait))
        assert await free.do(lambda: 1 + 1) == 2
        with pytest.raises(ZeroDivisionError):
            await free.do(lambda: 1 // 0)
        waiting.cancel()
        for hand in (stuck, free):
            hand.close()

    try:
        run(scenario())
    finally:
        freed.set()


def test_the_reader_says_what_parses_and_which_media_come(tmp_path: Path, run: Run, media_dir: Path) -> None:
    document = tmp_path / "edit.otio"
    document.write_bytes((media_dir / "timelines" / "nested_example.otio").read_bytes())
    (tmp_path / "broken.otio").write_text('{"OTIO_SCHEMA":')
    (tmp_path / "deep.otio").write_text("[" * 50_000)

    async def scenario() -> None:
        inspector = Inspector()
        try:
            good = await inspector.timeline(str(document), ())
            assert good.error is None
            assert good.media
            broken = await inspector.timeline(str(tmp_path / "broken.otio"), ())
            assert isinstance(broken.error, DocumentError)
            deep = await inspector.timeline(str(tmp_path / "deep.otio"), ())
            assert isinstance(deep.error, DocumentError)
            assert (await inspector.video(str(media_dir / "edited" / "bikes.mp4"))).error is None
            assert isinstance((await inspector.video(str(document))).error, InputError)
            os.kill(inspector.pid, 9)
            assert isinstance((await inspector.timeline(str(document), ())).error, InputError)
            assert (await inspector.timeline(str(document), ())).error is None, "another takes its place"
        finally:
            await inspector.closed()

    run(scenario())


def test_every_reason_for_which_media_may_come_is_one_that_documents_give(
    tmp_path: Path, run: Run, media_dir: Path
) -> None:
    text = (media_dir / "timelines" / "nested_example.otio").read_text()
    content = json.loads(text)
    targets: list[str] = []

    def relink(node: Any) -> None:
        if isinstance(node, dict):
            if str(node.get("OTIO_SCHEMA", "")).startswith(("MissingReference", "ExternalReference")):
                targets.append(("gone.mov", "empty.mov", "there.mov", "http://host/a.mov")[len(targets) % 4])
                node |= {"OTIO_SCHEMA": "ExternalReference.1", "target_url": targets[-1]}
            for child in list(node.values()):
                relink(child)
        elif isinstance(node, list):
            for child in node:
                relink(child)

    relink(content)
    (tmp_path / "edit.otio").write_text(json.dumps(content))
    (tmp_path / "empty.mov").touch()
    (tmp_path / "there.mov").write_bytes(b"x")

    async def scenario() -> dict[str, tuple[bool, bool]]:
        inspector = Inspector()
        try:
            found = await inspector.timeline(str(tmp_path / "edit.otio"), ())
        finally:
            await inspector.closed()
        return {media.target: (media.path is not None, media.comes) for media in found.media}

    found = run(scenario())
    expected = {
        "gone.mov": (False, True),
        "empty.mov": (False, True),
        "there.mov": (True, False),
        "http://host/a.mov": (False, False),
    }
    assert found
    assert found.items() <= expected.items()
    assert {"gone.mov", "there.mov"} <= found.keys()
