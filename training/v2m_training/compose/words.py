"""The words that are true of a piece, out of `v2m.prompt.vocabulary`.

Conventions: instruments are those that sound; density and energy are measured on the notes, not intended.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT, Note, Part
from v2m_training.compose.form import Form
from v2m_training.compose.styles import Style, names

_INSTRUMENTS: Final[tuple[tuple[range, str], ...]] = (
    (range(0, 4), "piano"),
    (range(4, 6), "electric piano"),
    (range(7, 8), "electric piano"),
    (range(8, 11), "bells"),
    (range(11, 14), "marimba"),
    (range(14, 15), "bells"),
    (range(16, 22), "organ"),
    (range(24, 26), "acoustic guitar"),
    (range(26, 29), "electric guitar"),
    (range(29, 31), "distorted guitar"),
    (range(32, 33), "acoustic bass"),
    (range(33, 38), "electric bass"),
    (range(38, 40), "synth bass"),
    (range(40, 42), "violin"),
    (range(42, 43), "cello"),
    (range(43, 45), "strings"),
    (range(45, 46), "pizzicato"),
    (range(46, 47), "harp"),
    (range(47, 48), "timpani"),
    (range(48, 52), "strings"),
    (range(52, 55), "choir"),
    (range(56, 57), "trumpet"),
    (range(57, 60), "brass"),
    (range(60, 61), "french horn"),
    (range(61, 64), "brass"),
    (range(64, 68), "saxophone"),
    (range(68, 70), "oboe"),
    (range(71, 72), "clarinet"),
    (range(73, 80), "flute"),
    (range(80, 88), "synth lead"),
    (range(88, 96), "synth pad"),
    (range(98, 100), "bells"),
)

SLOW_BELOW_BPM: Final = 88.0
FAST_FROM_BPM: Final = 122.0
_SPARSE_BELOW: Final = 3.0
_BUSY_FROM: Final = 9.0
"""Attacks a beat, chords counted once a tone: about the outer quarters of what is composed."""

_LOW_BELOW: Final = 0.6
_HIGH_FROM: Final = 1.15
"""About the outer thirds of what is composed."""

_BRIGHT_MOODS: Final = frozenset(("happy", "bright", "playful", "hopeful", "romantic"))
_DARK_MOODS: Final = frozenset(("sad", "dark", "tense", "mysterious", "aggressive"))
_QUIET_MOODS: Final = frozenset(("calm", "dreamy", "romantic", "sad"))
_LOUD_MOODS: Final = frozenset(("epic", "aggressive"))


def instrument(part: Part, program: int) -> str:
    """The word for a program in a part, empty where there is none."""
    if part == "bass" and program in (43, 42):
        return "cello" if program == 42 else "acoustic bass"
    if part == "bass" and 80 <= program < 88:
        return "synth bass"
    if part == "extras" and 80 <= program < 88:
        return "synth pluck"
    return next((word for programs, word in _INSTRUMENTS if program in programs), "")


def describe_piece(
    rng: random.Random,
    style: Style,
    style_name: str,
    mode: str,
    form: Form,
    bpm: float,
    notes: Sequence[Note],
    programs: dict[Part, int],
) -> tuple[str, ...]:
    """All terms of a piece, each once."""
    sounding = {note.part for note in notes}
    beats = form.step_count / STEPS_PER_BEAT
    attacks = len(notes) / beats
    marked = {event.step / STEPS_PER_BEAT for event in form.events}
    steady = [note.velocity for note in notes if note.start_beat not in marked]
    loudness = median(steady) if steady else 0.0
    energy = _energy(attacks, loudness, bpm, "drums" in sounding)
    density = ("sparse",) if attacks < _SPARSE_BELOW else ("busy",) if attacks >= _BUSY_FROM else ()
    instruments = [instrument(part, programs[part]) for part in sorted(sounding) if part != "drums"]
    words = [
        style_name,
        *_moods(rng, style, mode, energy),
        energy,
        "slow" if bpm < SLOW_BELOW_BPM else "mid-tempo" if bpm < FAST_FROM_BPM else "fast",
        mode,
        "3/4" if form.bar_steps == 3 * STEPS_PER_BEAT else "4/4",
        *instruments,
        *density,
        "drums" if "drums" in sounding else "no drums",
        form.shape,
    ]
    return tuple(dict.fromkeys(word for word in words if word))


def _energy(attacks: float, loudness: float, bpm: float, drums: bool) -> str:
    """A felt sum: attacks a second, loudness, and whether a kit plays."""
    score = attacks * bpm / 60 / 30 + (loudness - 60) / 20 + (0.2 if drums else 0.0)
    return "low energy" if score < _LOW_BELOW else "medium energy" if score < _HIGH_FROM else "high energy"


def _moods(rng: random.Random, style: Style, mode: str, energy: str) -> list[str]:
    """One or two moods of the style that mode and energy do not belie."""
    unfit: frozenset[str] = _DARK_MOODS if mode in ("major", "lydian", "mixolydian") else _BRIGHT_MOODS
    unfit |= (
        _LOUD_MOODS if energy == "low energy" else _QUIET_MOODS if energy == "high energy" else frozenset()
    )
    fitting = [mood for mood in names(style.moods) if mood not in unfit]
    return rng.sample(fitting, k=min(len(fitting), rng.choice((1, 1, 2))))
