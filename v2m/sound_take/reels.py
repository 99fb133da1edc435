"""Composed sound of a long programme laid on its hits reel by reel, each going on where the last one ends.

Looking for the best way through a track at once takes memory and time by the square of its length. A reel
ends on a beat, and the next one begins on it, so nothing is left out or repeated and no seam is heard. A reel
cannot prepare for what comes after it: where reels are very short, fewer hits are met.

Conventions: as in `laying`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Final

import numpy as np

from v2m.encoders.protocol import Sound
from v2m.errors import InputError
from v2m.fit.fit import FitSettings, Laid, hear, lay
from v2m.fit.music import Music
from v2m.fit.stretch import Samples
from v2m.hits import Hit
from v2m.timebase import SAMPLE_RATE_HZ

LONGEST_REEL_S: Final = 600.0
"""Ten minutes: 0.2 GB of samples at 48 kHz, and a search that is still short beside composing them."""

_LEAD_S: Final = 8.0
"""What is heard before a reel begins: a tracker needs some bars to find its feet."""

_CLEAR_S: Final = 1.0
"""A reel ends on a beat at least so long before its end, for the next one bends it from there."""


@dataclass(frozen=True)
class Reel:
    """A stretch of the programme, and what is played there."""

    at_s: float
    """Where it begins in the composed sound."""

    time_s: float
    end_s: float
    """In the programme."""

    laid: Laid | None
    """Counted from its beginning; None where no beat could be made out."""

    music: Music | None
    why: str = ""
    """Why none could be."""

    is_whole: bool = False
    """Whether it is all of the programme."""

    def seam(self, beat_s: float) -> tuple[float, float]:
        """Its last clear beat, where none was heard one of a click: where in the composed sound, and when."""
        if self.laid is None:
            length_s = (self.end_s - self.time_s) // beat_s * beat_s
            return self.at_s + length_s, self.time_s + length_s
        warp = self.laid.warp
        inner = np.flatnonzero(warp.time_s[1:-1] < self.end_s - self.time_s - _CLEAR_S)
        last = int(inner[-1]) + 1 if len(inner) else len(warp.time_s) - 1
        return self.at_s + float(warp.course_s[last]), self.time_s + float(warp.time_s[last])


def lay_reels(
    sound: Sound,
    hits: Sequence[Hit],
    duration_s: float,
    settings: FitSettings,
    *,
    until_s: float,
    beat_s: float,
) -> tuple[Reel, ...]:
    """Lay the sound of a programme, in as many reels as it takes.

    Args:
        sound: what was composed, (s, 2).
        hits: of the programme.
        duration_s: its length.
        settings: the knobs; nothing is left out or repeated.
        until_s: how far into the sound it may be used up by the programme's end.
        beat_s: of the steady click that counts where no beat could be made out.

    Raises:
        MissingPartError: a library of the extra `fit` is not installed.
    """
    count = ceil(duration_s / LONGEST_REEL_S)
    reels: list[Reel] = []
    for number in range(count):
        at_s, time_s = reels[-1].seam(beat_s) if reels else (0.0, 0.0)
        end_s = duration_s * (number + 1) / count
        # so far ahead of the picture and no farther, or the sound would end before the programme
        last_s = min(end_s + until_s - duration_s, len(sound) / SAMPLE_RATE_HZ)
        lead_s = min(_LEAD_S, at_s)
        piece = sound[round((at_s - lead_s) * SAMPLE_RATE_HZ) : round(last_s * SAMPLE_RATE_HZ)]
        reels.append(_reel(np.asarray(piece, np.float32), lead_s, hits, (at_s, time_s, end_s), settings))
    return (replace(reels[0], is_whole=True),) if count == 1 else tuple(reels)


def _reel(
    piece: Samples,
    lead_s: float,
    hits: Sequence[Hit],
    place: tuple[float, float, float],
    settings: FitSettings,
) -> Reel:
    at_s, time_s, end_s = place
    shift_s = Fraction(time_s).limit_denominator(1_000_000)
    inside = [
        replace(hit, time_s=hit.time_s - shift_s) for hit in hits if time_s <= float(hit.time_s) <= end_s
    ]
    try:
        music = hear(piece, "The composed sound")
        if time_s == 0:
            laid = lay(music, inside, end_s, settings)
            at_s = laid.course.pieces[0].song_s - laid.course.pieces[0].course_s
        else:
            music = _from_a_beat(music, lead_s)
            laid = lay(music, inside, end_s - time_s, settings, entry=0)
    except InputError as error:
        return Reel(at_s, time_s, end_s, None, None, error.message)
    return Reel(at_s, time_s, end_s, laid, music)


def _from_a_beat(music: Music, lead_s: float) -> Music:
    """Music from a place on that is known to be a beat."""
    beats_s = music.beats_s - lead_s
    kept = beats_s > music.interval_s / 2
    pulse = replace(music.pulse, beats_s=np.concatenate([[0.0], beats_s[kept]]))
    skipped = int(np.count_nonzero(~kept)) - 1
    form = music.form
    first = (form.first_downbeat - skipped) % form.beats_per_bar
    moments = np.concatenate([[0.0], form.moments[kept]])
    form = replace(form, first_downbeat=first, moments=moments)
    return Music(music.duration_s - lead_s, pulse, form)
