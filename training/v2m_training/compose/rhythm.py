"""The drummer: grooves by the bar, thinned or lifted with the section, and fills.

Conventions: patterns as in `grooves`; the pattern keeps the bar's phase, whatever events fall between.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from v2m.codecs.arrangement import DRUM_VOICES
from v2m_training.compose.draft import Draft
from v2m_training.compose.grooves import FILLS, GROOVES, ORCHESTRAL_FILLS, Groove
from v2m_training.compose.lead_sheet import LeadSheet, steady_velocity

_STROKES: Final[Mapping[str, float]] = {"X": 1.12, "x": 1.0, "o": 0.72, "g": 0.45, "?": 0.45}
"""Velocity of a stroke, relative to the section's."""

_GHOST_CHANCE: Final = 0.35
"""How often a `?` sounds: about once in three bars, as a drummer's ornament."""


def play_drums(draft: Draft, sheet: LeadSheet, rng: random.Random) -> None:
    """The grooves of all sections."""
    bar = sheet.form.bar_steps
    for section, texture in sheet.playing("drums"):
        patterns = _patterns(GROOVES[texture.habits.groove], texture.drum_level)
        for step in range(section.start, section.end):
            loudness = steady_velocity(section, step)
            for voice, pattern in patterns.items():
                sign = pattern[step % bar]
                if sign == "." or (sign == "?" and rng.random() > _GHOST_CHANCE):
                    continue
                draft.add("drums", step, 1, DRUM_VOICES[voice], loudness * _STROKES[sign])


def _patterns(groove: Groove, level: int) -> dict[str, str]:
    if level <= 1:
        return {voice: pattern for voice, pattern in groove.voices.items() if voice in groove.light}
    return {**groove.voices, **groove.lift} if level >= 3 else dict(groove.voices)


def play_fill(draft: Draft, before: int, loudness: float, *, orchestral: bool, rng: random.Random) -> int:
    """A fill that ends at a step, growing towards it; the groove's own strokes give way.

    Returns:
        The step at which the fill begins.
    """
    fill = rng.choice(ORCHESTRAL_FILLS if orchestral else FILLS)
    length = max(len(pattern) for pattern in fill.values())
    start = max(0, before - length)
    draft.drop_attacks("drums", start, before)
    for voice, pattern in fill.items():
        for i, sign in enumerate(pattern):
            if sign != "." and before - length + i >= start:
                growth = 0.55 + 0.35 * i / length  # it leads to the event and must not outdo it
                step = before - length + i
                draft.add("drums", step, 1, DRUM_VOICES[voice], loudness * growth * _STROKES[sign])
    return start
