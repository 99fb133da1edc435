"""What is measured of one clip's music, as plain values: a row stands for a clip, a peer and some settings.

Conventions: plain JSON values; times in seconds, tolerances as text in milliseconds ("100").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from v2m.curves import DEFAULT_KERNEL_S, EventCurve, event_curve
from v2m.encoders import spectral
from v2m.evaluation.clip import Clip, Measure
from v2m.evaluation.seen import CURVE_RATE_HZ, SeenVideos
from v2m.evaluation.store import Row, RowStore, name_of
from v2m.metrics.beats import (
    RATE_HZ,
    Beats,
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
from v2m.metrics.motion import MotionBeats
from v2m.metrics.sch import TOLERANCES_S as CUT_TOLERANCES_S
from v2m.metrics.sch import scene_cut_hit
from v2m.shots.published import Detector

VERSION: Final = 1
"""Part of every row's name: rows of an older way of measuring are not taken for new ones."""

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
    looked: Path | None = None
    """A folder that keeps what is seen of videos; None looks again each time."""

    @property
    def name(self) -> str:
        """Of the row on disk."""
        clip = self.clip
        files = (self.audio, clip.video, clip.audio, clip.poses)
        return name_of(VERSION, clip.id, clip.bpm, clip.poses_rate_hz, asdict(self.settings), *files)


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
    seen = SeenVideos(RowStore(unit.looked) if unit.looked else None)
    if clip.video is not None and {"sch", "hit"} & set(settings.measures):
        cuts = seen.cuts(clip.video, settings.detector)
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
        row["dance"] = dance_row(clip, seen.motion(clip), mono, beats, settings.shifts)
    if clip.video is not None and "curves" in settings.measures:
        row["curves"] = _curves(clip, mono, seen.curve(clip.video, settings.kernel_s))
    return row


def sch_row(
    cuts_s: Sequence[float], beats_s: Sequence[float] | np.ndarray[Any, Any], duration_s: float
) -> Row:
    """Scene Cut Hit at each tolerance."""
    scores = {
        tolerance: scene_cut_hit(cuts_s, beats_s, duration_s, tolerance) for tolerance in CUT_TOLERANCES_S
    }
    return {f"{1000 * tolerance:g}": asdict(score) for tolerance, score in scores.items()}


def dance_row(clip: Clip, motion: MotionBeats, mono: Mono, beats: Beats, shifts: int) -> Row:
    """Beat scores by every definition that the clip's data allow, each beside chance."""
    beats_s, tempo_bpm = beats.times_s, beats.tempo_bpm
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


def _curves(clip: Clip, mono: Mono, video: EventCurve) -> Row:
    """Event curves of music, video and original music, as rows of one length."""
    duration_s, kernel_s = len(video.values) / CURVE_RATE_HZ, video.kernel_s
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
    return event_curve(heard, duration_s, rate_hz=CURVE_RATE_HZ, kernel_s=kernel_s)
