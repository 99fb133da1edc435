"""The event curve of music that lies in a file: what is new in its sound, over the programme."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from v2m.audio import WavReader
from v2m.curves import EventCurve, event_curve
from v2m.encoders import spectral
from v2m.timebase import SAMPLE_RATE_HZ

LONGEST_S: Final = 900
"""The curve is measured up to a quarter of an hour: its features, held at once, take 100 MB."""


def music_curve(wav: Path, duration_s: float, *, rate_hz: float, kernel_s: float) -> EventCurve:
    """The curve of a take's music.

    Its figures and its report ask for the same one shortly after each other: what was heard last is kept.

    Args:
        wav: the music, at 48 kHz.
        duration_s: of the programme.
        rate_hz: of the curve's grid.
        kernel_s: of its smoothing.

    Raises:
        MediaError: the file is missing or damaged.
    """
    stat = wav.stat() if wav.is_file() else None  # what is wrong with the file is said where it is read
    state = () if stat is None else (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return _heard(wav, state, duration_s, rate_hz, kernel_s)


@lru_cache(maxsize=16)  # as many as takes are made at a time; a curve of a quarter of an hour takes 0.2 MB
def _heard(
    wav: Path, _state: tuple[int, ...], duration_s: float, rate_hz: float, kernel_s: float
) -> EventCurve:
    with WavReader(wav) as sound:
        heard = spectral.encode(sound, SAMPLE_RATE_HZ)
    return event_curve(heard, duration_s, rate_hz=rate_hz, kernel_s=kernel_s)
