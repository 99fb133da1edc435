"""What a model of sound is told: the words as the user wrote them, and a tempo that the cuts want.

Such models hear words and no beats. So the planner first finds the tempo that reaches most hits, as far as
the words leave it open, and it is asked for in the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from v2m.analysis import Analysis
from v2m.plan import TempoWish, plan_beats
from v2m.prompt.words import read_prompt
from v2m.tempo import TempoMap

MAX_STRETCH: Final = 0.06
"""How far the sound may be stretched or squeezed anywhere: 6 percent, which few hear."""

_USUAL_FREEDOM: Final = 0.6
"""The planner's own; less of it allows less stretch in proportion."""

_STEADY: Final = 0.0
"""Freedom for the choice of a tempo: the one whose plain click reaches most. Bent by 6 percent about it,
beats met 0.92 of the cuts of 12 random lists (0.41 by chance); about a tempo chosen with the planner's own
freedom 0.88 (0.38)."""


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    words: str
    bpm: float
    tempo_map: TempoMap
    """A steady click at that tempo, for music without beats that could be made out."""

    max_stretch: float


def asked_of_model(analysis: Analysis, text: str, wish: TempoWish) -> Request:
    """What a model is asked for, for a programme.

    Args:
        analysis: of the programme.
        text: the user's words.
        wish: what the user asked of the tempo besides.
    """
    brief = read_prompt(text)
    bpm = plan_beats(analysis, brief, TempoWish(wish.bpm, _STEADY)).nominal_bpm
    if wish.bpm is None and brief.bpm is None:
        bpm = float(round(bpm))  # models have read whole numbers
    freedom = _USUAL_FREEDOM if wish.freedom is None else wish.freedom
    steady = TempoMap.steady(bpm, float(analysis.timeline.duration_s), beats_per_bar=brief.beats_per_bar)
    return Request(words_with_tempo(text, bpm), bpm, steady, MAX_STRETCH * min(1.0, freedom / _USUAL_FREEDOM))


def words_with_tempo(text: str, bpm: float) -> str:
    """The words with a tempo, unless they name one."""
    words = text.strip().rstrip(".,;")
    if read_prompt(text).bpm is not None:
        return words
    return f"{words}, {bpm:.0f} BPM" if words else f"{bpm:.0f} BPM"
