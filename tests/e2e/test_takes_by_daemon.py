"""Takes changed over gRPC and by a job directory sound as those that the command line makes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon.client import connect
from v2m_daemon.home import Home
from v2m_daemon.jobs.spec import JobKind, JobSpec

from v2m.errors import UsageError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Run = Callable[..., Any]
PATIENCE_S = 240


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Of a daemon with the real model."""
    home = Home.at(tmp_path_factory.mktemp("home"))
    command = [sys.executable, "-m", "v2m_daemon.cli", "serve", "--home", str(home.state)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(line.startswith("v2m: ready") for line in process.stderr)
        yield home
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.fixture(scope="module")
def take(edit: Path, v2m: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    flags = ("--seed", 5, "--steps", 2, "--prompt", "rock, drums", "--json")
    ran = v2m("score", edit, "--out", tmp_path_factory.mktemp("scored"), *flags)
    assert ran.code == 0, ran.err
    return Path(ran.result["take"])


def over_grpc(home: Home, spec: JobSpec) -> dict[str, Any]:
    """The result of a job that was submitted and waited for."""
    with connect(home=home) as client:
        view = client.wait(client.submit(spec).id, patience_s=PATIENCE_S)
    return dict(view.result or {})


def by_directory(home: Home, name: str, **job: Any) -> dict[str, Any]:
    """The result of a job that a client asked for who can only write files."""
    folder = home.inbox / name
    folder.mkdir()
    (folder / ".job.json").write_text(json.dumps({"version": 1, **job}))
    (folder / ".job.json").rename(folder / "job.json")
    until = time.monotonic() + PATIENCE_S
    while not (folder / "result.json").exists():
        assert not (folder / "error.json").exists(), (folder / "error.json").read_text()
        assert time.monotonic() < until, (folder / "status.json").read_text()
        time.sleep(0.1)
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())["result"]
    return result


def sounds(result: dict[str, Any]) -> dict[str, bytes]:
    take = Path(result["take"])
    return {path.name: path.read_bytes() for path in (take / "music.wav", *(take / "stems").iterdir())}


def test_a_nudge_is_the_same_from_everywhere(home: Home, take: Path, v2m: Run, tmp_path: Path) -> None:
    here = v2m("retime", take, "--nudge", "102f=106f", "--max-bend", 2, "--out", tmp_path / "here", "--json")
    assert here.code == 0, here.err
    asked = {"document": str(take), "nudges": (("102f", "106f"),), "max_bend": 2.0}
    there = over_grpc(home, JobSpec(kind=JobKind.RETIME, out_dir=str(tmp_path / "grpc"), **asked))
    beside = by_directory(home, "nudge", kind="retime", out_dir=str(tmp_path / "dir"), **asked)
    assert sounds(there) == sounds(beside) == sounds(here.result)
    assert there["plan"] == beside["plan"] == here.result["plan"]
    assert Path(there["timeline"]).parent == tmp_path / "grpc"


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        (
            ["--lock", "drums", "--lock", "bass", "--mute", "extras", "--intensity", "cut-2=1.5"],
            {"lock": "rhythm", "mute": "extras", "intensity": (("cut-2", "1.5"),)},
        ),
        (["--range", "2..6", "--seed", "9"], {"range": "2..6", "seed": 9}),
    ],
)
def test_a_restyle_is_the_same_from_everywhere(
    flags: list[str], asked: dict[str, Any], home: Home, take: Path, v2m: Run, tmp_path: Path
) -> None:
    here = v2m("restyle", take, *flags, "--out", tmp_path / "here", "--json")
    assert here.code == 0, here.err
    there = over_grpc(
        home, JobSpec(kind=JobKind.RESTYLE, document=str(take), out_dir=str(tmp_path / "grpc"), **asked)
    )
    name = "-".join(asked)
    beside = by_directory(
        home, name, kind="restyle", document=str(take), out_dir=str(tmp_path / "dir"), **asked
    )
    assert sounds(there) == sounds(beside) == sounds(here.result)


def test_what_a_take_cannot_do_is_told_alike(home: Home, take: Path, v2m: Run) -> None:
    refused = v2m("retime", take, "--nudge", "0.1=0.4", "--json")
    assert refused.code == 2
    spec = JobSpec(kind=JobKind.RETIME, document=str(take), nudges=(("0.1", "0.4"),))
    with connect(home=home) as client, pytest.raises(UsageError) as caught:
        client.wait(client.submit(spec).id, patience_s=PATIENCE_S)
    assert caught.value.message == refused.result["error"]["message"]
