"""What a take says of itself, measured from its sound: hits heard, beats on cuts, curves that agree.

Conventions: times in seconds of the programme; shares and correlations rounded to four places.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from v2m.analysis import Analysis
from v2m.audio import WavReader
from v2m.codecs.accents import HEAVY_WEIGHT
from v2m.curves import FloatArray
from v2m.metrics.heard import hit_errors_s
from v2m.metrics.music_curve import LONGEST_S, music_curve
from v2m.plan import sch_of_beats
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ


def measures(analysis: Analysis, tempo_map: TempoMap, wav: Path) -> dict[str, Any]:
    """The `metrics` of a take's record."""
    errors = heard_errors(analysis, wav)
    sch = sch_of_beats(analysis, tempo_map.beats_s)
    return {
        "sch": {"value": sch.value, "tolerance_s": sch.tolerance_s, "chance": round(sch.chance, 4)},
        "hit_errors_s": errors,
        "hits_heard": heard_share(analysis, errors),
        "curve_correlation": curve_correlation(analysis, wav),
    }


def heard_errors(analysis: Analysis, wav: Path) -> dict[str, float | None]:
    """For each hit inside the programme, how far the nearest onset in the sound lies, in seconds."""
    inside = [hit for hit in analysis.hits if hit.time_s < analysis.timeline.duration_s]
    with WavReader(wav) as sound:
        errors = hit_errors_s(sound, SAMPLE_RATE_HZ, [float(hit.time_s) for hit in inside])
    return {hit.id: error for hit, error in zip(inside, errors, strict=True)}


def heard_share(analysis: Analysis, errors: dict[str, float | None]) -> float:
    """Share of the heavy hits with an onset within one frame; 1 without any."""
    frame_s = float(1 / analysis.timeline.rate)
    heavy = [hit.id for hit in analysis.hits if hit.weight >= HEAVY_WEIGHT and hit.id in errors]
    heard = sum(1 for id_ in heavy if (error := errors[id_]) is not None and abs(error) <= frame_s)
    return round(heard / len(heavy), 4) if heavy else 1.0


def curve_correlation(analysis: Analysis, wav: Path) -> float | None:
    """Pearson correlation of the music's event curve with the video's; None where it says nothing."""
    duration_s = analysis.timeline.duration_s
    if duration_s > LONGEST_S:
        return None
    video = analysis.curve
    music = music_curve(wav, float(duration_s), rate_hz=video.rate_hz, kernel_s=video.kernel_s)
    return _pearson(video.values, music.values)


def _pearson(a: FloatArray, b: FloatArray) -> float | None:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / scale, 4) + 0.0 if scale > 0 else None  # never -0.0
