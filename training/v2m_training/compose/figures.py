"""The extras: arpeggios, bells, ostinatos and counter-lines above or around the chords.

    0-6 a tone of the chord, counted up from the bottom of the register   - hold   . rest

Conventions: a character is a sixteenth; figures of any length repeat against the bar of 3/4 or 4/4 by
being cut to it. The counter-line is made of guide tones (thirds and sevenths), the classic inner voice.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from v2m_training.compose.draft import Draft
from v2m_training.compose.form import Section
from v2m_training.compose.harmony import nearest_pitch
from v2m_training.compose.lead_sheet import ChordSpan, LeadSheet, steady_velocity

EXTRAS_RANGE: Final = (55, 88)

FIGURES: Final[Mapping[str, str]] = {
    "arp": "0.1.2.3.2.1.2.3.",
    "running": "0123210123432101",
    "slow arp": "0---1---2---3---",
    "bells": "....4-......3---",
    "pluck": "2..3..2.4..3..2.",
    "pulse": "0.0.0.0.0.0.0.0.",
    "ostinato": "0.0.1.0.0.0.2.0.",
    "riff": "0.0...2.1...2.3.",
    "brass hits": "......2-..2.....",
    "counter": "",
}


def play_figures(draft: Draft, sheet: LeadSheet, rng: random.Random) -> None:
    """The extras of all sections that have them."""
    bottom = rng.choice((60, 65, 67, 72))  # one register a piece, so that the line is recognised
    for section, texture in sheet.playing("extras"):
        figure = FIGURES[texture.habits.figure]
        if figure:
            _play_figure(draft, sheet, figure, section, bottom)
        else:
            _play_counter(draft, sheet, section)


def ladder(span: ChordSpan, bottom: int) -> list[int]:
    """Chord tones upwards from a register's bottom."""
    classes = span.chord.pitch_classes
    return [pitch for pitch in range(bottom, EXTRAS_RANGE[1] + 1) if pitch % 12 in classes]


def _loudness(section: Section, step: int) -> float:
    return steady_velocity(section, step) - 6  # behind the lead


def _play_figure(draft: Draft, sheet: LeadSheet, figure: str, section: Section, bottom: int) -> None:
    bar = sheet.form.bar_steps
    figure = figure[:bar]
    for step in range(section.start, section.end):
        sign = figure[step % bar]
        if sign in "-.":
            continue
        span = sheet.chord_at(step)
        last = step + 1
        while last < min(span.end, section.end) and figure[last % bar] == "-":
            last += 1
        rungs = ladder(span, bottom)
        accent = 1.05 if step % 4 == 0 else 0.92
        loudness = _loudness(section, step) * accent
        draft.add("extras", step, last - step, rungs[int(sign) % len(rungs)], loudness)


def _play_counter(draft: Draft, sheet: LeadSheet, section: Section) -> None:
    pitch = 69.0  # A4, where a horn or a viola sings
    for span in sheet.chords:
        first, last = max(section.start, span.start), min(section.end, span.end)
        if first >= last:
            continue
        guides = [
            c
            for c, tone in zip(span.chord.pitch_classes, span.chord.tones, strict=True)
            if tone % 12 not in (0, 7)
        ]
        pitch = nearest_pitch(guides or span.chord.pitch_classes, pitch * 0.9 + 69 * 0.1, *EXTRAS_RANGE)
        draft.add("extras", first, last - first, int(pitch), _loudness(section, first))
