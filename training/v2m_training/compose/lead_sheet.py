"""The lead sheet: form, textures and voiced chords, which every player reads.

Conventions: positions are steps, pitches are as in C.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT, Part
from v2m_training.compose.form import CHORD_STRENGTH, SECTION_STRENGTH, Form, Section
from v2m_training.compose.habits import Texture
from v2m_training.compose.harmony import Chord, parse_chord, scale_under, shifted, voice
from v2m_training.compose.orchestra import Orchestra
from v2m_training.compose.progressions import CADENCES, COLOURS, HOMES, progressions
from v2m_training.compose.styles import Style

_LOUDEST_STEADY: Final = 84.0
"""An event of 0.3 is struck at 99: half as loud again as this, by the player's curve."""


_TURNING_KINDS: Final = frozenset(("pop", "soul", "film", "power"))
_TURNING_SHARE: Final = 0.4
"""Pieces in which every second round of the loop ends on a cadence; jazz has its own turnarounds."""


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord while it lasts."""

    start: int
    end: int
    chord: Chord
    voicing: tuple[int, ...]
    scale: tuple[int, ...]
    """Pitch classes of the key at this place, bent to the chord."""


@dataclass(frozen=True)
class LeadSheet:
    """What the players share."""

    style: Style
    orchestra: Orchestra
    mode: str
    form: Form
    textures: tuple[Texture, ...]
    chords: tuple[ChordSpan, ...]

    @cached_property
    def _chord_starts(self) -> list[int]:
        return [span.start for span in self.chords]

    @cached_property
    def _section_starts(self) -> list[int]:
        return [section.start for section in self.form.sections]

    def chord_at(self, step: int) -> ChordSpan:
        """The chord that sounds at a step."""
        return self.chords[max(0, bisect_right(self._chord_starts, step) - 1)]

    def section_at(self, step: int) -> tuple[Section, Texture]:
        """The section at a step and its texture."""
        index = max(0, bisect_right(self._section_starts, step) - 1)
        return self.form.sections[index], self.textures[index]

    def playing(self, part: Part) -> Iterator[tuple[Section, Texture]]:
        """The sections in which a part plays, the ringing of the last chord left out."""
        for section, texture in zip(self.form.sections, self.textures, strict=True):
            if part in texture.parts and not section.after_ending:
                yield section, texture


def steady_velocity(section: Section, step: int) -> float:
    """How loud an ordinary stroke is at a step: below what events get, however full the section."""
    done = (step - section.start) / max(1, section.end - section.start)
    return min(_LOUDEST_STEADY, 46 + 36 * section.intensity + section.swell * done)


_ACCENTS: Final = (1.0, 0.74, 0.8, 0.74)
"""Weight of the steps of a beat: players lean on the beat, which is how a listener finds it."""

_OTHER_BEATS: Final = 0.96
"""Weight of the beats after the first of a bar."""


def metric_accent(step: int, bar: int) -> float:
    """What the metre makes of an ordinary stroke's loudness."""
    return _ACCENTS[step % STEPS_PER_BEAT] * (1.0 if step % bar == 0 else _OTHER_BEATS)


def write_chords(
    rng: random.Random, style: Style, mode: str, form: Form, textures: tuple[Texture, ...]
) -> tuple[ChordSpan, ...]:
    """Loops of chords on the bar lines, changed where events of CHORD_STRENGTH fall, with cadences."""
    loops = progressions(style.chords, mode)
    pair = (rng.choice(loops), rng.choice(loops))
    unit = max(STEPS_PER_BEAT, round(rng.choice(style.chord_bars) * form.bar_steps))
    turns = style.chords in _TURNING_KINDS and rng.random() < _TURNING_SHARE
    changes = {event.step: event.strength for event in form.events if event.strength >= CHORD_STRENGTH}
    spans: list[ChordSpan] = []
    anchor, numeral = 0, ""
    for section, texture in zip(form.sections, textures, strict=True):
        loop = pair[texture.habits.theme]
        if section.start in changes:  # loop and tune start over together, on the bar line
            anchor = -(-section.start // form.bar_steps) * form.bar_steps
        forced = [step for step in changes if section.start < step < section.end]
        starts = _chord_starts(section, unit, anchor, forced)
        for index, (start, end) in enumerate(pairwise([*starts, section.end])):
            place = max(0, (start - anchor) // unit)
            if start in forced:  # the next chord comes early, or whichever is another than this
                place += 1
                place += next((k for k in range(len(loop)) if loop[(place + k) % len(loop)] != numeral), 0)
            numeral = loop[place % len(loop)]
            leads_home = turns and (place + 1) % (2 * len(loop)) == 0
            if section.after_ending:
                numeral = HOMES[mode]
            elif index and (leads_home or (end in changes and end == section.end and rng.random() < 0.5)):
                numeral = rng.choice(CADENCES[mode])
            elif changes.get(start, 0) > SECTION_STRENGTH and start and rng.random() < 0.2:
                numeral = rng.choice(COLOURS[mode])
            previous = spans[-1].voicing if spans and start not in changes else ()
            spans.append(_span(start, end, numeral, mode, section.key_shift, previous, texture))
    return tuple(spans)


def _span(
    start: int,
    end: int,
    numeral: str,
    mode: str,
    key_shift: int,
    previous: tuple[int, ...],
    texture: Texture,
) -> ChordSpan:
    chord = shifted(parse_chord(numeral), key_shift)
    scale = scale_under(mode, chord, key_shift)
    return ChordSpan(start, end, chord, voice(chord, previous, texture.habits.centre), scale)


def _chord_starts(section: Section, unit: int, anchor: int, forced: list[int]) -> list[int]:
    """Where chords change in a section: on the grid of harmonic rhythm, but not close to a forced change."""
    marks = [section.start, *forced]
    if section.after_ending:
        return [section.start]
    clear = min(unit, 2 * STEPS_PER_BEAT)  # two beats: a chord must be heard before the next
    first = anchor + max(0, (section.start - anchor) // unit) * unit
    grid = [
        step
        for step in range(first, section.end, unit)
        if step > section.start and all(abs(step - mark) >= clear for mark in [*marks, section.end])
    ]
    return sorted({*marks, *grid})
