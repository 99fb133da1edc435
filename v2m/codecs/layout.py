"""The channels of the score latents: which number says what, and which pitches each part can hold.

One latent frame is a sixteenth. Nearly all values lie in [-1, 1.5]. Five groups hold a part each, with its
instrument, so that a mask over a group keeps or renews a part whole; `global` holds what belongs to none.

    drums     12 strikes (-1 silent, else a velocity) and the timing of each; 7 second strikes and their
              timing; loudness, 3 kit signs
    bass      12 pitch classes, 3 octave steps, attack, hold, timing, loudness, 5 program signs
    harmony   36 pitches (-1 silent, HELD held, 1 struck), attack; velocity and timing of the struck pitches,
              lowest first; release; pedal, loudness, 5 program signs
    lead      12 pitch classes, 4 octave steps, attack, hold, timing, doubled, pedal, loudness, 5 program
              signs
    extras    as lead
    global    dynamics, cosine and sine of the place in the bar

Conventions: pitches are relative to the tonic taken in -5..6 (`signed_tonic`), so a piece and its
transposition have the same latents. Octaves are thermometer-coded (step k is +1 where the octave is above
k, else -1): each sign stands 6 sigma clear of noise of 0.15, and neighbouring octaves have near codes. What
would be heard if it slipped is a sign or a gap of 1.2 (strikes, pitches, pedal, programs); what is not is
analog (velocity, timing, release, loudness). Each channel has a name and the value that says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from v2m.codecs.arrangement import DRUM_VOICES, Part
from v2m.codecs.programs import PROGRAM_BITS

Group = Literal["drums", "bass", "harmony", "lead", "extras", "global"]
GROUPS: Final[tuple[Group, ...]] = ("drums", "bass", "harmony", "lead", "extras", "global")

LAYOUT_VERSION: Final = 2
"""Counts up when a channel changes its meaning; a corpus of another version is not mixed in."""

SOFTEST: Final = 0.2
"""Code of a strike of velocity 0, -1 being silence: a gap of 8 sigma of noise of 0.15."""

LOUDEST: Final = 1.5
"""Code of velocity 127: noise of 0.05 is 5 steps of velocity, and an accent stands out of it."""

WHOLE: Final = 1.0
"""Code of a whole sixteenth in the frame where a line's note ends; `SOFTEST` is none of it."""

STRIKE_THRESHOLD: Final = (SOFTEST - 1) / 2
"""Midway between silence and the softest strike."""

HELD: Final = 0.1
"""Code of a harmony pitch that sounds on without being struck, between silence (-1) and a strike (1)."""

TIMING_STEPS: Final = 1 / 3
"""Sixteenths that an attack lies off its own at timing 1: where triplets and full swing lie. Noise of 0.05
is then 2 ms at 120 BPM."""

SECOND_PITCH: Final = 0.3
"""Code of the lower pitch class of a doubled line, between silence (-1) and the line itself (1)."""

ROLL_LOW: Final = 43
"""Lowest harmony pitch over a tonic of 0."""

ROLL_SIZE: Final = 36
"""Three octaves, G 2 to F sharp 5 in C: close chords and the strings above them."""

RANKS: Final = 5
"""Struck pitches of a chord that have a velocity and a timing of their own; from the fifth up they share."""

RANK_VELOCITY: Final = 32.0
"""Velocity steps that a struck pitch differs from its chord by at code 1: noise of 0.05 is 1.6 of them."""

LOUDNESS_DB: Final = 20.0
"""Level of a part at loudness 1; noise of 0.05 is 1 dB, the least that is heard."""

LOUDNESS_RANGE_DB: Final = (-30.0, 10.0)
"""Softer is silence under the other parts, louder would be another velocity."""

SECOND_VOICES: Final = ("kick", "snare", "closed hat", "low tom", "high tom", "shaker", "big drum")
"""Voices that may strike twice in a sixteenth: rolls, flams, hats in thirty-seconds."""

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
    doubled: int | None
    """Sign: a second pitch sounds below, within the octave; None where the part never has one."""

    pedal: int | None
    loudness: int
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
    velocities: slice
    """By rank among the struck pitches: what each differs by from the attack, over `RANK_VELOCITY`."""

    timings: slice
    """By the same rank."""

    release: int
    """Sixteenths from the end of this frame to where the notes that it is the last of really end."""

    pedal: int
    loudness: int
    program: slice


@dataclass(frozen=True)
class DrumLayout:
    """Channels of the drums; voices in the order of `DRUM_VOICES`."""

    voices: slice
    timings: slice
    seconds: slice
    """In the order of `SECOND_VOICES`: the strike of the sixteenth that lies farther from its beginning."""

    second_timing: int
    loudness: int
    program: slice


