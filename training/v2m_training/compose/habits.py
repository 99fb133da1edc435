"""Habits: the figures that belong together, and the texture of a section made of them."""

from __future__ import annotations

from dataclasses import dataclass

from v2m.codecs.arrangement import Part


@dataclass(frozen=True, slots=True)
class Habits:
    """Figures that belong together."""

    groove: str
    bass: str
    comp: str
    figure: str
    centre: float
    """MIDI pitch that the chords lie around."""

    theme: int
    """Which of the piece's tunes the lead plays."""


@dataclass(frozen=True, slots=True)
class Texture:
    """What a section sounds like."""

    parts: frozenset[Part]
    drum_level: int
    """0 none, 1 light, 2 the groove, 3 with its lift."""

    habits: Habits
