"""The drummer: grooves by the bar, thinned or lifted with the section, and fills.

Conventions: patterns as in `groove`; the pattern keeps the bar's phase, whatever events fall between.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from v2m.codecs.arrangement import DRUM_VOICES, STEPS_PER_BEAT
from v2m_training.compose.draft import Draft
from v2m_training.compose.fills import FILLS, FILLS_IN_SIX, ORCHESTRAL_FILLS
from v2m_training.compose.form import Section
from v2m_training.compose.groove import Groove
from v2m_training.compose.grooves import GROOVES
from v2m_training.compose.lead_sheet import LeadSheet, steady_velocity
from v2m_training.compose.metre import fit

_STROKES: Final[Mapping[str, float]] = {"X": 1.12, "x": 1.0, "o": 0.72, "g": 0.45, "?": 0.45}
"""Velocity of a stroke, relative to the section's."""

_BACKBONE: Final = frozenset(("kick", "snare", "clap", "big drum"))
_BETWEEN_BEATS: Final = 0.84
"""Weight of what the other voices play between the beats, so that these are felt."""

_FILL_BARS: Final = 8
_FILL_CHANCE: Final = 0.6
_KICK: Final = DRUM_VOICES["kick"]

_GHOST_CHANCE: Final = 0.35
"""How often a `?` sounds: about once in three bars, as a drummer's ornament."""


def play_drums(draft: Draft, sheet: LeadSheet, rng: random.Random) -> None:
    """The grooves of all sections, with small fills where a phrase ends and no event answers for it."""
    metre, bar = sheet.form.metre, sheet.form.bar_steps
    extra_kick = rng.choice((2, 3, 6, 7, 10, 11, 14)) % bar  # what this drummer adds to every second bar
    marked = [event.step for event in sheet.form.events]
    for section, texture in sheet.playing("drums"):
        groove = GROOVES[texture.habits.groove]
        patterns = {v: fit(p, metre, ".") for v, p in _patterns(groove, texture.drum_level).items()}
        varied = metre != "6/8" and texture.drum_level >= 2 and "kick" in patterns and groove.varies
        for step in range(section.start, section.end):
            loudness = steady_velocity(section, step)
            for voice, pattern in patterns.items():
                sign = pattern[step % len(pattern)]
                if sign == "." or (sign == "?" and rng.random() > _GHOST_CHANCE):
                    continue
                lean = 1.0 if voice in _BACKBONE or step % STEPS_PER_BEAT == 0 else _BETWEEN_BEATS
                draft.add("drums", step, 1, DRUM_VOICES[voice], loudness * lean * _STROKES[sign])
            if varied and step % (2 * bar) == bar + extra_kick:
                draft.add("drums", step, 1, DRUM_VOICES["kick"], loudness * _STROKES["o"])
        if texture.drum_level >= 2:
            _end_phrases(draft, sheet, section, marked, rng)


def _end_phrases(
    draft: Draft, sheet: LeadSheet, section: Section, marked: list[int], rng: random.Random
) -> None:
    """A small fill into every eighth bar line that no event is near."""
    phrase = _FILL_BARS * sheet.form.bar_steps
    for end in range(section.start - section.start % phrase + phrase, section.end, phrase):
        near = any(abs(step - end) < 2 * STEPS_PER_BEAT for step in marked)
        if not near and end - section.start >= phrase // 2 and rng.random() < _FILL_CHANCE:
            play_fill(draft, sheet, end, steady_velocity(section, end) * 0.92, rng)


def _patterns(groove: Groove, level: int) -> dict[str, str]:
    if level <= 1:
        return {voice: pattern for voice, pattern in groove.voices.items() if voice in groove.light}
    return {**groove.voices, **groove.lift} if level >= 3 else dict(groove.voices)


def play_fill(draft: Draft, sheet: LeadSheet, before: int, loudness: float, rng: random.Random) -> int:
    """A fill that ends at a step, growing towards it; the groove's own strokes give way, but for the kick.

    Returns:
        The step at which the fill begins.
    """
    metre = sheet.form.metre
    fills = ORCHESTRAL_FILLS if sheet.style.orchestral_drums else FILLS
    fill = rng.choice(FILLS_IN_SIX if metre == "6/8" else fills)
    length = max(len(pattern) for pattern in fill.values())
    start = max(0, before - length)
    kicks = {s: v for s in range(start, before, STEPS_PER_BEAT) if (v := draft.velocity("drums", s, _KICK))}
    draft.drop_attacks("drums", start, before)
    for step, velocity in kicks.items():
        draft.add("drums", step, 1, _KICK, velocity)  # the pulse goes on under it
    for voice, pattern in fill.items():
        for i, sign in enumerate(pattern):
            if sign != "." and before - length + i >= start:
                growth = 0.6 + 0.35 * i / length  # it leads to the event and must not outdo it
                step = before - length + i
                draft.add("drums", step, 1, DRUM_VOICES[voice], loudness * growth * _STROKES[sign])
    return start
