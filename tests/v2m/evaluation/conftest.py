"""Small films and sounds for evaluations, drawn in code."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

RATE_HZ = 22_050


def write_film(path: Path, cuts_s: tuple[float, ...] = (1.0, 2.0), duration_s: float = 3.0) -> Path:
    """Shots of different patterns, 24 pictures a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:90, 0:160]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(24), options={"crf": "18", "preset": "ultrafast"}
        )
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for frame in range(round(duration_s * 24)):
            shot = sum(frame / 24 >= cut - 1e-6 for cut in cuts_s)
            wave = 90 * np.sin((x * (1 + shot) + 3 * frame) / 17) * np.cos(y * (2 + shot) / 23)
            tint = np.roll([1.0, 0.5, 0.2], shot)
            picture = np.clip(60 + 60 * (shot % 3) + wave[..., None] * tint, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def write_clicks(path: Path, times_s: tuple[float, ...] | list[float], duration_s: float = 3.0) -> Path:
    """Short tones at some times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(0).normal(0, 1e-3, round(duration_s * RATE_HZ))
    for time_s in times_s:
        start = round(time_s * RATE_HZ)
        piece = np.sin(np.arange(2000) / 5) * np.exp(-np.arange(2000) / 400)
        room = sound[start : start + 2000]
        room += 0.6 * piece[: len(room)]
    soundfile.write(path, sound, RATE_HZ)
    return path


@pytest.fixture(scope="session")
def film() -> Callable[..., Path]:
    return write_film


@pytest.fixture(scope="session")
def clicks() -> Callable[..., Path]:
    return write_clicks
