"""`v2m score --daemon` gives what `v2m score` gives, whether or not the daemon sees the files."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
FLAGS = ("--seed", 5, "--steps", 2, "--prompt", "rock, drums", "--json")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A daemon's, which `V2M_HOME` names meanwhile."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "v2m_daemon.cli", "serve", "--home", str(home)]
    with (
        pytest.MonkeyPatch.context() as patch,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        assert any(line.startswith("v2m: ready") for line in process.stderr)
        patch.setenv("V2M_HOME", str(home))
        yield home
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.fixture(scope="module")
def alone(edit: Path, v2m: Run, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return v2m("score", edit, "--out", tmp_path_factory.mktemp("alone"), *FLAGS).result


def files(result: dict[str, Any]) -> dict[str, bytes]:
    """Everything that sounds or will be placed, without what tells where sources lay or how long it took."""
    take = Path(result["take"])
    return {
        str(path.relative_to(take)): path.read_bytes()
        for path in take.rglob("*")
        if path.is_file() and path.name not in ("take.json", "report.html")
    }


@pytest.mark.parametrize("upload", [False, True])
def test_the_daemon_makes_what_is_made_without_it(
    upload: bool, home: Path, alone: dict[str, Any], edit: Path, v2m: Run, tmp_path: Path
) -> None:
    flags = ["--daemon", *(["--upload"] if upload else [])]
    ran = v2m("score", edit, "--out", tmp_path, *flags, *FLAGS)
    assert ran.code == 0, ran.err
    assert ran.result.keys() == alone.keys()
    assert files(ran.result) == files(alone)
    for name in ("hits", "beats_s", "sch", "tempo_bpm", "duration_s", "frame_rate", "start_frame"):
        assert ran.result[name] == alone[name]
    assert Path(ran.result["take"]).parent == tmp_path
    placed, expected = (
        otio.adapters.read_from_file(result["timeline"], adapter_name="otio_json")
        for result in (ran.result, alone)
    )
    targets = [clip.media_reference.target_url for clip in placed.find_clips()]
    assert targets == [clip.media_reference.target_url for clip in expected.find_clips()]
    assert all((tmp_path / target).is_file() for target in targets)
    assert sorted(os.listdir(tmp_path)) == ["edit.v2m", "edit_scored.otio"]
