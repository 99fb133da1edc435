"""Scales, chords and voicings: Roman numerals in, MIDI pitches that move little out.

Conventions: everything is written in C and transposed when the piece is whole, so a pitch class is a
distance from the tonic; a chord's root is in semitones above the tonic; numerals name degrees of
the major scale, with `b` or `#` before them for all others (`bVI` in minor), upper case for a major third,
lower for a minor one.
Sources: common-practice voice-leading (nearest inversion, common tones kept); drop-2 voicings as in jazz.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

SCALES: Final[Mapping[str, tuple[int, ...]]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}

HARMONY_RANGE: Final = (46, 74)
"""B flat 2 to D5: below it close chords growl, above it they crowd the lead."""

_DEGREES: Final = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_TONES: Final[Mapping[str, tuple[int, ...]]] = {
    # `t` stands for the third, which the case of the numeral decides; -1 marks its place
    "": (0, -1, 7),
    "5": (0, 7),
    "6": (0, -1, 7, 9),
    "7": (0, -1, 7, 10),
    "maj7": (0, -1, 7, 11),
    "9": (0, -1, 7, 10, 14),
    "maj9": (0, -1, 7, 11, 14),
    "add9": (0, -1, 7, 14),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "7sus4": (0, 5, 7, 10),
    "o": (0, 3, 6),
    "o7": (0, 3, 6, 10),
    "+": (0, 4, 8),
}
_NUMERAL: Final = re.compile(r"([b#]?)([ivIV]+)(.*)")


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord of a key, without octave."""

    root: int
    """Semitones above the tonic, 0-11."""

    tones: tuple[int, ...]
    """Semitones above the root, rising, the first 0."""

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The chord's pitch classes, root first."""
        return tuple((self.root + tone) % 12 for tone in self.tones)


@lru_cache(maxsize=512)
def parse_chord(numeral: str) -> Chord:
    """The chord that a Roman numeral names: `ii7`, `V7sus4`, `bVImaj7`, `viio7`."""
    match = _NUMERAL.fullmatch(numeral)
    if match is None or match[2].lower() not in _DEGREES or match[3] not in _TONES:
        raise ValueError(f"{numeral!r} is no Roman numeral, expected one such as ii7 or bVImaj7")
    sign, degree, quality = match.groups()
    third = 4 if degree.isupper() else 3
    root = _DEGREES[degree.lower()] + {"": 0, "b": -1, "#": 1}[sign]
    return Chord(root % 12, tuple(third if tone == -1 else tone for tone in _TONES[quality]))


def shifted(chord: Chord, semitones: int) -> Chord:
    """The chord of another key."""
    return Chord((chord.root + semitones) % 12, chord.tones)


@lru_cache(maxsize=1024)
def scale_under(mode: str, chord: Chord, key_shift: int = 0) -> tuple[int, ...]:
    """The scale bent to a chord: a chord tone outside it replaces its neighbours a semitone away."""
    scale = {(degree + key_shift) % 12 for degree in SCALES[mode]}
    tones = set(chord.pitch_classes)
    clashing = {(tone + side) % 12 for tone in tones - scale for side in (-1, 1)} - tones
    return tuple(sorted((scale | tones) - clashing))


def nearest_pitch(pitch_classes: Collection[int], target: float, low: int, high: int) -> int:
    """The pitch of one of the classes nearest to a target within [low, high]."""
    fitting = [pitch for pitch in range(low, high + 1) if pitch % 12 in pitch_classes]
    return min(fitting, key=lambda pitch: (abs(pitch - target), pitch))


def voice(chord: Chord, previous: tuple[int, ...], centre: float) -> tuple[int, ...]:
    """The voicing that moves least from the previous one and lies around `centre`, within HARMONY_RANGE.

    Args:
        chord: what to voice; of five tones the fifth is left out, the bass and the ear supply it.
        previous: the voicing before, empty at the start.
        centre: MIDI pitch that the mean of the voicing should be near.
    """

    def cost(pitches: tuple[int, ...]) -> float:
        away = abs(sum(pitches) / len(pitches) - centre)
        if not previous:
            return away
        moves = sum(min(abs(pitch - old) for old in previous) for pitch in pitches)
        return moves + 0.8 * away  # a little above half: the register wins once it is off by a third

    tones = tuple(tone for tone in chord.tones if len(chord.tones) < 5 or tone != 7)
    classes = tuple((chord.root + tone) % 12 for tone in tones)
    return min(_voicings(classes), key=lambda pitches: (cost(pitches), pitches))


@lru_cache(maxsize=4096)
def _voicings(classes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(_all_voicings(classes))


def _all_voicings(classes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    low, high = HARMONY_RANGE
    for lowest in range(low, high + 1):
        if lowest % 12 not in classes:
            continue
        rest = sorted((pitch_class - lowest) % 12 for pitch_class in classes if pitch_class != lowest % 12)
        close = (lowest, *(lowest + above for above in rest))
        if len(close) == 2:
            close = (*close, lowest + 12)  # a power chord has its octave
        if close[-1] > high:
            continue
        yield close
        if len(close) >= 3 and close[-2] - 12 >= low:
            yield tuple(sorted((*close[:-2], close[-2] - 12, close[-1])))  # drop-2
