"""What librosa hears in a file: beats and tempo, and onsets with the settings of two published scripts.

Conventions: mono at 22.05 kHz, read and resampled as `librosa.load` does, so that published figures can be
made again; times in seconds from the first sample. Sources: D. Ellis, "Beat tracking by dynamic programming"
(2007), as librosa has it; `Beats_Scores` (D2M-GAN) and `LORIS/beats_scores.py` for the onset settings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FloatArray
from v2m.errors import MediaError
from v2m.frames.sound import read_sound
from v2m.metrics.librosa_library import librosa_module
from v2m.timebase import SAMPLE_RATE_HZ

RATE_HZ: Final = 22_050

Mono = NDArray[np.float32]
OnsetSettings = Literal["d2m-gan-1s", "loris-1s"]

_ONSETS: Final[Mapping[OnsetSettings, Mapping[str, Any]]] = {
    "d2m-gan-1s": {"wait": 1, "delta": 0.2, "pre_avg": 1, "post_avg": 1, "post_max": 1},
    "loris-1s": {"wait": 1, "delta": 0.2, "pre_avg": 3, "post_avg": 3, "pre_max": 3, "post_max": 3},
}
"""What the scripts pass to `onset_detect`: windows in hops of 512 samples."""

_LONGEST_S: Final = 4 * 3600.0


@dataclass(frozen=True)
class Beats:
    """What a beat tracker heard."""

    times_s: FloatArray  # (n,)
    tempo_bpm: float
    """The tracker's estimate; 0 where it heard no beat."""


def track_beats(mono: Mono) -> Beats:
    """The beats of a piece by librosa's tracker with its defaults, as the paper's metric takes them.

    Raises:
        MissingPartError: librosa is not installed.
    """
    if not mono.any():
        return Beats(np.zeros(0), 0.0)
    tempo, times_s = _librosa().beat.beat_track(y=mono, sr=RATE_HZ, units="time")
    return Beats(np.asarray(times_s, np.float64), float(np.atleast_1d(tempo)[0]))


def detect_onsets(mono: Mono, settings: OnsetSettings) -> FloatArray:
    """Onsets as a published script detects them.

    Raises:
        MissingPartError: librosa is not installed.
    """
    found = _librosa().onset.onset_detect(y=mono, sr=RATE_HZ, units="time", **_ONSETS[settings])
    return np.asarray(found, np.float64)


def whole_seconds(mono: Mono) -> int:
    """The length in seconds, rounded up: the bins of the scripts."""
    return math.ceil(len(mono) / RATE_HZ)


def read_mono(path: Path, rate_hz: int = RATE_HZ) -> Mono:
    """A sound file, or the sound of a video, as mono at a rate.

    Raises:
        MediaError: it cannot be read, or holds no sound.
        MissingPartError: librosa is not installed.
    """
    librosa = _librosa()
    samples, stored_hz = _read(path)
    mono = samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)
    if len(mono) == 0:
        raise MediaError(f"{path.name} holds no samples, expected sound.")
    return np.asarray(librosa.resample(mono, orig_sr=stored_hz, target_sr=rate_hz), np.float32)


def _read(path: Path) -> tuple[Mono, int]:
    """Samples as stored where libsndfile reads them, else what FFmpeg makes of the file."""
    import soundfile

    try:
        samples, rate_hz = soundfile.read(path, dtype="float32")
    except (soundfile.LibsndfileError, OSError):
        return read_sound(path, longest_s=_LONGEST_S), SAMPLE_RATE_HZ
    return np.asarray(samples, np.float32), int(rate_hz)


def _librosa() -> ModuleType:
    return librosa_module("Listening for beats", "evaluate")
