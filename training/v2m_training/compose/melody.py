"""The lead: a tune of eight bars, made of one motif, that comes back whenever the lead plays.

    antecedent   a   a moved   b   half close       the question, open
    consequent   a   a turned  b'  full close       the answer, home

A motif is a bar's rhythm and contour. "Moved" is a sequence, a step up or down; "turned" one that is turned
upside down or ends otherwise; b is its second half spun out. Phrases start over with each new section of
four bars or more, so that a tune is recognised by its head.

Conventions: contours are in steps of the scale from the tune's anchor, so that a repeat keeps its shape over
other chords; notes that rest move to the nearest chord tone. Rhythms: x attack, - hold, . rest, a
character a step.
Sources: the musical period and sentence as schools of composition teach them (Schoenberg, Caplin).
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m_training.compose.draft import Draft
from v2m_training.compose.facts import BEATS_PER_BAR, Metre
from v2m_training.compose.form import Section
from v2m_training.compose.harmony import nearest_pitch
from v2m_training.compose.lead_sheet import ChordSpan, LeadSheet, steady_velocity

LEAD_RANGE: Final = (48, 88)
"""C3, where a cello sings, to E6."""

_BELOW_REGISTER: Final = 2.0
"""The tonic lies a step or so below the middle of what the tune sings."""

PERIOD_BARS: Final = 8
_PHRASE_BARS: Final = 4
_PHRASE_ARCH: Final = (2.0, 5.0, 9.0, 3.0)
"""Velocity above the band by the bar of the phrase: it grows to its third bar and comes to rest."""

_RESTING_STEPS: Final = 7
"""Notes of almost two beats or more are what a phrase rests on."""

CELLS: Final[Mapping[str, tuple[str, ...]]] = {
    # a beat of rhythm each; those that come first are likelier
    "relaxed": ("x-x-", "x---", "x--x", "--x-", "..x-", "----", "...."),
    "broad": ("x---", "----", "x---", "x-x-", "x---"),
    "sparse": ("x---", "----", "----", "....", "x---"),
    "hooky": ("x..x", "x-x-", "..x-", "x.x.", "x---", "..xx", "xxx-"),
    "swinging": ("x-x-", "x-x-", "--x-", "..x-", "x---", "x-x-"),
    "singing": ("x---", "x-x-", "x---", "--x-", "x-x-", "----"),
}
_CELLS_IN_SIX: Final = ("x--x", "x---", "xx-x", "x--x", "---x", "x-.x")
"""Long-short, dotted quarter, three eighths: the third eighth of a beat is its step 3 (see `metre`)."""

_INTERVALS: Final = (-2, -1, -1, -1, 0, 1, 1, 1, 2, 3, -3)
"""Mostly steps, some thirds and repeated notes, a leap now and then, as in sung melodies."""


@dataclass(frozen=True, slots=True)
class Motif:
    """A bar's rhythm and, for each attack, the step of the scale above the tune's anchor."""

    rhythm: str
    contour: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Theme:
    """The bars of a tune."""

    bars: tuple[Motif, ...]
    upbeat: bool
    """Whether a note before the bar line leads into each phrase."""


def write_theme(rng: random.Random, pace: str, metre: Metre) -> Theme:
    """A period in a pace of `CELLS`."""
    head = _motif(rng, pace, metre, start=rng.choice((0, 0, 2, 4)))
    move = rng.choice((-1, 1, 1, 2))
    spun = _spun(rng, head, metre)
    turned = _turned(rng, head)
    bars = (
        head,
        _moved(head, move),
        spun,
        _close(metre, rng.choice((1, 4, 1))),
        head,
        turned,
        _moved(spun, rng.choice((0, 1, -1))),
        _close(metre, 0),
    )
    return Theme(bars, upbeat=rng.random() < 0.35)


def _motif(rng: random.Random, pace: str, metre: Metre, start: int) -> Motif:
    cells = _CELLS_IN_SIX if metre == "6/8" else CELLS[pace]
    weights = [1.0 / (1 + 0.35 * i) for i in range(len(cells))]
    beats = 2 if metre == "6/8" else BEATS_PER_BAR[metre]
    rhythm = ""
    while rhythm.count("x") < (1 if pace in ("sparse", "broad") else 2):
        rhythm = "".join(rng.choices(cells, weights, k=beats))
        rhythm = rhythm.replace("-", ".", 1) if rhythm.startswith("-") else rhythm
    return Motif(_healed(rhythm), _contour(rng, rhythm.count("x"), start))


def _healed(rhythm: str) -> str:
    """Holds need something to hold: after a rest they are rests."""
    out = ""
    for sign in rhythm:
        out += "." if sign == "-" and (not out or out[-1] == ".") else sign
    return out


def _contour(rng: random.Random, count: int, start: int) -> tuple[int, ...]:
    """A line that stays within a sixth of where it began; a leap is followed by a step back."""
    line = [start]
    last = 0
    while len(line) < count:
        step = rng.choice(_INTERVALS) if abs(last) < 2 else (-1 if last > 0 else 1)
        if abs(line[-1] + step - start) > 4:
            step = -step
        line.append(line[-1] + step)
        last = step
    return tuple(line)


def _moved(motif: Motif, steps: int) -> Motif:
    return Motif(motif.rhythm, tuple(place + steps for place in motif.contour))


def _turned(rng: random.Random, motif: Motif) -> Motif:
    """Upside down around its first note, or with another end."""
    if rng.random() < 0.4 and len(motif.contour) > 2:
        first = motif.contour[0]
        return Motif(motif.rhythm, tuple(2 * first - place for place in motif.contour))
    *kept, last = motif.contour
    return Motif(motif.rhythm, (*kept, last + rng.choice((-2, 2, 1))))


def _spun(rng: random.Random, motif: Motif, metre: Metre) -> Motif:
    """The motif's first half twice, the second time moved: what drives a phrase on to its close."""
    half = BEATS_PER_BAR[metre] // 2 * STEPS_PER_BEAT
    cell = motif.rhythm[:half]
    if "x" not in cell:
        return _moved(motif, 2)
    rhythm = _healed(cell + cell + motif.rhythm[2 * half :])
    contour = motif.contour[: cell.count("x")]
    move = rng.choice((-1, 1, 1))
    rest = tuple(contour[-1] + 2 * move for _ in range(rhythm.count("x") - 2 * len(contour)))
    lift = rng.choice((1, 2, 3))
    line = (*contour, *(place + move for place in contour), *rest)
    return Motif(rhythm, tuple(place + lift for place in line))