class _Ruler:
    """Gives out channels one after the other."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.neutral: list[float] = []

    def one(self, name: str, neutral: float) -> int:
        self.names.append(name)
        self.neutral.append(neutral)
        return len(self.names) - 1

    def many(self, name: str, labels: Iterable[object], neutral: float) -> slice:
        first = len(self.names)
        for label in labels:
            self.one(f"{name}.{label}", neutral)
        return slice(first, len(self.names))

    def program(self, part: Part) -> slice:
        return self.many(f"{part}.program", range(PROGRAM_BITS[part]), 0.0)


def _drums(ruler: _Ruler) -> DrumLayout:
    return DrumLayout(
        voices=ruler.many("drums.strike", DRUM_VOICES, -1.0),
        timings=ruler.many("drums.timing", DRUM_VOICES, 0.0),
        seconds=ruler.many("drums.second", SECOND_VOICES, -1.0),
        second_timing=ruler.one("drums.second timing", 0.0),
        loudness=ruler.one("drums.loudness", 0.0),
        program=ruler.program("drums"),
    )


def _line(ruler: _Ruler, part: Part) -> LineLayout:
    first, last = _OCTAVES[part]
    melodic = part != "bass"
    return LineLayout(
        pitch_classes=ruler.many(f"{part}.pitch class", range(12), -1.0),
        octaves=ruler.many(f"{part}.octave", range(last - first), -1.0),
        attack=ruler.one(f"{part}.attack", -1.0),
        hold=ruler.one(f"{part}.hold", -1.0),
        timing=ruler.one(f"{part}.timing", 0.0),
        doubled=ruler.one(f"{part}.doubled", -1.0) if melodic else None,
        pedal=ruler.one(f"{part}.pedal", -1.0) if melodic else None,
        loudness=ruler.one(f"{part}.loudness", 0.0),
        program=ruler.program(part),
        first_octave=first,
    )


def _harmony(ruler: _Ruler) -> HarmonyLayout:
    return HarmonyLayout(
        roll=ruler.many("harmony.roll", range(ROLL_LOW, ROLL_LOW + ROLL_SIZE), -1.0),
        attack=ruler.one("harmony.attack", -1.0),
        velocities=ruler.many("harmony.velocity", range(RANKS), 0.0),
        timings=ruler.many("harmony.timing", range(RANKS), 0.0),
        release=ruler.one("harmony.release", 0.0),
        pedal=ruler.one("harmony.pedal", -1.0),
        loudness=ruler.one("harmony.loudness", 0.0),
        program=ruler.program("harmony"),
    )


_ruler = _Ruler()
DRUMS: Final = _drums(_ruler)
BASS: Final = _line(_ruler, "bass")
HARMONY: Final = _harmony(_ruler)
LEAD: Final = _line(_ruler, "lead")
EXTRAS: Final = _line(_ruler, "extras")
DYNAMICS: Final = _ruler.one("global.dynamics", 0.0)
BAR_COSINE: Final = _ruler.one("global.bar cosine", 0.0)
BAR_SINE: Final = _ruler.one("global.bar sine", 0.0)

CHANNEL_NAMES: Final[tuple[str, ...]] = tuple(_ruler.names)
"""(c,) what a checkpoint or a corpus says that it was made for."""

NEUTRAL: Final[tuple[float, ...]] = tuple(_ruler.neutral)
"""(c,) what each channel holds where there is nothing to say."""

CHANNEL_COUNT: Final = len(CHANNEL_NAMES)
LINES: Final[Mapping[Part, LineLayout]] = {"bass": BASS, "lead": LEAD, "extras": EXTRAS}
PROGRAM_CHANNELS: Final[Mapping[Part, slice]] = {
    "drums": DRUMS.program,
    "bass": BASS.program,
    "harmony": HARMONY.program,
    "lead": LEAD.program,
    "extras": EXTRAS.program,
}
LOUDNESS_CHANNELS: Final[Mapping[Part, int]] = {
    "drums": DRUMS.loudness,
    "bass": BASS.loudness,
    "harmony": HARMONY.loudness,
    "lead": LEAD.loudness,
    "extras": EXTRAS.loudness,
}
PEDAL_CHANNELS: Final[Mapping[Part, int]] = {
    "harmony": HARMONY.pedal,
    **{part: line.pedal for part, line in LINES.items() if line.pedal is not None},
}
"""The bass has no pedal: it would blur the root of one chord into the next."""


def _group_slice(group: Group) -> slice:
    members = [i for i, name in enumerate(CHANNEL_NAMES) if name.startswith(f"{group}.")]
    return slice(members[0], members[-1] + 1)


group_slices: Final[Mapping[Group, slice]] = {group: _group_slice(group) for group in GROUPS}
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
