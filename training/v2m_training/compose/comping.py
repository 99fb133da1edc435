"""The chords: pads, stabs, strums and broken chords, by the bar.

    X accented chord   x chord   o soft chord   0-4 one tone of the voicing   - hold   . rest

Conventions: a character is a sixteenth of 4/4 or 3/4, an eighth of 6/8 (see `metre`); a figure may span two
bars. Held figures strike each new chord; plucked and stabbed ones wait for their place.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from v2m_training.compose.draft import Draft
from v2m_training.compose.form import Section
from v2m_training.compose.harmony import HARMONY_RANGE
from v2m_training.compose.lead_sheet import LeadSheet, metric_accent, steady_velocity
from v2m_training.compose.metre import fit

COMPS: Final[Mapping[str, str]] = {
    "pad": "----------------",
    "long chords": "x---------------",
    "late chords": "..x-----....o---",
    "swells": "x-------o-------",
    "stabs": "..x...x...x...x.",
    "dotted stabs": "x..x..x..x..x.x.",
    "off beats": "....x.......x...",
    "house piano": "x..x..x.x..x..x.",
    "eighths": "x-o-x-o-x-o-x-o-",
    "chugs": "x.o.o.x.o.o.x.o.",
    "ringing chords": "X-----x-x-----o-",
    "scratch": "..x.o.x..o..xo..",
    "charleston": "x--...x-........",
    "comp": "..x-....x-....x-",
    "strum": "x---x-o-.-o-x-o-",
    "travis": "0.2.1.3.0.2.1.2.",
    "fingerpicking": "0-2-1-3-0-2-1-3-",
    "alberti": "0-2-1-2-0-2-1-2-",
    "piano arpeggio": "0-1-2-3-2-1-2-1-",
    "broken": "0---1---2---3---",
    "ostinato": "x.o.o.o.x.o.o.o.",
    "quarter chords": "x---o---x---o---",
    "broken eighths": "0-1-2-1-3-2-1-2-",
    "rolling piano": "0-2-1-3-2-1-3-2-0-1-2-3-1-2-3-1-",
    "lo-fi keys": "x-----x-..o-----..x---o-....x-o-",
    "montuno": "x.ox.xo.x.ox.ox.",
    "push": "x-----..x-----x-",
    "skank": "..x...x...x..ox.",
    "clave chords": "x..x..x...x.x...",
    "boom chick": "0-..x-..1-..x-..",
    "spiccato": "xoxoxoxoxoxoxoxo",
    "march chords": "..x...x...x...xo",
    "waltz": "....x-..o-..",
    "quarters in three": "x---o---o---",
    "broken in three": "0-2-1-3-2-1-",
    "pad in three": "x-----------",
    "arpeggio in six": "012321",
    "strum in six": "x-ox-o",
    "sway in six": "x--o--",
    "lilt in six": "x-.o-o",
    "ostinato in six": "xooxoo",
    "long in six": "x-----",
    "arpeggio in three": "0-1-2-3-2-1-",
    "strum in three": "x---o-x-o-..",
    "comp in three": "..x-....x-..",
    "ostinato in three": "x.o.o.o.o.o.",
}

_LOUDNESS: Final[Mapping[str, float]] = {"X": 1.08, "x": 0.98, "o": 0.82}
_TONE_LOUDNESS: Final = 0.94


def play_chords(draft: Draft, sheet: LeadSheet, rng: random.Random) -> None:
    """The chords of all sections that have them."""
    for section, texture in sheet.playing("harmony"):
        comp = fit(COMPS[texture.habits.comp], sheet.form.metre)
        if sheet.orchestra.harmony_has_pedal and "-" in comp:
            _pedal(draft, sheet, section)
        for step in range(section.start, section.end):
            loudness = (steady_velocity(section, step) - 2) * metric_accent(step, sheet.form.bar_steps)
            span = sheet.chord_at(step)
            sign = comp[step % len(comp)]
            fresh = step == max(span.start, section.start)
            if sign == "-" and fresh:
                sign = "x"
            if sign in "-.":
                continue
            limit = min(span.end, section.end)
            length = _held(comp, step, limit)
            if sign.isdigit():
                pitch = _tone(span.voicing, int(sign))
                draft.add("harmony", step, length, pitch, loudness * _TONE_LOUDNESS)
                continue
            velocity = loudness * _LOUDNESS[sign] * rng.uniform(0.97, 1.03)
            for pitch in span.voicing:
                draft.add("harmony", step, length, pitch, velocity)


def _pedal(draft: Draft, sheet: LeadSheet, section: Section) -> None:
    """The pedal changes with the chord."""
    for span in sheet.chords:
        first, last = max(section.start, span.start), min(section.end, span.end)
        if first < last:
            draft.press("harmony", first, last)


def _held(comp: str, step: int, limit: int) -> int:
    """How long an attack sounds: through its dashes; broken chords ring a little over the next tone."""
    last = step + 1
    while last < limit and comp[last % len(comp)] == "-":
        last += 1
    if comp[step % len(comp)].isdigit():
        last = min(limit, last + 2)
    return last - step


def _tone(voicing: tuple[int, ...], index: int) -> int:
    """The tone of a broken chord; past the top it goes on an octave up, where there is room."""
    if index < len(voicing):
        return voicing[index]
    pitch = voicing[index % len(voicing)]
    return pitch + 12 if pitch + 12 <= HARMONY_RANGE[1] else pitch
