"""The Python variant for Studio, driven against the same double as the Lua scripts."""

import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon.home import Home
from v2m_daemon.resolve.scripts import scripts_folder

from tests.resolve_scripts.resolve_stage import (
    HERE,
    JSON_PART,
    START,
    StandIn,
    State,
    exact,
    score_track,
    timeline,
    world,
)

sys.path.insert(0, str(scripts_folder()))

from v2m_resolve.entries import main

Connect = Callable[[dict[str, Any]], "Remote"]


class Remote:
    """An object of the double in its own process; calls go over a pipe."""

    def __init__(self, process: subprocess.Popen[str], number: int = 1) -> None:
        self._process, self._number = process, number

    def __getattr__(self, name: str) -> Any:
        if name.isupper():  # a constant
            return self.ask(name)
        return lambda *arguments: self.ask(name, *arguments)

    def ask(self, name: str, *arguments: Any) -> Any:
        asked = {"object": self._number, "name": name, "arguments": [self._out(each) for each in arguments]}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline()).get("value")
        return answer if name in ("STATE", "MOVE") else self._back(answer)

    def _out(self, value: Any) -> Any:
        if isinstance(value, Remote):
            return {"object": value._number}
        if isinstance(value, list):
            return [self._out(each) for each in value]
        if isinstance(value, dict):
            return {name: self._out(each) for name, each in value.items()}
        return value

    def _back(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if "object" in value:
            return Remote(self._process, value["object"])
        if "named" in value:
            return {name: self._back(each) for name, each in value["named"].items()}
        found = {key: self._back(each) for key, each in value["pairs"] or []}
        if list(found) == list(range(1, len(found) + 1)):
            return list(found.values())
        return found


@pytest.fixture
def resolve(tmp_path: Path) -> Iterator[Connect]:
    """Starts a Resolve in memory."""
    running: list[subprocess.Popen[str]] = []

    def start(told: dict[str, Any]) -> Remote:
        path = tmp_path / "world.json"
        path.write_text(json.dumps(told), encoding="utf-8")
        command = ["luajit", HERE / "bridge.lua", HERE, JSON_PART, path]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return Remote(running[-1])

    yield start
    for process in running:
        process.communicate(timeout=60)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home.at(tmp_path / "Füße")
    home.make()
    home.endpoint.write_text("{}")
    monkeypatch.setenv("V2M_HOME", str(home.state))
    return home


@pytest.fixture
def stand_in(home: Home) -> Iterator[StandIn]:
    answering = StandIn(home.inbox)
    yield answering
    answering.end()


def state_of(app: Remote) -> State:
    state: State = app.ask("STATE")
    return state


def test_score_nudge_retime_restyle_and_takes(resolve: Connect, stand_in: StandIn) -> None:
    app = resolve(world(timeline(marks={"video": {"in": 24, "out": 119}}), studio=True, page="color"))
    stand_in.frames = 96
    assert main(["score", "--prompt", "calm", "--files"], app) == 0
    app.ask("MOVE", 24 + 90, 24 + 95)
    assert main(["retime", "--files"], app) == 0
    assert main(["restyle", "--prompt", "lo-fi", "--lock", "rhythm", "--files"], app) == 0
    assert main(["takes", "--files"], app) == 0
    score, retime, restyle = stand_in.jobs
    assert (score["in_point"], score["out_point"], score["prompt"]) == ("24f", "120f", "calm")
    assert retime["nudges"] == [["90f", "95f"]]
    assert (restyle["prompt"], restyle["lock"]) == ("lo-fi", "rhythm")
    state = state_of(app)
    (item,) = score_track(state)
    assert (item["start"], item["duration"]) == (START + 24, 96)
    assert Path(item["path"]).is_relative_to(retime["out_dir"])
    assert (state["page"], state["bin"]) == ("color", "Rushes")
    assert {m["frame"] for m in state["timelines"][0]["markers"]} == {24 + 90, 24 + 180}


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    "told",
    [
        {"tracks": [{"name": "V2M Score", "locked": True}]},
        {"tracks": [{"name": "V2M Score", "subtype": "mono"}], "rate": "24"},
        {"name": "Ä/ö:?"},
    ],
)
def test_traps_are_avoided_here_too(resolve: Connect, told: dict[str, Any]) -> None:
    app = resolve(world(timeline(**told), studio=True))
    assert main(["score", "--files"], app) == 0
    tracks = state_of(app)["timelines"][0]["tracks"]
    items = [item for track in tracks for item in track["items"] or []]
    assert [(i["start"], i["duration"]) for i in items] == [(START, 240)]
    assert tracks[0]["locked"] is bool(told.get("tracks", [{}])[0].get("locked"))


