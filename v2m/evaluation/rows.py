"""What is measured of one clip's music, as plain values, kept on disk by what they were measured from.

A row stands for one clip, one peer and one set of settings. Its name on disk is a hash of those and of the
files' sizes and times of change, so a run that was stopped goes on, and a file that was made again is
measured again. Rows are written whole or not at all; any number of processes may write into one folder.

Conventions: plain JSON values; times in seconds, tolerances as text in milliseconds ("100").
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from v2m.curves import DEFAULT_KERNEL_S, EventCurve, Features, event_curve
from v2m.encoders import spectral
from v2m.encoders.pixel import PixelEncoder
from v2m.errors import OutputWriteError
from v2m.evaluation.clip import Clip, Measure
from v2m.frames import FrameBatch, probe
from v2m.metrics.beats import (
    RATE_HZ,
    Mono,
    OnsetSettings,
    detect_onsets,
    read_mono,
    track_beats,
    whole_seconds,
)
from v2m.metrics.curve_distances import as_rows
from v2m.metrics.dance import (
    TOLERANCES_S,
    BeatScores,
    chance_scores,
    of_d2m_gan,
    of_loris,
    tempo_deviation_bpm,
    tempo_deviation_octave_bpm,
    tolerance_scores,
)
from v2m.metrics.hit_at_frame import hit_at_frame
from v2m.metrics.motion import MotionBeats, PictureMotion, motion_beats, motion_of_poses
from v2m.metrics.sch import TOLERANCES_S as CUT_TOLERANCES_S
from v2m.metrics.sch import scene_cut_hit
from v2m.shots.published import Detector, video_cuts
from v2m.shots.video import timeline_of_video

Row = dict[str, Any]

VERSION: Final = 1
"""Part of every row's name: rows of an older way of measuring are not taken for new ones."""

_CURVE_RATE_HZ: Final = 12.5
_PUBLISHED: Final[tuple[OnsetSettings, ...]] = ("d2m-gan-1s", "loris-1s")


@dataclass(frozen=True)
class MeasureSettings:
    """How rows are measured."""

    measures: tuple[Measure, ...]
    detector: Detector = "content"
    kernel_s: float = DEFAULT_KERNEL_S
    shifts: int = 37
    """How often luck is tried, where chance is measured."""


@dataclass(frozen=True)
class Unit:
    """One row to measure."""

    clip: Clip
    audio: Path
    settings: MeasureSettings

    @property
    def name(self) -> str:
        """Of the row on disk."""
        files = [_stamp(path) for path in (self.audio, self.clip.video, self.clip.audio, self.clip.poses)]
        text = json.dumps([VERSION, self.clip.id, self.clip.bpm, asdict(self.settings), files])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class RowStore:
    """A folder of rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str) -> Row | None:
        """A row that was measured before; None if it was not, or its file is broken."""
        try:
            row = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return row if isinstance(row, dict) else None

    def put(self, name: str, row: Row) -> None:
        """Keep a row.

        Raises:
            OutputWriteError: it cannot be written.
        """
        write_whole(self.folder / f"{name}.json", json.dumps(row, allow_nan=False))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that others see the old one or the new, never a part.

    Raises:
        OutputWriteError: it cannot be written.
    """
    try:
        number, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError as error:
        raise OutputWriteError(f"{path} could not be written: {error.strerror}.") from error


def measure_unit(unit: Unit) -> Row:
    """Everything that the settings ask for of one clip's music.

    Raises:
        MediaError: the audio or the video cannot be read.
        MissingPartError: librosa is not installed.
    """
    mono = read_mono(unit.audio)
    beats = track_beats(mono)
    row: Row = {
        "clip": unit.clip.id, "kind": unit.clip.kind, "duration_s": len(mono) / RATE_HZ,
        "beats": len(beats.times_s), "tempo_bpm": beats.tempo_bpm,
    }  # fmt: skip
    clip, settings = unit.clip, unit.settings
    if clip.video is not None and {"sch", "hit"} & set(settings.measures):
        cuts = video_cuts(clip.video, settings.detector)
        row["detector"], row["cuts"] = cuts.detector, list(cuts.cuts_s)
        row["sch"] = sch_row(cuts.cuts_s, beats.times_s, cuts.duration_s)
        if "hit" in settings.measures:
            frame_s = float(1 / cuts.rate)
            hit = hit_at_frame(
                mono,
                RATE_HZ,
                cuts.cuts_s,
                duration_s=cuts.duration_s,
                frame_s=frame_s,
                shifts=settings.shifts,
            )
            row["hit"] = asdict(hit)
    if "dance" in settings.measures:
        row["dance"] = dance_row(clip, mono, beats.times_s, beats.tempo_bpm, settings.shifts)
    if clip.video is not None and "curves" in settings.measures:
        row["curves"] = _curves(clip, mono, settings.kernel_s)
    return row


