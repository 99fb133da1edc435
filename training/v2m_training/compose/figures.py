"""The extras: arpeggios, bells, ostinatos and counter-lines above or around the chords.

    0-6 a tone of the chord, counted up from the bottom of the register   - hold   . rest

Conventions: a character is a sixteenth of 4/4 or 3/4, an eighth of 6/8 (see `metre`); figures may span two
bars. The counter-line is made of guide tones (thirds and sevenths), the classic inner voice, with a passing
tone into the next; the echo answers the lead where the lead rests.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m_training.compose.draft import Draft
from v2m_training.compose.form import Section
from v2m_training.compose.harmony import nearest_pitch
from v2m_training.compose.lead_sheet import ChordSpan, LeadSheet, metric_accent, steady_velocity
from v2m_training.compose.metre import fit

EXTRAS_RANGE: Final = (48, 88)

FIGURES: Final[Mapping[str, str]] = {
    "arp": "0.1.2.3.2.1.2.3.",
    "running": "0123210123432101",
    "slow arp": "0---1---2---3---",
    "arp up": "0.1.2.3.4.3.2.1.",
    "bells": "....4-......3---",
    "bell pattern": "3---....2-..4---",
    "pluck": "2..3..2.4..3..2.",
    "pluck two bars": "2..3..2.4..3..2.1..2..1.3.2.1...",
    "pulse": "0.0.0.0.0.0.0.0.",
    "ostinato": "0.0.1.0.0.0.2.0.",
    "driving ostinato": "0.00100.0.001020",
    "octave ostinato": "0.3.0.3.0.3.0.3.",
    "riff": "0.0...2.1...2.3.",
    "riff two bars": "0..2..1.0.......0..2..3.2.1.....",
    "brass hits": "......2-..2.....",
    "fanfare": "0..00.1---......0..01.2---......",
    "swirl": "................0123456543210123",
    "arp in three": "0.1.2.3.2.1.",
    "bells in three": "4---....3---",
    "ostinato in three": "0.0.1.0.2.1.",
    "arp in six": "012321",
    "bells in six": "4--.3-",
    "ostinato in six": "001002",
    "counter": "",
    "echo": "",
}
"""Empty where the line is made for the place."""


def play_figures(draft: Draft, sheet: LeadSheet, register: float) -> None:
    """The extras of all sections that have them, around a register (a MIDI pitch)."""
    for section, texture in sheet.playing("extras"):
        name = texture.habits.figure
        figure = FIGURES[name]
        if figure:
            _play_figure(draft, sheet, fit(figure, sheet.form.metre), section, round(register) - 6)
        elif name == "echo" and "lead" in texture.parts:
            _play_echo(draft, sheet, section, register)
        else:
            _play_counter(draft, sheet, section, register)


def ladder(span: ChordSpan, bottom: int) -> list[int]:
    """Chord tones upwards from a register's bottom."""
    classes = span.chord.pitch_classes
    return [pitch for pitch in range(bottom, EXTRAS_RANGE[1] + 1) if pitch % 12 in classes]


def _loudness(section: Section, step: int) -> float:
    return steady_velocity(section, step) - 6  # behind the lead


def _play_figure(draft: Draft, sheet: LeadSheet, figure: str, section: Section, bottom: int) -> None:
    for step in range(section.start, section.end):
        sign = figure[step % len(figure)]
        if sign in "-.":
            continue
        span = sheet.chord_at(step)
        last = step + 1
        while last < min(span.end, section.end) and figure[last % len(figure)] == "-":
            last += 1
        rungs = ladder(span, bottom)
        loudness = (_loudness(section, step) + 3) * metric_accent(step, sheet.form.bar_steps)
        draft.add("extras", step, last - step, rungs[int(sign) % len(rungs)], loudness)


def _play_counter(draft: Draft, sheet: LeadSheet, section: Section, register: float) -> None:
    """Guide tones, moving little, each led into the next by a passing tone."""
    spans = [s for s in sheet.chords if s.start < section.end and s.end > section.start]
    guides = []
    pitch = register
    for span in spans:
        pitch = nearest_pitch(_guide_classes(span), pitch * 0.85 + register * 0.15, *EXTRAS_RANGE)
        guides.append(int(pitch))
    for i, (span, pitch) in enumerate(zip(spans, guides, strict=True)):
        first, last = max(section.start, span.start), min(section.end, span.end)
        draft.add("extras", first, last - first, pitch, _loudness(section, first))
        passing = last - STEPS_PER_BEAT
        if i + 1 < len(guides) and passing - first >= STEPS_PER_BEAT and 2 < abs(guides[i + 1] - pitch) < 8:
            between = nearest_pitch(span.scale, (pitch + guides[i + 1]) / 2, *EXTRAS_RANGE)
            draft.add("extras", passing, STEPS_PER_BEAT, between, _loudness(section, passing) * 0.95)


def _guide_classes(span: ChordSpan) -> tuple[int, ...]:
    pairs = zip(span.chord.pitch_classes, span.chord.tones, strict=True)
    return tuple(c for c, tone in pairs if tone % 12 not in (0, 7)) or span.chord.pitch_classes


def _play_echo(draft: Draft, sheet: LeadSheet, section: Section, register: float) -> None:
    """The lead's last three notes again, where the lead holds or rests for two beats."""
    attacks = [s for s in draft.attacks("lead") if section.start <= s < section.end]
    _play_counter(draft, sheet, section, register)
    for last, following in pairwise([*attacks, section.end]):
        first = last + STEPS_PER_BEAT
        room = following - first
        cell = [s for s in attacks if last - 2 * STEPS_PER_BEAT < s <= last][-3:]
        if room < 2 * STEPS_PER_BEAT or len(cell) < 2 or first % STEPS_PER_BEAT:
            continue
        draft.release("extras", first)
        for s in cell:
            step = first + s - cell[0]
            aim = draft.pitches("lead", s)[0] % 12
            pitch = nearest_pitch((aim,), register, *EXTRAS_RANGE)
            if pitch % 12 not in sheet.chord_at(step).scale:
                pitch = nearest_pitch(sheet.chord_at(step).chord.pitch_classes, pitch, *EXTRAS_RANGE)
            if step < following:
                draft.add("extras", step, 2, pitch, _loudness(section, step))
