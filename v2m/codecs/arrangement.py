"""Music as an arranger writes it: notes in parts on a grid of beats, with no seconds in it.

Conventions: positions and lengths are in beats (quarter notes) from the first downbeat, as floats, so that
swing and rubato inside a beat survive; a step is a sixteenth note; pitches are MIDI numbers (60 = C4), for
drums General MIDI drum keys; velocities 1-127; a tonic is a pitch class 0-11 (0 = C).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Part = Literal["drums", "bass", "harmony", "lead", "extras"]
PARTS: Final[tuple[Part, ...]] = ("drums", "bass", "harmony", "lead", "extras")
PITCHED_PARTS: Final[tuple[Part, ...]] = ("bass", "harmony", "lead", "extras")
"""bass, lead and extras (counter-line or arpeggio) sound one note at a time, lead and extras two that begin
and end together; harmony sounds chords."""

STEPS_PER_BEAT: Final = 4

DRUM_VOICES: Final[Mapping[str, int]] = {
    "kick": 36,
    "snare": 38,
    "clap": 39,
    "rim": 37,
    "closed hat": 42,
    "open hat": 46,
    "low tom": 45,
    "high tom": 50,
    "crash": 49,
    "ride": 51,
    "shaker": 70,
    "big drum": 41,
}
"""The drum voices that the score latents hold, with their General MIDI keys."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note of one part."""

    part: Part
    start_beat: float
    duration_beats: float
    pitch: int
    velocity: int


Span = tuple[float, float]
"""Beats from and to."""


@dataclass(frozen=True)
class Arrangement:
    """A piece, or a span of one."""

    beat_count: int
    """Length in beats; notes may ring past it."""

    notes: tuple[Note, ...]
    """Ordered by start, then part, then pitch."""

    tonic: int = 0
    beats_per_bar: int = 4
    programs: Mapping[Part, int] = field(default_factory=dict)
    """General MIDI program (0-127) of each pitched part; for drums the kit (0, 8, 16, 24, 25, 32, 40, 48)."""

    pedals: Mapping[Part, tuple[Span, ...]] = field(default_factory=dict)
    """When the damper pedal of a pitched part is down, in order and apart: what ends meanwhile rings on
    until it comes up, or until its own key is struck again."""

    loudness_db: Mapping[Part, tuple[float, ...]] = field(default_factory=dict)
    """How much louder (above 0) or softer a part plays than its velocities say, at each sixteenth from beat
    0, straight between them and level after the last: swells and fades inside held notes. A part that is not
    named stays at 0."""
