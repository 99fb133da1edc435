"""The orchestra of a piece: which parts it has at all, who plays them, and in which register.

Conventions: programs are General MIDI from 0, out of `v2m.codecs.programs`; registers are MIDI pitches that
a line lies around, as treatises on orchestration give them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from v2m.codecs.arrangement import Part
from v2m_training.compose.facts import Metre, Solo
from v2m_training.compose.styles import Style

_SOLO_SHARE: Final = 0.08
_DRUMLESS_SHARE: Final = 0.12
"""Of pieces in any style, so that "no drums" is learned everywhere."""

_SOLOS: Final[Mapping[Solo, tuple[int, Mapping[Part, tuple[int, ...]]]]] = {
    # how often, and who plays what
    "piano": (4, {"bass": (0,), "harmony": (0, 0, 1), "lead": (0,), "extras": (0,)}),
    "acoustic guitar": (3, {"harmony": (24, 25), "lead": (24,), "extras": (24, 25)}),
    "electric guitar": (1, {"harmony": (26, 27), "lead": (26, 27), "extras": (26, 28)}),
    "strings": (3, {"bass": (42, 48), "harmony": (48, 49, 44), "lead": (40, 41, 42), "extras": (42, 48, 40)}),
    "harp": (1, {"bass": (46,), "harmony": (46,), "lead": (46,), "extras": (46,)}),
}

_SOLO_COMPS: Final[Mapping[Metre, tuple[str, str]]] = {
    # plucked and struck instruments, and strings
    "4/4": (
        "piano arpeggio, alberti, broken eighths, rolling piano, fingerpicking, quarter chords",
        "ostinato, quarter chords, swells, pad, eighths, march chords",
    ),
    "3/4": ("arpeggio in three, waltz, broken in three", "waltz, quarters in three, ostinato in three"),
    "6/8": ("arpeggio in six, lilt in six", "strum in six, sway in six, ostinato in six"),
}

_SUSTAINED: Final = frozenset((*range(16, 24), *range(40, 45), *range(48, 80), *range(88, 96)))
"""Bowed, blown and held: strings, organs, choirs, brass, woodwind, pads."""

_PEDALLED: Final = frozenset((0, 1, 2, 4, 5, 11, 46))
"""Pianos, vibraphone and, for its strings ring until they are touched, the harp."""

_LEAD_REGISTERS: Final[tuple[tuple[range, float], ...]] = (
    (range(8, 11), 79.0),  # celesta, glockenspiel, music box
    (range(11, 16), 72.0),  # mallets
    (range(24, 32), 66.0),  # guitars
    (range(40, 41), 74.0),  # violin
    (range(41, 42), 66.0),  # viola
    (range(42, 43), 58.0),  # cello
    (range(56, 57), 69.0),  # trumpet
    (range(57, 59), 58.0),  # trombone, tuba
    (range(60, 61), 62.0),  # French horn
    (range(64, 66), 70.0),  # soprano and alto saxophone
    (range(66, 68), 63.0),
    (range(68, 72), 70.0),  # oboe, clarinet
    (range(72, 80), 77.0),  # flutes
)
_LEAD_REGISTER: Final = 72.0
_EXTRAS_REGISTERS: Final[tuple[tuple[range, float], ...]] = (
    (range(8, 11), 79.0),
    (range(24, 32), 66.0),
    (range(42, 43), 60.0),
    (range(56, 62), 64.0),
    (range(73, 74), 76.0),
    (range(98, 100), 76.0),
)
_EXTRAS_REGISTER: Final = 70.0


@dataclass(frozen=True)
class Orchestra:
    """Who plays."""

    programs: Mapping[Part, int]
    """By part; a part that is not here has no player."""

    solo: Solo | None = None

    @property
    def layers(self) -> frozenset[Part]:
        """The parts that the piece has at all."""
        return frozenset(self.programs)

    @property
    def harmony_sustains(self) -> bool:
        """Whether the chords' instrument holds its tones."""
        return self.programs.get("harmony", 0) in _SUSTAINED

    @property
    def harmony_has_pedal(self) -> bool:
        """Whether the chords' instrument rings on while a pedal is down."""
        return self.programs.get("harmony") in _PEDALLED

    @property
    def lead_register(self) -> float:
        """Where tunes lie."""
        return _register(_LEAD_REGISTERS, self.programs.get("lead", 0), _LEAD_REGISTER)

    @property
    def extras_register(self) -> float:
        """Where the other line lies."""
        return _register(_EXTRAS_REGISTERS, self.programs.get("extras", 0), _EXTRAS_REGISTER)

    def solo_comps(self, metre: Metre) -> str:
        """The chords of one who plays alone."""
        return _SOLO_COMPS[metre][self.solo == "strings"]


def choose_orchestra(rng: random.Random, style: Style) -> Orchestra:
    """Players for a piece: those of the style, now and then without drums, or one alone."""
    if style.solo or rng.random() < _SOLO_SHARE:
        solo = style.solo or rng.choices(list(_SOLOS), [weight for weight, _ in _SOLOS.values()])[0]
        choices = dict(_SOLOS[solo][1])
        layers = _layers(rng, style) | {"harmony"}
    else:
        solo, choices = None, style.programs
        layers = _layers(rng, style)
        if rng.random() < _DRUMLESS_SHARE:
            layers = layers - {"drums"} | {"harmony"}
    programs = {part: rng.choice(choices[part]) for part in sorted(layers) if part in choices}
    return Orchestra(programs, solo)


def _layers(rng: random.Random, style: Style) -> frozenset[Part]:
    """The parts of a piece; chords go without only where drums and bass carry it."""
    layered: tuple[Part, ...] = ("drums", "bass", "lead", "extras")
    layers: set[Part] = {
        part for part, share in zip(layered, style.presence, strict=True) if rng.random() < share
    }
    if not ({"drums", "bass"} <= layers and rng.random() < 0.06):
        layers.add("harmony")
    return frozenset(layers)


def _register(table: tuple[tuple[range, float], ...], program: int, otherwise: float) -> float:
    return next((register for programs, register in table if program in programs), otherwise)
