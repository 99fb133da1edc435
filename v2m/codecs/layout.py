"""The channels of the score latents: which number says what, and which pitches each part can hold.

One latent frame is a sixteenth. All channels lie roughly in [-1, 1]. Five groups hold a part each, with its
instrument, so that a mask over a group keeps or renews a part whole; `global` holds what belongs to none.

    drums     12 voices: -1 silent, else a strike; timing; 3 kit signs
    bass      12 pitch classes, 3 octave steps, attack, hold, timing, 5 program signs
    harmony   29 pitches: -1 silent, HELD held, 1 struck; attack, timing, 5 program signs
    lead      12 pitch classes, 4 octave steps, attack, hold, timing, 5 program signs
    extras    as lead
    global    dynamics, cosine and sine of the place in the bar

Conventions: pitches are relative to the tonic taken in -5..6 (`signed_tonic`), so a piece and its
transposition have the same latents. Octaves are thermometer-coded (step k is +1 where the octave is above
k, else -1): each sign stands 6 sigma clear of noise of 0.15, and neighbouring octaves have near codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from v2m.codecs.arrangement import DRUM_VOICES, Part
from v2m.codecs.programs import PROGRAM_BITS

Group = Literal["drums", "bass", "harmony", "lead", "extras", "global"]
GROUPS: Final[tuple[Group, ...]] = ("drums", "bass", "harmony", "lead", "extras", "global")

SOFTEST: Final = 0.2
"""Code of a strike of velocity 0; 1 is velocity 127, -1 silence: a gap of 8 sigma of noise of 0.15."""

STRIKE_THRESHOLD: Final = (SOFTEST - 1) / 2
"""Midway between silence and the softest strike."""

HELD: Final = 0.1
"""Code of a harmony pitch that sounds on without being struck, between silence (-1) and a strike (1)."""

ROLL_LOW: Final = 46
"""Lowest harmony pitch over a tonic of 0; 29 of them are B flat 2 to D 5 in C, where close chords lie."""

ROLL_SIZE: Final = 29

_OCTAVES: Final[Mapping[Part, tuple[int, int]]] = {"bass": (1, 4), "lead": (3, 7), "extras": (3, 7)}
"""First and last octave of each line; octave 0 begins at the signed tonic. Bass from E 1, flutes to E 6."""


@dataclass(frozen=True)
class LineLayout:
    """Channels of a part that sounds one note at a time."""

    pitch_classes: slice
    octaves: slice
    attack: int
    hold: int
    timing: int
    program: slice
    first_octave: int

    @property
    def octave_count(self) -> int:
        """How many octaves the part spans."""
        return int(self.octaves.stop - self.octaves.start) + 1


@dataclass(frozen=True)
class HarmonyLayout:
    """Channels of the chords."""

    roll: slice
    attack: int
    timing: int
    program: slice


@dataclass(frozen=True)
class DrumLayout:
    """Channels of the drums; voices in the order of `DRUM_VOICES`."""

    voices: slice
    timing: int
    program: slice


def _line(start: int, part: Part) -> LineLayout:
    first, last = _OCTAVES[part]
    attack = start + 12 + last - first
    return LineLayout(
        pitch_classes=slice(start, start + 12),
        octaves=slice(start + 12, attack),
        attack=attack,
        hold=attack + 1,
        timing=attack + 2,
        program=slice(attack + 3, attack + 3 + PROGRAM_BITS[part]),
        first_octave=first,
    )


def _harmony(start: int) -> HarmonyLayout:
    attack = start + ROLL_SIZE
    program = slice(attack + 2, attack + 2 + PROGRAM_BITS["harmony"])
    return HarmonyLayout(slice(start, attack), attack, attack + 1, program)


def _drums(start: int) -> DrumLayout:
    timing = start + len(DRUM_VOICES)
    return DrumLayout(slice(start, timing), timing, slice(timing + 1, timing + 1 + PROGRAM_BITS["drums"]))


DRUMS: Final = _drums(0)
BASS: Final = _line(DRUMS.program.stop, "bass")
HARMONY: Final = _harmony(BASS.program.stop)
LEAD: Final = _line(HARMONY.program.stop, "lead")
EXTRAS: Final = _line(LEAD.program.stop, "extras")
LINES: Final[Mapping[Part, LineLayout]] = {"bass": BASS, "lead": LEAD, "extras": EXTRAS}
PROGRAM_CHANNELS: Final[Mapping[Part, slice]] = {
    "drums": DRUMS.program,
    "bass": BASS.program,
    "harmony": HARMONY.program,
    "lead": LEAD.program,
    "extras": EXTRAS.program,
}

DYNAMICS: Final = EXTRAS.program.stop
BAR_COSINE: Final = DYNAMICS + 1
BAR_SINE: Final = DYNAMICS + 2
CHANNEL_COUNT: Final = DYNAMICS + 3

_ENDS = (
    0, DRUMS.program.stop, BASS.program.stop, HARMONY.program.stop, LEAD.program.stop, EXTRAS.program.stop,
    CHANNEL_COUNT,
)  # fmt: skip

group_slices: Final[Mapping[Group, slice]] = {
    group: slice(_ENDS[i], _ENDS[i + 1]) for i, group in enumerate(GROUPS)
}
"""The channels of each group, for masks over parts."""


def signed_tonic(tonic: int) -> int:
    """The pitch class 0-11 as -5..6 semitones around C, so that no key sits an octave above its neighbour."""
    return tonic - 12 if tonic > 6 else tonic


def pitch_range(part: Part, tonic: int) -> range:
    """The MIDI pitches that a pitched part can hold in a key; others are folded into it by octaves."""
    origin = signed_tonic(tonic)
    if part == "harmony":
        return range(ROLL_LOW + origin, ROLL_LOW + origin + ROLL_SIZE)
    first, last = _OCTAVES[part]
    return range(12 * first + origin, 12 * (last + 1) + origin)


def fold_pitch(part: Part, tonic: int, pitch: int) -> int:
    """The pitch, moved by whole octaves into the part's range."""
    allowed = pitch_range(part, tonic)
    if pitch < allowed.start:
        return pitch + 12 * -((pitch - allowed.start) // 12)
    if pitch >= allowed.stop:
        return pitch - 12 * ((pitch - allowed.stop) // 12 + 1)
    return pitch
