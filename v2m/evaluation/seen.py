"""What is seen of a clip's video, found once and kept for every peer: cuts, a dancer's arrivals, the curve.

Conventions: times in seconds from the first picture; curves on a grid of `CURVE_RATE_HZ`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from v2m.curves import EventCurve, event_curve
from v2m.encoders.pixel import PixelEncoder
from v2m.errors import MediaError
from v2m.evaluation.clip import Clip
from v2m.evaluation.store import Row, RowStore, name_of
from v2m.metrics.motion import MotionBeats, PictureMotion, motion_beats, motion_of_poses
from v2m.shots.published import Detector, VideoCuts, video_cuts
from v2m.shots.video import timeline_of_video

CURVE_RATE_HZ: Final = 12.5
"""About the latent rate of the paper's model."""

VERSION: Final = 1
"""Part of every name: what an older way of looking saw is not taken for new."""


@dataclass(frozen=True)
class SeenVideos:
    """Looks at videos, and remembers in a folder if it has one."""

    store: RowStore | None = None

    def cuts(self, video: Path, detector: Detector) -> VideoCuts:
        """The cuts of a video.

        Raises:
            MediaError: it cannot be read.
        """

        def look() -> Row:
            found = video_cuts(video, detector)
            return {
                "cuts": list(found.cuts_s), "duration_s": found.duration_s, "rate": str(found.rate),
                "detector": found.detector,
            }  # fmt: skip

        row = self._kept("cuts", video, detector, look)
        return VideoCuts(tuple(row["cuts"]), row["duration_s"], Fraction(row["rate"]), row["detector"])

    def motion(self, clip: Clip) -> MotionBeats:
        """When the dancer arrives: by the joints where they are known, else by the picture.

        Raises:
            MediaError: the video or the joints cannot be read.
        """
        if clip.poses is not None:
            return _motion_of_joints(clip.poses, clip.poses_rate_hz)
        if clip.video is None:
            return MotionBeats(np.zeros(0), None)
        video = clip.video

        def look() -> Row:
            found = motion_of_video(video)
            return {"beats_s": found.times_s.tolist(), "tempo_bpm": found.tempo_bpm}

        row = self._kept("motion", video, None, look)
        return MotionBeats(np.array(row["beats_s"], np.float64), row["tempo_bpm"])

    def curve(self, video: Path, kernel_s: float) -> EventCurve:
        """The event curve of a video, by the embedded encoder and without its cuts.

        Raises:
            MediaError: it cannot be read.
        """

        def look() -> Row:
            encoder = PixelEncoder()
            timeline = timeline_of_video(
                video, watch=lambda batch: encoder.push(batch.times_s, batch.pictures)
            )
            curve = event_curve(
                encoder.features(), float(timeline.duration_s), rate_hz=CURVE_RATE_HZ, kernel_s=kernel_s
            )
            return {"values": curve.values.tolist(), "encoder": curve.encoder}

        row = self._kept("curve", video, kernel_s, look)
        return EventCurve(CURVE_RATE_HZ, np.array(row["values"]), row["encoder"], kernel_s)

    def _kept(self, what: str, video: Path, setting: object, look: Callable[[], Row]) -> Row:
        if self.store is None:
            return look()
        name = name_of(VERSION, what, video, setting)
        row = self.store.get(name)
        if row is None:
            row = look()
            self.store.put(name, row)
        return row


def motion_of_video(video: Path) -> MotionBeats:
    """A dancer's arrivals by the picture alone.

    Raises:
        MediaError: it cannot be read.
    """
    looking = PictureMotion()
    timeline_of_video(video, watch=lambda batch: looking.push(batch.times_s, batch.pictures))
    return motion_beats(looking.motion())


def _motion_of_joints(path: Path, rate_hz: float) -> MotionBeats:
    try:
        poses = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise MediaError(
            f"{path.name} cannot be read as an array of joints.",
            hint="docs/peers.md says how to make it.",
            detail=repr(error),
        ) from error
    return motion_beats(motion_of_poses(np.arange(len(poses)) / rate_hz, poses))