def sch_row(
    cuts_s: Sequence[float], beats_s: Sequence[float] | np.ndarray[Any, Any], duration_s: float
) -> Row:
    """Scene Cut Hit at each tolerance."""
    scores = {
        tolerance: scene_cut_hit(cuts_s, beats_s, duration_s, tolerance) for tolerance in CUT_TOLERANCES_S
    }
    return {f"{1000 * tolerance:g}": asdict(score) for tolerance, score in scores.items()}


def dance_row(clip: Clip, mono: Mono, beats_s: np.ndarray[Any, Any], tempo_bpm: float, shifts: int) -> Row:
    """Beat scores by every definition that the clip's data allow, each beside chance."""
    motion = motion_of_clip(clip)
    duration_s = len(mono) / RATE_HZ
    row: Row = {"motion_beats": motion.times_s.tolist(), "motion_tempo_bpm": motion.tempo_bpm}
    for tolerance in TOLERANCES_S:
        score = tolerance_scores(motion.times_s, beats_s, tolerance)
        chance = chance_scores(motion.times_s, beats_s, tolerance, duration_s, shifts)
        row[f"{1000 * tolerance:g}"] = _told(score) | {
            "chance": dict(zip(("bcs", "bhs", "f1"), chance, strict=True))
        }
    reference_bpm = clip.bpm
    if clip.audio is not None:
        original = read_mono(clip.audio)
        reference_bpm = reference_bpm or track_beats(original).tempo_bpm
        row |= _against_music(original, mono)
    reference_bpm = reference_bpm or motion.tempo_bpm
    if reference_bpm and tempo_bpm > 0:
        row["td"] = tempo_deviation_bpm(tempo_bpm, reference_bpm)
        row["td_octave"] = tempo_deviation_octave_bpm(tempo_bpm, reference_bpm)
        row["reference_bpm"] = reference_bpm
    return row


def _against_music(original: Mono, mono: Mono) -> Row:
    """The two definitions that compare music with music, over the length that both have."""
    count = min(len(original), len(mono))
    original, mono = original[:count], mono[:count]
    seconds = whole_seconds(mono)
    bins = [(detect_onsets(original, name), detect_onsets(mono, name)) for name in _PUBLISHED]
    d2m, loris = of_d2m_gan(*bins[0], seconds), of_loris(*bins[1], seconds, seconds)
    return {score.definition: _told(score) for score in (d2m, loris)}


def _told(score: BeatScores) -> Row:
    return asdict(score) | {"f1": score.f1}


def motion_of_clip(clip: Clip) -> MotionBeats:
    """Motion beats of a clip: of its joints where they are known, else of its picture."""
    if clip.poses is not None:
        poses = np.load(clip.poses, allow_pickle=False)
        return motion_beats(motion_of_poses(np.arange(len(poses)) / clip.poses_rate_hz, poses))
    return motion_of_video(clip.video) if clip.video is not None else MotionBeats(np.zeros(0), None)


@lru_cache(maxsize=64)  # the same video is measured for every peer
def motion_of_video(video: Path) -> MotionBeats:
    """Motion beats of a video's picture.

    Raises:
        MediaError: it cannot be read.
    """
    looking = PictureMotion()
    timeline_of_video(video, watch=lambda batch: looking.push(batch.times_s, batch.pictures))
    return motion_beats(looking.motion())


def _curves(clip: Clip, mono: Mono, kernel_s: float) -> Row:
    """Event curves of music, video and original music, as rows of one length."""
    assert clip.video is not None  # noqa: S101 - the caller looked
    duration_s = float(probe(clip.video).duration_s)
    video = event_curve(_looked_at(clip.video), duration_s, rate_hz=_CURVE_RATE_HZ, kernel_s=kernel_s)
    music = music_curve(mono, duration_s, kernel_s)
    correlated = np.ptp(video.values) > 0 and np.ptp(music.values) > 0
    row: Row = {
        "music": as_rows([music])[0].tolist(), "video": as_rows([video])[0].tolist(),
        "correlation": float(np.corrcoef(music.values, video.values)[0, 1]) if correlated else None,
    }  # fmt: skip
    if clip.audio is not None:
        original = music_curve(read_mono(clip.audio), duration_s, kernel_s)
        row["original"] = as_rows([original])[0].tolist()
    return row


def music_curve(mono: Mono, duration_s: float, kernel_s: float = DEFAULT_KERNEL_S) -> EventCurve:
    """The event curve of music over a programme."""
    heard = spectral.encode(mono, RATE_HZ)
    return event_curve(heard, duration_s, rate_hz=_CURVE_RATE_HZ, kernel_s=kernel_s)


@lru_cache(maxsize=64)
def _looked_at(video: Path) -> Features:
    encoder = PixelEncoder()

    def watch(batch: FrameBatch) -> None:
        encoder.push(batch.times_s, batch.pictures)

    timeline_of_video(video, watch=watch)
    return encoder.features()


def _stamp(path: Path | None) -> Mapping[str, object] | None:
    if path is None:
        return None
    state = path.stat()
    return {"name": path.name, "size": state.st_size, "changed": state.st_mtime_ns}
