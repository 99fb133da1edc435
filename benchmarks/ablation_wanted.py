"""What the pieces of the ablation are composed to: a curve of cuts on beats, or of real footage.

Footage is cut at random moments from random places, as `footage` does, and its curve is of the pictures
alone: what moves between the cuts is in it, and nothing in it knows of a beat.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import av
import numpy as np
from following import DURATION_S, Case
from footage import CLIPS, MEDIA, random_cuts_s, require_media
from numpy.typing import NDArray

from v2m.curves import EventCurve, Features, curve_from_cuts, event_curve
from v2m.encoders.pixel import PixelEncoder
from v2m.timeline import Cut

CURVE_RATE_HZ = 25.0
PICTURE = (96, 54)
SHIFTS = 20


@dataclass(frozen=True)
class Wanted:
    """A case and what its music is to follow."""

    case: Case
    cuts_s: tuple[float, ...]
    pictures: Features | None = None
    """None: the curve is of the cuts."""

    @property
    def named(self) -> tuple[str, ...]:
        """What tells it from the usual kind where measurements are kept."""
        return ("footage",) if self.pictures is not None else ()

    def curve(self, kernel_s: float) -> EventCurve:
        """The curve of some smoothing."""
        if self.pictures is not None:
            return event_curve(self.pictures, DURATION_S, rate_hz=CURVE_RATE_HZ, kernel_s=kernel_s)
        cuts = [Cut(Fraction(time_s)) for time_s in self.cuts_s]
        return curve_from_cuts(cuts, DURATION_S, rate_hz=CURVE_RATE_HZ, kernel_s=kernel_s)

    def moved(self) -> list[list[float]]:
        """The cuts moved on, around the end to the beginning, for what chance reaches.

        Cuts on beats by whole beats, for off the beat nothing changes; those of footage by equal parts.
        """
        if self.pictures is not None:
            shifts_s = np.linspace(0, DURATION_S, SHIFTS + 2)[1:-1]
            return [[(time_s + shift_s) % DURATION_S for time_s in self.cuts_s] for shift_s in shifts_s]
        beats_s = [float(time_s) for time_s in self.case.tempo_map.beats_s if time_s < DURATION_S]
        shifts = np.linspace(1, len(beats_s) - 1, SHIFTS).astype(int)
        return [[beats_s[(beat + shift) % len(beats_s)] for beat in self.case.events] for shift in shifts]


def cut_on_beats(case: Case) -> Wanted:
    """A case as it was drawn."""
    return Wanted(case, tuple(float(case.tempo_map.beats_s[beat]) for beat in case.events))


def cut_from_footage(case: Case) -> Wanted:
    """The same style, tempo and noise, to pictures that know nothing of them."""
    require_media()
    rng = random.Random(case.seed)  # noqa: S311 - a benchmark wants the same cases again
    cuts_s = random_cuts_s(DURATION_S, rng)
    encoder = PixelEncoder()
    for first_s, last_s in pairwise((0.0, *cuts_s, float(DURATION_S))):
        _push_shot(encoder, first_s, last_s, rng)
    return Wanted(case, tuple(cuts_s), encoder.features())


def _push_shot(encoder: PixelEncoder, first_s: float, last_s: float, rng: random.Random) -> None:
    length_s = last_s - first_s
    long_enough = [clip for clip in map(_clip, CLIPS) if clip[0][-1] > length_s]
    times_s, pictures = rng.choice(long_enough)
    start_s = rng.uniform(0, times_s[-1] - length_s)
    begin, end = np.searchsorted(times_s, (start_s, start_s + length_s))
    encoder.push(first_s + times_s[begin:end] - start_s, pictures[begin:end])


@lru_cache
def _clip(name: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """When each picture of a clip begins, from 0, and the pictures, small."""
    times_s, pictures = [], []
    with av.open(str(MEDIA / name)) as container:
        for frame in container.decode(video=0):
            times_s.append(float(frame.time or 0.0))
            small = frame.reformat(*PICTURE, format="rgb24", interpolation="AREA")
            pictures.append(small.to_ndarray())
    return np.array(times_s) - times_s[0], np.stack(pictures)
