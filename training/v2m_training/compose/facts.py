"""What is true of a composed piece, as plain fields: out of these come its words.

Conventions: what can be heard is measured on the notes (`sounding`, `attacks_per_beat`, `loudness`), never
taken from what was intended; what a form promises (`builds`, `ends_big`) is planned and carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from v2m.codecs.arrangement import Part

Metre = Literal["4/4", "3/4", "6/8"]
Shape = Literal["building", "steady form", "contrasts"]
Solo = Literal["piano", "acoustic guitar", "electric guitar", "strings", "harp"]

BEATS_PER_BAR: Final[Mapping[Metre, int]] = {"4/4": 4, "3/4": 3, "6/8": 2}
"""A bar of 6/8 is two beats of three eighths each: the beat is what a foot taps, and what cuts land on."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A piece in facts."""

    style: str
    moods: str
    """The style's moods, separated by commas: those that the piece does not belie are true of it."""

    mode: str
    tonic: int
    """Pitch class 0-11 of the key that the piece begins and mostly stays in."""

    metre: Metre
    bpm: float
    swing: float
    """Where the middle of a swung unit falls; 0.5 is straight."""

    shape: Shape
    instruments: Mapping[Part, int]
    """General MIDI program (for drums the kit) of each part that truly sounds, and of no other."""

    attacks_per_beat: float
    loudness: float
    """Median velocity of the strokes that mark no event."""

    staccato: float
    """Share of pitched notes outside the bass shorter than 0.3 beats."""

    legato: float
    """Share of pitched notes outside the bass of a beat or more."""

    starts_quiet: bool = False
    """At least four bars of one or two parts, softly, before more come."""

    builds: bool = False
    """Each section is fuller and louder than the one before, from quiet to everybody."""

    ends_big: bool = False
    """A last chord of everybody, loud, led into."""

    fades: bool = False
    """The last bars die away to nothing."""

    stops: bool = False
    """At least once all parts fall silent before or after a hit."""

    modulates: bool = False
    """A later section is in another key."""

    solo: Solo | None = None
    """One instrument, or one section of them, plays everything."""

    missing: frozenset[Part] = field(default_factory=frozenset)
    """Parts that do not sound; `drums` among them is a drumless piece."""

    @property
    def drumless(self) -> bool:
        """Whether there are no drums."""
        return "drums" in self.missing

    @property
    def has_lead(self) -> bool:
        """Whether a tune is played."""
        return "lead" not in self.missing
