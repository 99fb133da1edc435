"""Timelines cut at random from real footage, for benchmarks that need unseen material.

Cut times are uniform over the programme (seeded), none nearer than `MIN_SHOT_S` to another: nothing in
the picture knows of them, so whatever music hits them was made to.
"""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import opentimelineio as otio

MEDIA = Path(__file__).resolve().parent.parent.parent / "shared" / "media"
CLIPS = (
    "uncut/car_detection.mp4",
    "uncut/bottle_detection.mp4",
    "uncut/dog.mp4",
    "uncut/cups.mp4",
    "uncut/flower.mp4",
    "uncut/motorway_5994.mp4",
    "edited/sintel_trailer_720p.mp4",
    "edited/bbb_trailer_moviepy.mp4",
)
RATES = (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(24))
MIN_SHOT_S = 0.7
MEAN_SHOT_S = 2.5


def require_media() -> None:
    """Leave with a sentence where the footage is not beside the checkout."""
    if not MEDIA.is_dir():
        raise SystemExit(f"This benchmark cuts real footage from {MEDIA}, which is not there.")


def random_cuts_s(duration_s: float, rng: random.Random) -> list[float]:
    """Uniform cut times, rejected where they would make a shot shorter than `MIN_SHOT_S`."""
    cuts: list[float] = []
    wanted = round(duration_s / MEAN_SHOT_S)
    for _ in range(wanted * 20):
        time_s = rng.uniform(0, duration_s)
        if all(abs(time_s - other) >= MIN_SHOT_S for other in (0.0, duration_s, *cuts)):
            cuts.append(time_s)
        if len(cuts) == wanted:
            break
    return sorted(cuts)


def random_timeline(path: Path, seed: int, duration_s: float = 32.0) -> Path:
    """Write a timeline of random shots from random places in the footage; returns its path."""
    rng = random.Random(seed)  # noqa: S311 - a benchmark wants the same cuts again
    rate = RATES[seed % len(RATES)]
    cut_frames = [round(time_s * rate) for time_s in (0.0, *random_cuts_s(duration_s, rng), duration_s)]
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for first, last in pairwise(cut_frames):
        track.append(_random_clip((last - first), rate, rng))
    timeline = otio.schema.Timeline(f"random-{seed}", global_start_time=_time(round(3600 * rate), rate))
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")
    return path


def _time(frames: int, rate: Fraction) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, float(rate))


def _random_clip(frames: int, rate: Fraction, rng: random.Random) -> otio.schema.Clip:
    lasts = [(name, _seconds(name)) for name in CLIPS]
    needed_s = frames / rate
    name, length_s = rng.choice([(name, s) for name, s in lasts if s > needed_s + Fraction(1, 2)])
    start = rng.randrange(int((length_s - needed_s) * rate))
    media = otio.schema.ExternalReference(
        str(MEDIA / name),
        otio.opentime.TimeRange(_time(0, rate), _time(int(length_s * rate), rate)),
    )
    return otio.schema.Clip(name, media, otio.opentime.TimeRange(_time(start, rate), _time(frames, rate)))


_LENGTHS: dict[str, Fraction] = {}


def _seconds(name: str) -> Fraction:
    if name not in _LENGTHS:
        with av.open(str(MEDIA / name)) as container:
            _LENGTHS[name] = Fraction(container.duration, 1_000_000)
    return _LENGTHS[name]
