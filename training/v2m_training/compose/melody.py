"""The lead: motifs that return, phrases of four bars, chord tones on strong beats, steps between.

    x attack   - hold   . rest

Conventions: a phrase is a b a' c: the second bar answers the first, the third repeats it on its own chord,
the fourth comes to rest on a chord tone. Intervals of a motif are in steps of the scale, so that a repeat
keeps its shape over another chord.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from v2m_training.compose.draft import Draft
from v2m_training.compose.harmony import nearest_pitch, scale_under
from v2m_training.compose.lead_sheet import LeadSheet, steady_velocity

LEAD_RANGE: Final = (60, 86)
"""C4 to D6, where flutes, violins, voices and lead synths all sing."""

_BARS_A_PHRASE: Final = 4
_PHRASE_ARCH: Final = (2.0, 5.0, 9.0, 3.0)
"""Velocity above the band by the bar of the phrase: it grows to its third bar and comes to rest."""

_INTERVALS: Final = (-2, -1, -1, -1, 0, 1, 1, 1, 2)
"""Mostly steps, some thirds and repeated notes, as in sung melodies."""

_STRONG_STEPS: Final = 8
"""Chord tones on the first and third beat."""

RHYTHMS: Final[Mapping[str, tuple[str, ...]]] = {
    "relaxed": ("x--x--x-....x-x-", "x-----x-x-......", "..x-x-x---......", "x---....x-x-x---"),
    "broad": ("x-------x-------", "x-----x-x-------", "x---x---x-------", "x-------....x---"),
    "sparse": ("x---------......", "....x-----------", "x-------x-------", "................"),
    "hooky": ("x..x..x-....x.x.", "x-x-.x-x--......", "x..x..x..x..x---", "..x-x-x-..x-x---"),
    "swinging": ("x-x-x---..x-x-..", "..x-x-x-x-x-x---", "x---..x-........", "x-x-x-x-x---...."),
    "singing": ("x---x-x-x---x---", "x-----x-x---....", "x-x-x---x-----..", "x---x---x-x-x-x-"),
}
_CADENCE: Final = "x-----------...."


@dataclass(frozen=True, slots=True)
class Motif:
    """A bar's rhythm and the intervals between its notes."""

    rhythm: str
    intervals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Theme:
    """Two motifs and the register they live in."""

    opening: Motif
    answer: Motif
    start: float


def write_theme(rng: random.Random, pace: str) -> Theme:
    """A theme in a pace of `RHYTHMS`."""
    first, second = rng.sample(RHYTHMS[pace], k=2)
    if "x" not in first:
        first, second = second, first
    return Theme(_motif(rng, first), _motif(rng, second), rng.uniform(66, 76))


def _motif(rng: random.Random, rhythm: str) -> Motif:
    return Motif(rhythm, tuple(rng.choice(_INTERVALS) for _ in range(rhythm.count("x"))))


def play_lead(draft: Draft, sheet: LeadSheet, themes: tuple[Theme, ...], rng: random.Random) -> None:
    """The lead of all sections that have one; phrases begin with the section's first bar line."""
    bar = sheet.form.bar_steps
    for section, texture in sheet.playing("lead"):
        theme = themes[texture.habits.theme]
        lift = 5 * (section.intensity - 0.5)  # more intense is higher
        first_bar = -(-section.start // bar)
        pitch = theme.start + lift
        for index, bar_number in enumerate(range(first_bar, -(-section.end // bar))):
            motif = _motif_of_bar(theme, index)
            if index % _BARS_A_PHRASE == 0:
                pitch = theme.start + lift
            reach = (bar_number * bar, min(section.end, bar_number * bar + bar))
            arch = _PHRASE_ARCH[index % _BARS_A_PHRASE]
            loudness = steady_velocity(section, reach[0]) + arch * rng.uniform(0.8, 1.2)
            pitch = _sing(draft, sheet, motif, reach, pitch, loudness)


def _motif_of_bar(theme: Theme, index: int) -> Motif:
    place = index % _BARS_A_PHRASE
    if place == _BARS_A_PHRASE - 1:
        return Motif(_CADENCE, (0,))
    return theme.answer if place == 1 else theme.opening


def _sing(
    draft: Draft, sheet: LeadSheet, motif: Motif, reach: tuple[int, int], pitch: float, loudness: float
) -> float:
    """One bar of a motif; returns the pitch it ends on."""
    rhythm = motif.rhythm
    note = 0
    for step in range(*reach):
        place = step - reach[0]
        if rhythm[place] != "x":
            continue
        chord = sheet.chord_at(step).chord
        scale = scale_under(sheet.mode, chord)
        aim = move_in_scale(pitch, motif.intervals[note % len(motif.intervals)], scale)
        strong = place % _STRONG_STEPS == 0 or note == 0
        pitch = nearest_pitch(chord.pitch_classes if strong else scale, aim, *LEAD_RANGE)
        last = place + 1
        while last < len(rhythm) and reach[0] + last < reach[1] and rhythm[last] == "-":
            last += 1
        shape = 1.0 if strong else 0.92
        draft.add("lead", step, last - place, int(pitch), loudness * shape)
        note += 1
    return pitch


def move_in_scale(pitch: float, interval: int, scale: tuple[int, ...]) -> float:
    """A pitch moved by steps of a scale, turned back at the ends of the range."""
    low, high = LEAD_RANGE
    ladder = [rung for rung in range(low, high + 1) if rung % 12 in scale]
    place = min(range(len(ladder)), key=lambda i: abs(ladder[i] - pitch)) + interval
    if not 0 <= place < len(ladder):
        place -= 2 * interval
    return float(ladder[place])