def test_nobody_elses_item_is_touched_and_rates_may_differ(resolve: Connect, stand_in: StandIn) -> None:
    stand_in.rate = exact("50")
    taken = timeline(rate="50", tracks=[{"name": "V2M Score", "items": [[START + 100, 20]]}])
    app = resolve(world(taken, studio=True, project_rate="25"))
    assert main(["score", "--files"], app) == 0
    assert main(["score", "--files"], app) == 0
    first, second = state_of(app)["timelines"][0]["tracks"]
    assert [(i["start"], i["duration"]) for i in first["items"]] == [(START + 100, 20)]
    assert [(i["start"], i["duration"]) for i in second["items"]] == [(START, 240)]


@pytest.mark.parametrize(
    ("entry", "told", "word"),
    [
        (["retime"], {}, "Score it first"),
        (["takes"], {}, "no takes yet"),
        (["restyle"], {}, "--prompt"),
        (["score"], {"version": [18, 1]}, "18.5"),
        (["score"], {"slip": 7}, "it belongs at"),
        (["score"], {"loses_appends": 1}, "did not take the music"),
    ],
)
@pytest.mark.usefixtures("stand_in")
def test_what_cannot_be_done_is_one_sentence(
    resolve: Connect, capsys: pytest.CaptureFixture[str], entry: list[str], told: dict[str, Any], word: str
) -> None:
    assert main([*entry, "--files"], resolve(world(studio=True, **told))) == 4
    assert word in capsys.readouterr().err


def test_the_daemons_error_is_told(
    resolve: Connect, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.answer = "fail"
    assert main(["score", "--files"], resolve(world(studio=True))) == 4
    assert "The document holds no picture. Add a clip." in capsys.readouterr().err


def test_without_a_resolve_it_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESOLVE_SCRIPT_API", "/nowhere")
    assert main(["score"]) == 4
    assert "RESOLVE_SCRIPT_API" in capsys.readouterr().err


def test_it_needs_nothing_but_python(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", str(scripts_folder() / "v2m_resolve"), "score"]
    environment = {"PATH": os.environ["PATH"], "RESOLVE_SCRIPT_API": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 4
    assert "RESOLVE_SCRIPT_API" in done.stderr


def test_over_grpc_to_a_real_daemon(
    resolve: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.at(tmp_path / "served")
    home.make()
    monkeypatch.setenv("V2M_HOME", str(home.state))
    path = os.pathsep.join([str(HERE.parent / "v2m_daemon"), str(HERE)])
    daemon = subprocess.Popen(
        [sys.executable, str(HERE / "musical_daemon.py"), str(home.state)],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    try:
        assert daemon.stdout is not None
        assert daemon.stdout.readline()
        app = resolve(world(studio=True))
        assert main(["score"], app) == 0
        app.ask("MOVE", 90, 80)
        assert main(["retime"], app) == 0
    finally:
        daemon.terminate()
        daemon.communicate(timeout=30)
    assert not list(home.inbox.glob("*/job.json"))
    (item,) = score_track(state_of(app))
    with wave.open(item["path"]) as music:
        assert music.getnframes() == 480_000
    assert {m["frame"] for m in state_of(app)["timelines"][0]["markers"]} == {80, 180}
