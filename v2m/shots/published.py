"""Cuts as papers take them: PySceneDetect's detectors with their own defaults, and nothing of ours.

`v2m.shots.video` finds more of what an editor calls a cut (fades and dissolves at their widths) and less of
what is none. A figure that is to stand beside published ones needs the detector that they used, named.

Conventions: times in seconds from the first picture, of the first picture of each new shot. Pictures are
shrunk to 256 wide first, near to PySceneDetect's own automatic downscaling.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import scenedetect
from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode

from v2m.errors import UsageError
from v2m.frames import FrameBatch
from v2m.shots.video import timeline_of_video

Detector = Literal["content", "adaptive", "v2m"]
DETECTORS: Final[tuple[Detector, ...]] = get_args(Detector)

_WIDTH: Final = 256
_HEIGHT: Final = 144


@dataclass(frozen=True)
class VideoCuts:
    """The cuts of a video file."""

    cuts_s: tuple[float, ...]
    duration_s: float
    rate: Fraction
    detector: str
    """Name and version."""


class _Published:
    """Feeds one of PySceneDetect's detectors."""

    def __init__(self, detector: Any) -> None:  # noqa: ANN401 - the library has no types
        self._detector = detector
        self._times_s: list[float] = []
        self._found: list[int] = []
        self._last: FrameTimecode | None = None

    def push(self, batch: FrameBatch) -> None:
        for time_s, picture in zip(batch.times_s.tolist(), batch.pictures, strict=True):
            # only the number counts: the detector measures its shortest scene in seconds of this rate
            self._last = FrameTimecode(len(self._times_s), fps=self._rate(batch))
            blue_first = np.ascontiguousarray(picture[..., ::-1])
            self._found += [
                int(cut.frame_num) for cut in self._detector.process_frame(self._last, blue_first)
            ]
            self._times_s.append(time_s)

    def _rate(self, batch: FrameBatch) -> float:
        return float(1 / np.median(np.diff(batch.times_s))) if len(batch.times_s) > 1 else 25.0

    def cuts_s(self) -> tuple[float, ...]:
        if self._last is not None:
            self._found += [int(cut.frame_num) for cut in self._detector.post_process(self._last)]
        return tuple(self._times_s[number] for number in sorted(set(self._found)) if number)


def video_cuts(path: Path, detector: Detector = "content") -> VideoCuts:
    """The cuts of a video.

    Args:
        path: the video.
        detector: `content` and `adaptive` are PySceneDetect's with its defaults, `v2m` is our own.

    Raises:
        UsageError: there is no such detector.
        MediaError: the file cannot be read.
    """
    if detector not in DETECTORS:
        raise UsageError(f"There is no detector {detector!r}, expected one of {', '.join(DETECTORS)}.")
    if detector == "v2m":
        timeline = timeline_of_video(path)
        middles = tuple(float(cut.time_s + cut.center_offset_s) for cut in timeline.cuts)
        return VideoCuts(middles, float(timeline.duration_s), timeline.rate, "v2m")
    published = _Published(ContentDetector() if detector == "content" else AdaptiveDetector())
    timeline = timeline_of_video(path, size=(_WIDTH, _HEIGHT), watch=published.push)
    name = f"{type(published._detector).__name__} of scenedetect {scenedetect.__version__}"
    return VideoCuts(published.cuts_s(), float(timeline.duration_s), timeline.rate, name)
