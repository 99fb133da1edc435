"""Tempo in words and in numbers: what a style's usual tempi are, what "allegro" means, when music is fast.

Conventions: beats a minute of the beat that a foot taps (the dotted quarter in 6/8). The planner's beats
keep within 60-180 BPM.
Sources: ranges of the Italian marks as metronomes print them.
"""

from __future__ import annotations

from typing import Final

BpmRange = tuple[float, float]

STYLE_BPM: Final[dict[str, BpmRange]] = {
    "lo-fi": (70, 92),
    "cinematic": (72, 116),
    "trailer": (90, 140),
    "ambient": (60, 90),
    "house": (116, 128),
    "techno": (124, 138),
    "drum and bass": (164, 176),
    "hip-hop": (82, 100),
    "trap": (130, 150),
    "rock": (96, 150),
    "funk": (96, 118),
    "jazz": (100, 166),
    "folk": (84, 124),
    "synthwave": (84, 118),
    "piano solo": (66, 108),
    "orchestral": (76, 132),
}
"""Usual range of the tempo in each style, within what the model has heard of it."""

TEMPO_SHARE: Final[dict[str, BpmRange]] = {
    "very slow": (0.0, 0.1),
    "slow": (0.0, 0.25),
    "mid-tempo": (0.35, 0.65),
    "fast": (0.75, 1.0),
    "very fast": (0.9, 1.0),
}
"""Which part of the style's range a tempo word asks for."""

TEMPO_MARKS: Final[dict[str, BpmRange]] = {
    "larghissimo": (60, 62),
    "grave": (60, 64),
    "largo": (60, 66),
    "larghetto": (60, 70),
    "adagio": (66, 76),
    "adagietto": (70, 80),
    "andante": (76, 106),
    "andantino": (80, 108),
    "moderato": (98, 112),
    "allegretto": (106, 120),
    "allegro moderato": (110, 120),
    "allegro": (120, 156),
    "vivace": (150, 172),
    "presto": (168, 180),
    "prestissimo": (174, 180),
}
"""What an Italian mark asks for, in whatever style; the slowest begin where the planner's beats do."""

_SLOWEST_IN_SIX, _FASTEST_IN_SIX = 60.0, 116.0
_SLOWER_IN_SIX: Final = 0.8

_BELOW: Final = ((66.0, "very slow"), (88.0, "slow"), (122.0, "mid-tempo"), (154.0, "fast"))


def tempo_words(bpm: float) -> tuple[str, ...]:
    """What a tempo is called, the broad word first: `fast` and, from 154 BPM on, `very fast`."""
    word = next((name for limit, name in _BELOW if bpm < limit), "very fast")
    return (word.removeprefix("very "), word) if word.startswith("very ") else (word,)


def in_six(low: float, high: float) -> BpmRange:
    """A range of tempi in 6/8: slower, for a beat has three eighths, and they must not run together."""
    low, high = (min(_FASTEST_IN_SIX, max(_SLOWEST_IN_SIX, bpm * _SLOWER_IN_SIX)) for bpm in (low, high))
    return low, high
