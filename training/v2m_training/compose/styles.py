"""What is idiomatic in each style: tempo, modes, chords, grooves, figures and instruments.

Conventions: tempo in beats a minute; programs are General MIDI from 0, out of `v2m.codecs.programs`; names
of grooves, basses, comps and figures are keys of the tables in the module of each. Weights are written by
naming a thing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from v2m.codecs.arrangement import Part
from v2m_training.compose.facts import Metre, Solo


@dataclass(frozen=True, kw_only=True)
class Style:
    """The habits of a style."""

    bpm: tuple[float, float]
    modes: str
    chords: str
    """A kind in `progressions`."""

    chord_bars: tuple[float, ...]
    """Bars that a chord lasts."""

    grooves: str = ""
    """In 4/4, separated by commas; empty for a style without drums."""

    grooves_in_three: str = "rock in three, lazy three, waltz"

    grooves_in_six: str = "six, slow six"
    three: float = 0.0
    """How likely a piece is in 3/4."""

    six: float = 0.05
    """How likely it is in 6/8."""

    free: bool = False
    """Whether sections may do without a pulse."""

    solo: Solo | None = None
    """The one who plays everything."""

    kits: tuple[int, ...] = (0,)
    orchestral_drums: bool = False
    """Fills on toms and big drum, no hats."""

    swing: float = 0.5
    """Where the middle of a swung unit falls; 0.62 is the ratio 1.6 measured in jazz at middling tempo."""

    swing_steps: int = 2
    """4 swings eighths, 2 sixteenths."""

    basses: str
    basses_in_three: str = "waltz roots, waltz quarters, one a bar"
    basses_in_six: str = "roots in six, lilt in six, sway in six, pulse in six"
    comps: str
    comps_in_three: str = "pad in three, arpeggio in three, waltz"
    comps_in_six: str = "arpeggio in six, strum in six, sway in six, long in six"
    figures: str
    figures_in_three: str = "arp in three, counter, bells in three, echo"
    figures_in_six: str = "arp in six, counter, bells in six, echo"
    pace: str
    """Rhythms of the lead: a key of `melody.RHYTHMS`."""

    harmony: tuple[int, ...]
    bass: tuple[int, ...]
    lead: tuple[int, ...]
    extras: tuple[int, ...]
    presence: tuple[float, float, float, float] = (0.9, 0.9, 0.67, 0.6)
    """How likely a piece has drums, bass, lead and extras. One piece in three has no lead."""

    moods: str
    energy: tuple[float, float] = (0.0, 1.0)
    """What the intensities of a form are scaled to."""

    @property
    def programs(self) -> dict[Part, tuple[int, ...]]:
        """The instruments that a part may have."""
        return {
            "drums": self.kits,
            "bass": self.bass,
            "harmony": self.harmony,
            "lead": self.lead,
            "extras": self.extras,
        }

    def in_metre(self, metre: Metre) -> tuple[str, str, str, str]:
        """The names of grooves, basses, comps and figures for a metre."""
        if metre == "4/4":
            return self.grooves, self.basses, self.comps, self.figures
        if metre == "3/4":
            return self.grooves_in_three, self.basses_in_three, self.comps_in_three, self.figures_in_three
        return self.grooves_in_six, self.basses_in_six, self.comps_in_six, self.figures_in_six


STYLES: Final[Mapping[str, Style]] = {
    "lo-fi": Style(
        three=0.15, bpm=(68, 92), modes="major, minor, dorian", chords="soul", chord_bars=(1, 1, 2),
        grooves="lazy, boom bap, golden era", grooves_in_three="lazy three", kits=(0, 8, 25), swing=0.58,
        basses="boom bap, roots, syncopated, bounce",
        comps="long chords, late chords, lo-fi keys, lo-fi keys, comp",
        figures="bells, counter, slow arp, echo, bell pattern", pace="relaxed",
        harmony=(4, 4, 5, 0, 26, 11), bass=(33, 32, 35, 38), lead=(11, 73, 26, 4, 65, 12),
        extras=(11, 10, 4, 26, 8, 73, 88), moods="nostalgic, calm, dreamy, romantic, sad",
        energy=(0.1, 0.65),
    ),
    "cinematic": Style(
        three=0.25, bpm=(66, 116), modes="minor, minor, major, dorian, lydian", chords="film",
        chord_bars=(1, 2, 0.5), grooves="pulse, war drums, march, taiko, timpani pulse",
        grooves_in_three="pulse three, drums in three", kits=(48, 48, 0), orchestral_drums=True,
        basses="roots, halves, pulsing eighths, quarters, marcato",
        comps="pad, ostinato, swells, piano arpeggio, spiccato, broken eighths",
        comps_in_three="pad in three, arpeggio in three, ostinato in three",
        figures="ostinato, counter, running, slow arp, driving ostinato, octave ostinato, echo",
        pace="broad", harmony=(48, 49, 0, 48, 44), bass=(43, 42, 48, 44),
        lead=(60, 40, 73, 68, 42, 52, 71, 68), extras=(45, 46, 40, 8, 60, 14, 0),
        presence=(0.7, 0.9, 0.65, 0.7), moods="epic, tense, hopeful, dark, mysterious, romantic, sad",
        energy=(0.1, 1.0), six=0.12, grooves_in_six="drums in six, march in six",
        comps_in_six="ostinato in six, arpeggio in six, sway in six",
        figures_in_six="ostinato in six, arp in six, counter",
        figures_in_three="ostinato in three, arp in three, counter, echo",
    ),
    "trailer": Style(
        three=0.12, bpm=(84, 140), modes="minor, minor, phrygian, dorian", chords="film",
        chord_bars=(1, 2, 0.5), grooves="war drums, pulse, taiko, tom groove, half time",
        grooves_in_three="pulse three, drums in three", kits=(48, 16, 48), orchestral_drums=True,
        basses="pulsing eighths, gallop, roots", comps="ostinato, pad, eighths, swells, spiccato",
        comps_in_three="pad in three, ostinato in three",
        figures="ostinato, running, counter, driving ostinato, fanfare, octave ostinato", pace="broad",
        harmony=(48, 61, 49, 62, 52), bass=(38, 43, 58, 39, 47), lead=(60, 56, 52, 40, 60, 30),
        extras=(48, 44, 61, 60, 14, 45), presence=(0.95, 0.95, 0.6, 0.75),
        moods="epic, tense, dark, aggressive, hopeful", energy=(0.3, 1.0), six=0.08,
        grooves_in_six="drums in six", comps_in_six="ostinato in six, sway in six",
        figures_in_six="ostinato in six, arp in six", figures_in_three="ostinato in three, counter",
    ),
    "ambient": Style(
        three=0.2, bpm=(60, 92), modes="major, lydian, dorian, minor, mixolydian", chords="still",
        chord_bars=(2, 2, 4), grooves="tick, half time, bongo pulse", grooves_in_three="pulse three",
        kits=(25, 24, 8), basses="drone, one a bar", basses_in_three="drone, one a bar",
        comps="pad, pad, swells, broken", comps_in_three="pad in three, arpeggio in three",
        figures="bells, slow arp, counter, bell pattern, echo", pace="sparse",
        harmony=(88, 89, 95, 90, 50, 48, 52), bass=(39, 38, 42, 48), lead=(73, 79, 52, 11, 46, 53),
        extras=(98, 99, 14, 11, 46, 8, 88), presence=(0.25, 0.7, 0.5, 0.75),
        moods="calm, dreamy, mysterious, hopeful, bright", energy=(0.05, 0.6), free=True,
        comps_in_six="long in six, arpeggio in six", basses_in_six="drone, roots in six",
    ),
    "house": Style(
        bpm=(116, 128), modes="minor, dorian, major, mixolydian", chords="soul", chord_bars=(1, 1, 2),
        grooves="house, disco, house, garage", kits=(25, 24, 8),
        basses="offbeat, syncopated, disco octaves",
        comps="stabs, house piano, pad, off beats, clave chords, push",
        figures="arp, pluck, bells, pluck two bars, echo", pace="hooky", harmony=(0, 4, 90, 50, 62, 16),
        bass=(38, 39, 33, 87), lead=(80, 81, 53, 65, 11), extras=(80, 81, 98, 11, 88),
        moods="happy, bright, hopeful, dreamy, playful", energy=(0.35, 1.0), six=0.0,
    ),
    "techno": Style(
        bpm=(124, 140), modes="minor, phrygian, minor, dorian", chords="one", chord_bars=(2, 4, 1),
        grooves="techno, industrial", kits=(25, 24, 25), basses="rolling, pulsing sixteenths, offbeat",
        comps="stabs, off beats, pad, dotted stabs",
        figures="arp, pluck, pulse, octave ostinato, driving ostinato", pace="hooky",
        harmony=(90, 62, 50, 51, 89), bass=(38, 39, 87, 81), lead=(81, 80, 82), extras=(81, 80, 98, 99, 88),
        presence=(0.97, 0.95, 0.4, 0.8), moods="dark, aggressive, tense, mysterious", energy=(0.35, 1.0),
        six=0.0,
    ),
    "drum and bass": Style(
        bpm=(164, 176), modes="minor, dorian, minor, major", chords="pop", chord_bars=(2, 4, 2),
        grooves="two step, amen, breakbeat", kits=(0, 25, 16), basses="sub, syncopated, halves",
        comps="pad, swells, stabs, late chords", figures="arp, bells, counter, pluck, pluck two bars, echo",
        pace="hooky", harmony=(89, 50, 88, 4, 90), bass=(38, 39, 87), lead=(81, 80, 53, 73),
        extras=(81, 98, 11, 0, 80), presence=(0.98, 0.95, 0.55, 0.65),
        moods="aggressive, dark, dreamy, hopeful, tense", energy=(0.4, 1.0), six=0.0,
    ),
    "hip-hop": Style(
        bpm=(82, 100), modes="minor, dorian, minor, major", chords="soul", chord_bars=(1, 2, 2),
        grooves="boom bap, bounce, golden era, golden era, lazy", kits=(0, 25, 8), swing=0.56,
        basses="boom bap, syncopated, bounce, sub, funk",
        comps="late chords, stabs, lo-fi keys, push, skank, quarter chords",
        figures="bells, pluck, riff two bars, counter, echo, brass hits", pace="hooky",
        harmony=(4, 0, 48, 26, 5), bass=(33, 38, 32, 35), lead=(73, 11, 56, 65, 80, 0),
        extras=(11, 48, 8, 26, 61), moods="dark, nostalgic, playful, calm, aggressive", energy=(0.35, 0.95),
        presence=(0.98, 0.97, 0.62, 0.8), six=0.02,
    ),
    "trap": Style(
        bpm=(128, 152), modes="minor, phrygian, minor", chords="pop", chord_bars=(2, 1, 2),
        grooves="trap, trap roll, trap roll, half time", kits=(25, 25, 24), basses="sub, trap sub",
        comps="broken, late chords, pad, push",
        figures="bells, pluck, slow arp, bell pattern, pluck two bars", pace="hooky",
        harmony=(89, 0, 48, 52, 11), bass=(38, 39), lead=(11, 8, 73, 80, 81, 12),
        extras=(8, 14, 11, 98, 46), moods="dark, aggressive, tense, mysterious, dreamy", energy=(0.3, 0.95),
        six=0.0,
    ),
    "rock": Style(
        three=0.08, bpm=(96, 160), modes="minor, major, mixolydian, dorian", chords="power",
        chord_bars=(1, 1, 0.5, 2), grooves="rock, drive, half time, four beat, tom groove",
        grooves_in_three="rock in three", kits=(0, 16, 8), basses="pulsing eighths, roots, rock",
        comps="chugs, eighths, ringing chords", comps_in_three="pad in three, strum in three",
        figures="riff, counter, arp, riff two bars, echo", pace="hooky", harmony=(30, 30, 27, 16),
        bass=(33, 34), lead=(30, 27, 30, 81), extras=(28, 26, 25, 61), presence=(0.97, 0.95, 0.6, 0.5),
        moods="aggressive, happy, epic, hopeful, tense", energy=(0.4, 1.0), six=0.1,
        grooves_in_six="six, shuffle in six", comps_in_six="strum in six, ostinato in six",
    ),
    "funk": Style(
        bpm=(94, 118), modes="dorian, mixolydian, minor, dorian", chords="soul", chord_bars=(1, 2, 1),
        grooves="funk, one drop funk, disco, breakbeat", kits=(0, 8, 16), swing=0.54,
        basses="funk, slap, disco octaves, motown, bounce",
        comps="scratch, stabs, house piano, push, clave chords",
        figures="riff, pluck, brass hits, riff two bars, fanfare", pace="hooky", harmony=(27, 4, 7, 16, 5),
        bass=(36, 33, 37, 38), lead=(65, 56, 64, 81, 27), extras=(61, 61, 28, 4, 80),
        presence=(0.97, 0.97, 0.6, 0.65), moods="happy, playful, bright, aggressive", energy=(0.4, 1.0),
        six=0.0,
    ),
    "jazz": Style(
        three=0.2, bpm=(84, 168), modes="major, minor, dorian, mixolydian, major", chords="jazz",
        chord_bars=(1, 1, 0.5), grooves="ride swing, ride swing, brushes", grooves_in_three="jazz waltz",
        kits=(32, 40, 0), swing=0.62, swing_steps=4, basses="walk, walk, two feel",
        basses_in_three="walk, one a bar", comps="charleston, late chords, comp, montuno, quarter chords",
        comps_in_three="waltz, comp in three", figures="counter, riff, echo, echo", pace="swinging",
        harmony=(0, 4, 26, 0, 11), bass=(32, 32, 35), lead=(65, 56, 11, 71, 26, 64),
        extras=(61, 71, 73, 11), presence=(0.85, 0.95, 0.67, 0.3),
        moods="playful, romantic, happy, calm, nostalgic", energy=(0.2, 0.85), six=0.03,
    ),
    "folk": Style(
        three=0.25, bpm=(76, 132), modes="major, mixolydian, dorian, minor", chords="pop",
        chord_bars=(1, 1, 2), grooves="brushes, train, bossa", grooves_in_three="waltz", kits=(40, 0, 8),
        basses="two feel, roots, halves", basses_in_three="waltz roots, one a bar",
        comps="fingerpicking, strum, travis, boom chick, strum", comps_in_three="waltz, strum in three",
        figures="counter, slow arp, riff, echo, arp up", pace="singing", harmony=(24, 25, 25, 0),
        bass=(32, 33, 32), lead=(40, 73, 24, 75, 71), extras=(42, 73, 25, 8, 12),
        presence=(0.5, 0.8, 0.67, 0.5), moods="happy, nostalgic, hopeful, calm, bright, romantic",
        energy=(0.15, 0.75), six=0.22, grooves_in_six="folk in six, shuffle in six, six",
        comps_in_six="strum in six, arpeggio in six, lilt in six",
    ),
    "synthwave": Style(
        bpm=(84, 118), modes="minor, dorian, major, minor", chords="pop", chord_bars=(1, 2, 1),
        grooves="synth, synth, half time", kits=(24, 25, 16),
        basses="pulsing eighths, gallop, disco octaves", comps="pad, stabs, eighths, push, quarter chords",
        figures="arp, running, pluck, arp up, octave ostinato, echo", pace="singing",
        harmony=(50, 51, 90, 62, 89), bass=(38, 39, 87, 81), lead=(81, 80, 82, 27),
        extras=(81, 80, 98, 88, 99), presence=(0.92, 0.95, 0.65, 0.8),
        moods="nostalgic, dreamy, dark, hopeful, bright", energy=(0.3, 0.95), six=0.02,
    ),
    "piano solo": Style(
        three=0.3, bpm=(60, 112), modes="minor, major, major, lydian, dorian", chords="film",
        chord_bars=(1, 1, 2, 0.5), basses="left hand, roots, halves",
        comps="piano arpeggio, alberti, broken, long chords", comps_in_three="arpeggio in three, waltz",
        figures="slow arp, bells", pace="singing", harmony=(0,), bass=(0,), lead=(0,), extras=(0,),
        presence=(0.0, 0.9, 0.82, 0.15), moods="sad, romantic, nostalgic, calm, hopeful, dreamy",
        energy=(0.1, 0.75), six=0.15, solo="piano", comps_in_six="arpeggio in six, lilt in six",
    ),
    "orchestral": Style(
        three=0.3, bpm=(70, 140), modes="major, minor, lydian, dorian", chords="film",
        chord_bars=(1, 0.5, 1, 2), grooves="march, pulse, timpani pulse, snare march",
        grooves_in_three="pulse three, drums in three", kits=(48,), orchestral_drums=True,
        basses="roots, halves, quarters, marcato, two feel",
        comps="march chords, ostinato, swells, off beats, spiccato, quarter chords, pad",
        comps_in_three="waltz, quarters in three, ostinato in three",
        figures="running, counter, ostinato, fanfare, swirl, echo, octave ostinato", pace="singing",
        harmony=(48, 48, 44, 45, 61), bass=(43, 43, 42, 45, 47), lead=(40, 68, 71, 73, 56, 60, 42),
        extras=(60, 71, 73, 45, 46, 40, 9), presence=(0.65, 0.95, 0.8, 0.9),
        moods="epic, bright, playful, romantic, hopeful, tense", energy=(0.2, 1.0), six=0.15,
        grooves_in_six="march in six, drums in six",
        comps_in_six="strum in six, ostinato in six, sway in six",
        figures_in_three="ostinato in three, arp in three, counter, echo",
    ),
}  # fmt: skip

STYLE_NAMES: Final = tuple(STYLES)


def names(listed: str) -> tuple[str, ...]:
    """The names in a list separated by commas."""
    return tuple(name.strip() for name in listed.split(",") if name.strip())
