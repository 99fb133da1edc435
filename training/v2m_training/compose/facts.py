"""What is true of a composed piece, as plain fields: out of these come its words.

Conventions: what can be heard is measured on the notes (`sounding`, `attacks_per_beat`, `loudness`), never
taken from what was intended; what a form promises (`builds`, `ends_big`) is planned and carried out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal, NamedTuple

from v2m.codecs.arrangement import Arrangement, Part

Metre = Literal["4/4", "3/4", "6/8"]
Shape = Literal["building", "steady form", "contrasts"]
Solo = Literal["piano", "acoustic guitar", "electric guitar", "strings", "harp"]

BEATS_PER_BAR: Final[Mapping[Metre, int]] = {"4/4": 4, "3/4": 3, "6/8": 2}
"""A bar of 6/8 is two beats of three eighths each: the beat is what a foot taps, and what cuts land on."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A piece in facts."""

    style: str
    """Empty where it is not known, as of a user's music."""

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


_SHORT_BEATS, _LONG_BEATS = 0.3, 1.0
"""Notes shorter than this are staccato, this long or longer legato."""


class Touch(NamedTuple):
    """What of the facts is measured on the notes."""

    attacks_per_beat: float
    loudness: float
    staccato: float
    legato: float


def touch_of(music: Arrangement, marked: Collection[float] = ()) -> Touch:
    """How densely, loudly and how short or long music is played.

    Args:
        music: any arrangement with notes.
        marked: the beats of its events, which say nothing of how loud it usually is.
    """
    steady = [note.velocity for note in music.notes if note.start_beat not in marked]
    lengths = [note.duration_beats for note in music.notes if note.part not in ("drums", "bass")]
    return Touch(
        attacks_per_beat=len(music.notes) / music.beat_count,
        loudness=median(steady) if steady else 0.0,
        staccato=sum(length < _SHORT_BEATS for length in lengths) / max(1, len(lengths)),
        legato=sum(length >= _LONG_BEATS for length in lengths) / max(1, len(lengths)),
    )
