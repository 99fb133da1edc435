"""What a media file is, from its header and its first picture alone.

Conventions: sizes are as a viewer sees them, after the pixels' shape and the turn; times are exact seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

from av import AudioStream

from v2m.errors import InputError
from v2m.frames.opening import media_errors
from v2m.frames.source import PictureSource, as_fraction
from v2m.timebase import KNOWN_RATES, snap_rate, timecode_to_frame

_INDEX_SAMPLE: Final = 2000
"""Entries of the index that are looked at for uneven spacing: 80 s at 25 a second, a millisecond's work."""

_UNEVEN: Final = Fraction(1, 50)
"""Stamps rounded to a coarse clock differ by a tick; a phone's frames differ by a tenth and more."""

_EDIT_RATES: Final = tuple(Fraction(n) for n in (24, 25, 30, 50, 60))
"""Where a file has no even rate, its timeline takes the one of these that is not below its mean."""


@dataclass(frozen=True)
class MediaInfo:
    """A video file, or a still."""

    path: Path
    duration_s: Fraction
    """Length of the picture as the header says it; 0 for a still."""

    rate: Fraction
    """Frames a second, snapped; for uneven files the editing rate at or above the mean."""

    is_vfr: bool
    """Frames unevenly spaced by the container's index; False where there is none."""

    width_px: int
    height_px: int
    rotation_deg: int
    """Clockwise: 0, 90, 180, 270."""

    first_pts_s: Fraction
    """PTS of the first picture; all other times in this library count from it."""

    timecode: str | None
    """Start timecode as the file says it."""

    start_frame: int
    """The timecode as a frame number, 0 without one."""

    drop_frame: bool
    is_still: bool
    has_audio: bool
    sample_rate_hz: int | None


def probe(path: Path) -> MediaInfo:
    """What a file is.

    Raises:
        MediaError: it is missing, broken, not of a kind that is opened, or holds no picture.
    """
    with PictureSource(path) as source, media_errors(path, "could not be read"):
        return describe(source)


def describe(source: PictureSource) -> MediaInfo:
    """What an open file is."""
    is_vfr = _is_uneven(source)
    rate = _rate(source, is_vfr)
    timecode, start_frame = _timecode(source, rate)
    width_px, height_px = _display_size(source)
    audio = next((s for s in source.container.streams if isinstance(s, AudioStream)), None)
    return MediaInfo(
        path=source.path,
        duration_s=Fraction(0) if source.is_still else declared_duration_s(source) or source.frame_s,
        rate=rate,
        is_vfr=is_vfr,
        width_px=width_px,
        height_px=height_px,
        rotation_deg=source.orientation.degrees,
        first_pts_s=source.first_pts_s,
        timecode=timecode,
        start_frame=start_frame,
        drop_frame=bool(timecode and ";" in timecode),
        is_still=source.is_still,
        has_audio=audio is not None,
        sample_rate_hz=audio.sample_rate if audio and audio.sample_rate else None,
    )


def declared_duration_s(source: PictureSource) -> Fraction | None:
    """Length of the picture by the header; None if that says nothing."""
    if source.stream.duration:
        return Fraction(source.stream.duration) * source.time_base
    if source.container.duration:
        # the container's length runs from its own start, in microseconds
        begin_s = Fraction(source.container.start_time or 0, 1_000_000)
        return max(
            source.frame_s, Fraction(source.container.duration, 1_000_000) + begin_s - source.first_pts_s
        )
    return None


def _rate(source: PictureSource, is_vfr: bool) -> Fraction:
    written = (as_fraction(source.stream.average_rate), as_fraction(source.stream.guessed_rate))
    rates = [snap_rate(rate) for rate in written if rate is not None and rate <= 1000]
    if not rates:
        return Fraction(25)
    if is_vfr:
        return next((rate for rate in _EDIT_RATES if rate >= rates[0]), _EDIT_RATES[-1])
    # the mean of a short file is off by a part of a frame, the guess of a strange one by much more
    return next((rate for rate in rates if rate in KNOWN_RATES), rates[0])


def _is_uneven(source: PictureSource) -> bool:
    if "mp4" not in source.container.format.name:
        return False  # other containers index keyframes only
    stamps: list[int] = [entry.timestamp for entry in islice(source.stream.index_entries, _INDEX_SAMPLE)]
    gaps: list[int] = sorted(late - early for early, late in pairwise(stamps))
    if len(gaps) < 2:
        return False
    usual = gaps[len(gaps) // 2]
    return gaps[-1] - gaps[0] > max(Fraction(2), usual * _UNEVEN)


def _timecode(source: PictureSource, rate: Fraction) -> tuple[str | None, int]:
    """The start timecode and the frame that it names; a timecode that cannot be is as good as none."""
    places = [
        source.stream.metadata,
        source.container.metadata,
        *(s.metadata for s in source.container.streams),
    ]
    text = next((place["timecode"] for place in places if "timecode" in place), None)
    if text is None:
        return None, 0
    try:
        return text, timecode_to_frame(text, rate)
    except InputError:
        return None, 0


def _display_size(source: PictureSource) -> tuple[int, int]:
    frame = source.first_frame
    shape = as_fraction(source.stream.sample_aspect_ratio) or Fraction(1)
    width_px, height_px = round(frame.width * shape), frame.height
    return (height_px, width_px) if source.orientation.transposed else (width_px, height_px)
