"""Cuts as PySceneDetect's own command finds them in a file, from our pictures."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import scenedetect

from v2m.errors import UsageError
from v2m.shots.published import video_cuts

DETECTORS = {"content": scenedetect.ContentDetector, "adaptive": scenedetect.AdaptiveDetector}


def pictures(cuts: tuple[int, ...], count: int) -> Iterator[Any]:
    y, x = np.mgrid[0:144, 0:256]
    for frame in range(count):
        shot = sum(frame >= cut for cut in cuts)
        wave = 90 * np.sin((x * (1 + shot) + frame) / 17) * np.cos(y * (2 + shot) / 23)
        yield np.clip(60 + 50 * (shot % 3) + wave[..., None] * np.roll([1.0, 0.5, 0.2], shot), 0, 255)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(25), options={"crf": "18", "preset": "ultrafast"}
        )
        stream.width, stream.height, stream.pix_fmt = 256, 144, "yuv420p"
        for picture in pictures((30, 62, 100), 130):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode())
    return path


def of_command(path: Path, detector: str) -> list[float]:
    scenes = scenedetect.detect(str(path), DETECTORS[detector]())
    return [round(start.seconds, 3) for start, _ in scenes][1:]


@pytest.mark.parametrize("detector", ["content", "adaptive"])
def test_a_drawn_film(film: Path, detector: Any) -> None:
    found = video_cuts(film, detector)
    assert [round(cut_s, 3) for cut_s in found.cuts_s] == of_command(film, detector) == [1.2, 2.48, 4.0]
    assert scenedetect.__version__ in found.detector
    assert (found.duration_s, found.rate) == (5.2, 25)


@pytest.mark.slow
@pytest.mark.parametrize("detector", ["content", "adaptive"])
def test_real_footage(media_dir: Path, detector: Any) -> None:
    path = media_dir / "edited" / "bikes.mp4"
    assert [round(cut_s, 3) for cut_s in video_cuts(path, detector).cuts_s] == of_command(path, detector)


def test_our_own_detector_has_its_name_and_others_are_refused(film: Path) -> None:
    assert video_cuts(film, "v2m").detector == "v2m"
    with pytest.raises(UsageError):
        video_cuts(film, "histogram")  # type: ignore[arg-type]