def _close(metre: Metre, degree: int) -> Motif:
    rhythm = {"4/4": "x-----------....", "3/4": "x---------..", "6/8": "x-----.."}[metre]
    return Motif(rhythm, (degree,))


def play_lead(
    draft: Draft, sheet: LeadSheet, themes: tuple[Theme, ...], register: float, rng: random.Random
) -> None:
    """The lead of all sections that have one, its tunes around a register (a MIDI pitch)."""
    bar = sheet.form.bar_steps
    place = 0
    for section, texture in sheet.playing("lead"):
        theme = themes[texture.habits.theme]
        if section.end - section.start >= _PHRASE_BARS * bar:
            place = 0
        anchor = nearest_pitch((section.key_shift,), register - _BELOW_REGISTER, *LEAD_RANGE)
        for number in range(-(-section.start // bar), -(-section.end // bar)):
            reach = (number * bar, min(section.end, number * bar + bar))
            loudness = steady_velocity(section, reach[0]) + _PHRASE_ARCH[place % _PHRASE_BARS] * rng.uniform(
                0.8, 1.2
            )
            if theme.upbeat and place % _PHRASE_BARS == 0:
                _lead_in(draft, sheet, section, reach[0], anchor, loudness)
            _sing(draft, sheet, theme.bars[place % PERIOD_BARS], reach, anchor, loudness)
            place += 1


def _sing(
    draft: Draft, sheet: LeadSheet, motif: Motif, reach: tuple[int, int], anchor: float, loudness: float
) -> None:
    """One bar of a tune."""
    attacks = [i for i, sign in enumerate(motif.rhythm) if sign == "x" and reach[0] + i < reach[1]]
    for index, place in enumerate(attacks):
        step = reach[0] + place
        span = sheet.chord_at(step)
        length = 1
        while place + length < len(motif.rhythm) and motif.rhythm[place + length] == "-":
            length += 1
        strong = index == 0 or place % (2 * STEPS_PER_BEAT) == 0
        pitch = scale_pitch(span, anchor, motif.contour[index], resting=length >= _RESTING_STEPS)
        draft.add("lead", step, min(length, reach[1] - step), pitch, loudness * (1.0 if strong else 0.92))


def _lead_in(
    draft: Draft, sheet: LeadSheet, section: Section, downbeat: int, anchor: float, loudness: float
) -> None:
    """An upbeat of an eighth, a fourth below, where the section already plays."""
    step = downbeat - (1 if sheet.form.metre == "6/8" else 2)
    if step > section.start:
        pitch = scale_pitch(sheet.chord_at(step), anchor, -3, resting=False)
        draft.add("lead", step, downbeat - step, pitch, loudness * 0.9)


def scale_pitch(span: ChordSpan, anchor: float, steps: int, *, resting: bool) -> int:
    """The pitch so many steps of the scale above the anchor, bent to the chord where it would jar.

    A note that rests is a chord tone; another may be any tone of the scale but a semitone above one, so that
    a motif keeps its tones while the chords change under it.
    """
    low, high = LEAD_RANGE
    ladder = [pitch for pitch in range(low, high + 1) if pitch % 12 in span.scale]
    place = bisect_left(ladder, anchor) + steps
    while place >= len(ladder):
        place -= len(span.scale)
    while place < 0:
        place += len(span.scale)
    aim, tones = ladder[place], span.chord.pitch_classes
    jars = aim % 12 not in tones and (resting or (aim - 1) % 12 in tones)
    return nearest_pitch(tones, aim, low, high) if jars else aim
