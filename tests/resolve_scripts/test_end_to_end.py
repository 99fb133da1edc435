"""From the menu to the track: the shipped scripts as installed, real LuaJIT, a real daemon process."""

import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon.cli import main
from v2m_daemon.home import Home
from v2m_daemon.resolve.scripts import Addresses, music_folder

from tests.resolve_scripts.resolve_stage import START, Stage, State, score_track, timeline, world

HERE = Path(__file__).parent
LONGEST_S = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.at(tmp_path_factory.mktemp("home") / "Größe 音楽")
    home.make()
    return home


def begin(command: list[str], home: Home, word: str, stream: str) -> subprocess.Popen[str]:
    """A daemon, once it says that it listens."""
    path = os.pathsep.join([str(HERE.parent / "v2m_daemon"), str(HERE)])
    environment = os.environ | {"PYTHONPATH": path, "V2M_HOME": str(home.state)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    lines = getattr(process, stream)
    while word not in (line := lines.readline()):
        assert line, process.communicate()
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONGEST_S)


@pytest.fixture(scope="module")
def daemon(home: Home) -> Iterator[Home]:
    process = begin([sys.executable, str(HERE / "musical_daemon.py"), str(home.state)], home, ":", "stdout")
    yield home
    end(process)


@pytest.fixture
def menu(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Stage:
    """The entries as the command installs them."""
    monkeypatch.setenv("V2M_HOME", str(home.state))
    (home.config / "resolve.json").write_text('{"notify": false}')
    assert main(["install-resolve", "--to", str(tmp_path / "menu")]) == 0
    return Stage(tmp_path, Addresses.of(home, music_folder(home)), home.config / "resolve.json")


def entry(stage: Stage, name: str) -> Path:
    return stage.folder / "menu" / f"{name}.lua"


def hit_frames(state: State) -> list[int]:
    return sorted(int(m["frame"]) for m in state["timelines"][0]["markers"] or [] if m["customData"])


def bin_of(state: State) -> dict[str, Any]:
    """What was imported, oldest first."""
    found: dict[str, Any] = next(each for each in state["bins"] if each["name"] == "V2M")
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("daemon")
def test_from_a_nudged_marker_to_the_new_wav_on_the_track(menu: Stage) -> None:
    nudge = {"act": "move", "from": 90, "to": 97}
    score, retime = entry(menu, "V2M Score"), entry(menu, "V2M Retime")
    before = score_track(menu.play(world(timeline(id="a")), score))
    state = menu.play(world(timeline(id="b")), score, nudge, retime)
    (item,) = score_track(state)
    assert (item["start"], item["duration"]) == (START, 240)
    assert (before[0]["start"], before[0]["duration"]) == (START, 240)
    with wave.open(item["path"]) as music:
        assert music.getnframes() == 480_000
    assert hit_frames(state) == [97, 180]
    paths = bin_of(state)["paths"]
    assert len(paths) == 2
    assert item["path"] == paths[1]


@pytest.mark.usefixtures("daemon")
def test_a_range_is_scored_in_its_place(menu: Stage) -> None:
    marked = timeline(id="c", marks={"video": {"in": 60, "out": 149}})
    state = menu.play(world(marked), entry(menu, "V2M Score"))
    (item,) = score_track(state)
    assert (item["start"], item["duration"]) == (START + 60, 90)
    assert hit_frames(state) == [90]


@pytest.mark.usefixtures("daemon")
def test_a_stop_marker_stops_the_daemons_job(menu: Stage, home: Home) -> None:
    wish = {"frame": 1, "name": "V2M", "note": "sleep 50"}
    stop = {"act": "mark", "frame": 3, "name": "V2M stop"}
    state = menu.play(world(timeline(id="d", markers=[wish])), menu.run(entry(menu, "V2M Score"), stop))
    assert any("cancelled" in words for words in state["words"])
    assert any((folder / "cancel").exists() for folder in home.inbox.iterdir())
    assert not state["timelines"][0]["tracks"]


@pytest.mark.usefixtures("daemon")
def test_an_error_of_the_daemon_is_one_sentence(menu: Stage) -> None:
    wish = {"frame": 1, "name": "V2M", "note": "refuse"}
    state = menu.play(world(timeline(id="e", markers=[wish])), entry(menu, "V2M Score"))
    assert "V2M: The document holds no picture." in state["words"]


@pytest.mark.slow
def test_real_music_from_the_menu(tmp_path: Path, menu: Stage, home: Home) -> None:
    alone = Home.at(tmp_path / "alone")
    alone.make()
    stage = Stage(tmp_path, Addresses.of(alone, tmp_path / "Musik"), alone.config / "resolve.json")
    stage.prefer(prompt="calm piano")
    process = begin([sys.executable, "-m", "v2m_daemon.cli", "serve"], alone, "ready", "stderr")
    try:
        spot = timeline(length=144, cuts=[48, 101, 144], markers=[{"frame": 20, "name": "door"}])
        nudge = {"act": "move", "from": 48, "to": 51}
        state = stage.play(world(spot), "V2M Score", nudge, "V2M Retime")
    finally:
        end(process)
    (item,) = score_track(state)
    assert (item["start"], item["duration"]) == (START, 144), state["words"]
    with wave.open(item["path"]) as music:
        assert music.getnframes() == 288_000
        assert any(music.readframes(288_000))
    take = json.loads((Path(item["path"]).parent / "take.json").read_bytes())
    assert take["prompt"] == "calm piano"
    assert {20, 51, 101} <= set(hit_frames(state)), state["words"]
    scored, retimed = (Path(path) for path in bin_of(state)["paths"])
    assert item["path"] == str(retimed)
    assert retimed.parent.name.endswith("-retimed.v2m")
    assert retimed.read_bytes() != scored.read_bytes()
