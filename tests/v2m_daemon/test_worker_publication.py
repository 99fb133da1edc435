"""Results are put in place all or none, once, at whatever step whoever does it is killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.worker import publication
from v2m_daemon.worker.publication import Move

from v2m.errors import OutputExistsError, OutputWriteError

FILES = ("edit.v2m/music.wav", "edit.v2m/take.json", "edit_scored.otio")

DYING = """
import importlib.util, os, signal, sys
from pathlib import Path
from v2m_daemon import durable

def die_at(step, when):
    count = 0
    def dying(function):
        def run(*arguments, **options):
            nonlocal count
            count += 1
            mine = count
            if mine == step and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            function(*arguments, **options)
            if mine == step and when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
        return run
    for name in ("replace", "sync_tree", "sync_folder", "write_whole"):
        setattr(durable, name, dying(getattr(durable, name)))

os.fsync = lambda handle: None  # what is killed here is a process: the system keeps what it was given
spec = importlib.util.spec_from_file_location("the_test", sys.argv[2])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
replaces = sys.argv[3] == "yes"
step, died = 0, True
while died:
    step += 1
    for when in ("before", "after"):
        root = Path(sys.argv[1], f"{step}-{when}")
        if replaces:
            module.old_results(root)
        child = os.fork()
        if child == 0:
            die_at(step, when)
            module.put(root, replaces=replaces)
            os._exit(0)
        died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
print(step - 1)
"""
"""Puts results in place once for every durable step, and is killed before and after it."""


def put(root: Path, *, replaces: bool = False) -> None:
    """A job's last part, as the worker does it: go on if it was begun, else begin."""
    folder, place = JobFolder(root / "job"), root / "out"
    folder.stages.mkdir(parents=True, exist_ok=True)
    if publication.is_begun(folder) or folder.read_result() is not None:
        publication.finish(folder)
        return
    hidden = publication.open_hidden(place, "j1")
    take = folder.stages / "take-0"
    take.mkdir(exist_ok=True)
    (take / "music.wav").write_bytes(b"new music")
    (take / "take.json").write_text("{}")
    brought = publication.bring(take, hidden)
    (hidden / "timeline.otio").write_text("new timeline")
    moves = [
        Move(brought, place / "edit.v2m", replaces),
        Move(hidden / "timeline.otio", place / "edit_scored.otio", replaces),
    ]
    publication.publish(folder, hidden, moves, {"wav": "w", "n": [1]}, {"wav": "w"})


def found(root: Path) -> dict[str, str]:
    out = root / "out"
    return {str(path.relative_to(out)): path.read_text() for path in sorted(out.rglob("*")) if path.is_file()}


def old_results(root: Path) -> None:
    (root / "out" / "edit.v2m").mkdir(parents=True)
    (root / "out" / "edit.v2m" / "take.json").write_text("old")
    (root / "out" / "edit_scored.otio").write_text("old timeline")


def test_results_are_put_in_place(tmp_path: Path) -> None:
    put(tmp_path)
    assert found(tmp_path) == dict(zip(FILES, ("new music", "{}", "new timeline"), strict=True))
    assert sorted(os.listdir(tmp_path / "out")) == ["edit.v2m", "edit_scored.otio"]
    assert JobFolder(tmp_path / "job").read_result() == ({"wav": "w", "n": [1]}, {"wav": "w"})
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    put(tmp_path)  # an attempt that comes too late does nothing
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


@pytest.mark.parametrize("moved", [0, 1])
def test_results_on_a_disk_that_is_away_are_not_done_until_it_is_back(tmp_path: Path, moved: int) -> None:
    folder, place, away = JobFolder(tmp_path / "job"), tmp_path / "out", tmp_path / "away"
    folder.path.mkdir()
    hidden = publication.open_hidden(place, "j1")
    names = ("a.wav", "b.otio")
    for number, name in enumerate(names):
        ((place if number < moved else hidden) / name).write_text(name)
    moves = [[str(hidden / name), str(place / name), False] for name in names]
    plan = {"hidden": str(hidden), "moves": moves, "result": {"n": 1}, "outputs": {}}
    folder.publish.write_text(json.dumps(plan))
    place.rename(away)
    place.mkdir()  # its empty mount point
    with pytest.raises(OutputWriteError):
        publication.finish(folder)
    assert folder.read_result() is None
    place.rmdir()
    away.rename(place)
    publication.finish(folder)
    assert found(tmp_path) == {name: name for name in names}
    assert folder.read_result() == ({"n": 1}, {})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("replaces", ["no", "yes"])
def test_whoever_is_killed_at_any_step_the_next_one_finishes(
    tmp_path: Path, replaces: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    whole = dict(zip(FILES, ("new music", "{}", "new timeline"), strict=True))
    arguments = [sys.executable, "-c", DYING, str(tmp_path), __file__, replaces]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)
    steps = int(done.stdout)
    assert steps >= 8
    for root in tmp_path.iterdir():
        seen = {name: text for name, text in found(root).items() if not name.startswith(".v2m-")}
        assert all(text in ("old", "old timeline", whole.get(name)) for name, text in seen.items())
        put(root, replaces=replaces == "yes")
        assert found(root) == whole
        assert JobFolder(root / "job").read_result() is not None
    assert len(list(tmp_path.iterdir())) == 2 * (steps + 1)


def test_a_place_that_is_taken_meanwhile_leaves_all_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "edit_scored.otio").write_text("the user's")
    with pytest.raises(OutputExistsError, match="edit_scored"):
        put(tmp_path)
    folder = JobFolder(tmp_path / "job")
    assert not publication.is_begun(folder)
    assert folder.read_result() is None
    hidden = publication.hidden_folder(tmp_path / "out", "j1")
    assert (hidden / "take-0" / "music.wav").read_text() == "new music"  # it waits for another place
    assert [name for name in found(tmp_path) if not name.startswith(".v2m-")] == ["edit_scored.otio"]
    publication.abandon(folder, tmp_path / "out", "j1")
    assert found(tmp_path) == {"edit_scored.otio": "the user's"}


def test_a_job_that_is_given_up_half_way_takes_everything_back(tmp_path: Path) -> None:
    old_results(tmp_path)
    put(tmp_path, replaces=True)
    folder = JobFolder(tmp_path / "job")
    publication.abandon(folder, tmp_path / "out", "j1")
    assert found(tmp_path)["edit_scored.otio"] == "new timeline"  # what is done stays
    plan = json.loads(folder.result.read_bytes())
    hidden = Path(plan["hidden"])
    hidden.mkdir()  # as after the first of two renames
    folder.result.rename(folder.publish)
    (tmp_path / "out" / "edit_scored.otio").rename(hidden / "timeline.otio")
    (tmp_path / "out" / "edit_scored.otio").write_text("old timeline")
    publication.abandon(folder, tmp_path / "out", "j1")
    assert found(tmp_path) == {"edit_scored.otio": "old timeline"}
    assert not publication.is_begun(folder)
