"""A small edit drawn in code, and the command line as a user meets it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest

RATE = 24000 / 1001
SHOTS = (40, 62, 35, 71, 50)
"""Lengths in frames; their sum is not a whole number of beats at any tempo."""


def draw_film(path: Path, frames: int = 400) -> None:
    """A picture that changes look every 80 frames and moves within."""
    rng = np.random.default_rng(3)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for number in range(frames):
            if number % 80 == 0:
                ground = rng.integers(0, 255, (9, 16, 3), dtype=np.uint8).repeat(10, 0).repeat(10, 1)
            picture = np.roll(ground, number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="session")
def edit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An `.otio` of five shots from one film, at 01:00:00:00 and 24000/1001."""
    folder = tmp_path_factory.mktemp("edit")
    draw_film(folder / "film.mp4")

    def time(frames: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(frames, RATE)

    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for number, length in enumerate(SHOTS):
        media = otio.schema.ExternalReference("film.mp4", otio.opentime.TimeRange(time(0), time(400)))
        source = otio.opentime.TimeRange(time(80 * number), time(length))
        track.append(otio.schema.Clip(f"shot {number}", media, source))
    timeline = otio.schema.Timeline("edit", global_start_time=time(86400))
    timeline.tracks.append(track)
    timeline.tracks.markers.append(
        otio.schema.Marker("hit", otio.opentime.TimeRange(time(120), time(1)), otio.schema.MarkerColor.RED)
    )
    path = folder / "edit.otio"
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")
    return path


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, what it printed."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        value: dict[str, Any] = json.loads(self.out)
        return value


V2M = (sys.executable, "-m", "v2m_daemon.cli")


@pytest.fixture(scope="session")
def v2m() -> Callable[..., Ran]:
    """Runs `v2m` in a process of its own; no traceback may ever be printed."""

    def run(*arguments: object, **options: Any) -> Ran:
        done = subprocess.run(
            [*V2M, *map(str, arguments)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            **options,
        )
        assert "Traceback" not in done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
