"""The bass player: idioms by the bar, and a walking bass.

    R root   5 fifth   8 octave   3 third   7 seventh (or sixth)   a approach to the next root
    - hold   . rest

Conventions: a character is a sixteenth of 4/4 or 3/4, an eighth of 6/8 (see `metre`); an idiom may span two
bars. A new chord is struck even where the idiom holds. At the end of a phrase the player leads over.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m_training.compose.draft import Draft
from v2m_training.compose.form import Section
from v2m_training.compose.harmony import nearest_pitch
from v2m_training.compose.lead_sheet import ChordSpan, LeadSheet, metric_accent, steady_velocity
from v2m_training.compose.metre import fit

BASS_RANGE: Final = (28, 47)
"""E1, the lowest string, to B2: below the chords."""

BASSES: Final[Mapping[str, str]] = {
    "roots": "R---------------",
    "halves": "R-------5-------",
    "drone": "----------------",
    "boom bap": "R-----.R..5-....",
    "syncopated": "R-----R-...R--a-",
    "sub": "R-----------..R-",
    "trap sub": "R-----R---..R-8-",
    "offbeat": "..R-..R-..R-..8-",
    "disco octaves": "R.8.R.8.R.8.R.8.",
    "rolling": ".RRR.RRR.RRR.RRR",
    "pulsing sixteenths": "R.RRR.RRR.RRR.R8",
    "pulsing eighths": "R.R.R.R.R.R.R.R.",
    "gallop": "R.RRR.RRR.RRR.RR",
    "rock": "R-..R.R.R-..5-a-",
    "funk": "R..R..8.5.R..7a.",
    "slap": "R.8R..R8..5.R.a.",
    "two feel": "R---....5---....",
    "left hand": "R---5---8-------",
    "quarters": "R---R---5---R-a-",
    "bounce": "R--R....R-5.8.7.R--R..R.....5-a-",
    "dotted": "R--R--R-R--R--8-",
    "motown": "R-.R5-8.R-.R5-a.",
    "tresillo": "R-----R-----R-5-",
    "bossa roots": "R-----5-5-----R-",
    "marcato": "R...R...R...5.a.",
    "waltz roots": "R---........",
    "waltz quarters": "R---5-..8---",
    "one a bar": "R-----------",
    "pulse in three": "R.R.R.R.R.R.",
    "roots in six": "R-----",
    "lilt in six": "R-.R-5",
    "sway in six": "R--5--",
    "pulse in six": "R.RR.R",
    "gallop in six": "RRRRRR",
    "walk": "",
}


def play_bass(draft: Draft, sheet: LeadSheet, rng: random.Random) -> None:
    """The bass of all sections that have one."""
    for section, texture in sheet.playing("bass"):
        if texture.habits.bass == "walk":
            _walk(draft, sheet, section, rng)
        else:
            idiom = fit(BASSES[texture.habits.bass], sheet.form.metre)
            _play_idiom(draft, sheet, idiom, section, leads_over="a" not in idiom and rng.random() < 0.5)


def root_pitch(span: ChordSpan, near: float = 38.0) -> int:
    """The root in the bass's range, near a pitch (D2 is where most basses live)."""
    return nearest_pitch((span.chord.root,), near, *BASS_RANGE)


def _play_idiom(draft: Draft, sheet: LeadSheet, idiom: str, section: Section, *, leads_over: bool) -> None:
    bar = sheet.form.bar_steps
    step = section.start
    while step < section.end:
        span = sheet.chord_at(step)
        sign = idiom[step % len(idiom)]
        if leads_over and _is_turn(step, bar) and span.end == step + 2 and span.end < section.end:
            sign = "a"
        elif step == span.start and sign in "-a":
            sign = "R"
        if sign in "-.":
            step += 1
            continue
        length = 2 if leads_over and sign == "a" else _held(idiom, step, min(span.end, section.end))
        accent = 1.0 if sign == "R" else 0.92
        pitch = _degree(sign, span, sheet.chord_at(min(span.end, sheet.form.step_count - 1)))
        draft.add("bass", step, length, pitch, _loudness(section, step) * accent * metric_accent(step, bar))
        step += 1


def _is_turn(step: int, bar: int) -> bool:
    """The last eighth of every fourth bar."""
    return step % (4 * bar) == 4 * bar - 2


def _loudness(section: Section, step: int) -> float:
    return steady_velocity(section, step) + 6  # low notes need more to be heard


def _held(idiom: str, step: int, limit: int) -> int:
    last = step + 1
    while last < limit and idiom[last % len(idiom)] == "-":
        last += 1
    return last - step


def _degree(sign: str, span: ChordSpan, following: ChordSpan) -> int:
    root = root_pitch(span)
    tones = span.chord.tones
    if sign == "a":
        target = root_pitch(following, root)
        return max(BASS_RANGE[0], target - 1) if target > BASS_RANGE[0] else target + 1
    above = {
        "R": 0,
        "8": 12,
        "3": tones[1] if len(tones) > 2 else 7,
        "5": next((tone for tone in tones if tone in (6, 7, 8)), 7),
        "7": tones[3] if len(tones) > 3 and tones[3] < 12 else 7,
    }[sign]
    return root + above if root + above <= BASS_RANGE[1] else root + above - 12


def _walk(draft: Draft, sheet: LeadSheet, section: Section, rng: random.Random) -> None:
    """Quarter notes: root on the chord, chord or scale tones between, a step into the next root."""
    pitch = root_pitch(sheet.chord_at(section.start))
    for step in range(section.start, section.end, STEPS_PER_BEAT):
        span = sheet.chord_at(step)
        following = sheet.chord_at(min(step + STEPS_PER_BEAT, sheet.form.step_count - 1))
        if step in (span.start, section.start):
            pitch = root_pitch(span, pitch)
        elif following is not span:
            target = root_pitch(following, pitch)
            side = 1 if pitch > target else -1
            pitch = target + side if BASS_RANGE[0] <= target + side <= BASS_RANGE[1] else target - side
        else:
            classes = span.chord.pitch_classes if rng.random() < 0.5 else span.scale
            drift = rng.choice((-3, 3)) + (38 - pitch) * 0.2  # wander, but back to the middle
            pitch = nearest_pitch([c for c in classes if c != pitch % 12], pitch + drift, *BASS_RANGE)
        draft.add("bass", step, STEPS_PER_BEAT, pitch, _loudness(section, step) * rng.uniform(0.92, 1.04))
