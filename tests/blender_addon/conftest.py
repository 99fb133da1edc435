"""A Blender without a window, with the add-on as a user installs it; see `in_blender.py` beside this file."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from v2m_daemon.home import Home

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
ADDON = REPOSITORY / "blender_addon" / "v2m_sequencer"
LONGEST_S = 240

sys.path.insert(0, str(ADDON.parent))  # what of the add-on needs no Blender is tested without one

CLIENT_PACKAGES = (
    "v2m", "v2m_daemon", "grpc", "grpc_health", "grpc_reflection", "google", "platformdirs",
    "typing_extensions",
)  # fmt: skip
"""What is imported with V2M's client."""


class Blender:
    """Blender as a user finds it who has installed the add-on."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.python, self.resources = python, folder / "blender"
        extensions = self.resources / "extensions" / "user_default"
        extensions.mkdir(parents=True)
        (extensions / ADDON.name).symlink_to(ADDON, target_is_directory=True)

    def do(self, *things: dict[str, Any], home: Home | None = None) -> list[Any]:
        """Do all in one process; what came of each."""
        environment = os.environ | {"BLENDER_USER_RESOURCES": str(self.resources)}
        environment.pop("PYTHONPATH", None)
        if home is not None:
            environment["V2M_HOME"] = str(home.state)
        command = [str(self.python), str(HERE / "in_blender.py"), json.dumps(things)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LONGEST_S)
        assert done.returncode == 0, done.stdout + done.stderr
        marked = [line.removeprefix("CAME ") for line in done.stdout.splitlines() if line.startswith("CAME ")]
        assert len(marked) == len(things), done.stdout + done.stderr
        return [json.loads(line) for line in marked]


@pytest.fixture
def blender(blender_python: Path, tmp_path: Path) -> Blender:
    return Blender(blender_python, tmp_path)


@pytest.fixture(scope="session")
def packages(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with V2M's client and what it needs, and nothing that Blender has itself."""
    told = subprocess.run(
        [str(blender_python), "-c", "import sys; print(*sys.version_info[:2])"],
        capture_output=True,
        text=True,
    )
    if tuple(map(int, told.stdout.split())) != sys.version_info[:2]:
        pytest.skip("Blender's Python is another version than this one, so gRPC built for this is none there")
    folder = tmp_path_factory.mktemp("packages")
    for name in CLIENT_PACKAGES:
        spec = find_spec(name)
        assert spec is not None
        if spec.submodule_search_locations:
            there = Path(next(iter(spec.submodule_search_locations)))
        else:
            there = Path(str(spec.origin))
        (folder / there.name).symlink_to(there, target_is_directory=there.is_dir())
    return folder


def draw(path: Path, rate: Fraction, frames: int) -> Path:
    """A film of one shot that gets brighter."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 54, "yuv420p"
        for number in range(frames):
            picture = np.full((54, 96, 3), (40, 90, number * 255 // frames), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds at 30000/1001."""
    return draw(tmp_path_factory.mktemp("film") / "film ü.mkv", Fraction(30000, 1001), 300)


def serve(command: list[str], home: Home, word: str) -> subprocess.Popen[str]:
    """A daemon, once it says that it listens; its words come on one stream."""
    path = os.pathsep.join(str(HERE.parent / name) for name in ("v2m_daemon", "resolve_scripts"))
    environment = os.environ | {"PYTHONPATH": path, "V2M_HOME": str(home.state)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    assert process.stdout is not None
    while word not in (line := process.stdout.readline()):
        assert line, "the daemon ended"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONGEST_S)


def serve_silence(home: Home) -> subprocess.Popen[str]:
    """A real daemon that makes silence of the right length, with a hit on each cut."""
    script = HERE.parent / "resolve_scripts" / "musical_daemon.py"
    return serve([sys.executable, str(script), str(home.state)], home, ":")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The home of a daemon on this machine."""
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.make()
    process = serve_silence(home)
    yield home
    end(process)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The home of one that listens to whoever knows its address and token."""
    home = Home.at(tmp_path_factory.mktemp("far"))
    home.make()
    home.config_file.write_text('[server]\nlisten = "127.0.0.1:0"\n')
    process = serve_silence(home)
    yield home
    end(process)


@pytest.fixture
def composing(tmp_path: Path) -> Iterator[Home]:
    """The home of a real daemon that composes."""
    home = Home.at(tmp_path / "home")
    home.make()
    process = serve([sys.executable, "-m", "v2m_daemon.cli", "serve"], home, "ready")
    yield home
    end(process)
