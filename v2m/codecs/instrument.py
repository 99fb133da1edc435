"""The sound of single notes, as a SoundFont plays them.

Each note is rendered by itself, from its attack to the end of its ring, and mixed by addition. So a note's
sound depends on nothing around it: stretches of a piece that did not change sound the same to the last bit,
attacks stand on their sample, nothing hangs, and repeated notes are rendered once.

Conventions: 48 kHz, (s, 2) float32; lengths in samples.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import Part
from v2m.codecs.desk import CALIBRATION_PITCHES, CALIBRATION_VELOCITY, MAX_CALIBRATION, Desk
from v2m.codecs.player import DRUM_BANK, SILENCE, Player
from v2m.codecs.programs import DEFAULT_PROGRAMS
from v2m.codecs.soundfont import SoundFont
from v2m.errors import MissingPartError
from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

_LENGTH_GRID = 480
"""Releases fall on a grid of 10 ms, which no ear notices and which lets repeated notes share a rendering."""

_LENGTH_STEPS = 32
"""A longer note doubles the grid until it spans less than twice as many steps: 1.6 % off at most."""

_VELOCITY_LAYER = 16
"""Where a font shapes a sound by velocity, notes within such a span share a rendering."""

_VELOCITY_EXPONENT = 1.6
"""Loudness over velocity: the player is linear, keyboards are nearer to a square."""

_CACHE_BYTES = 96 * 2**20

_MOST_PLAYERS = 64
"""Opened at a time; of a compressed font each holds a few decoded samples, about 2 MB."""

_NoteKey = tuple[int, int, int, int, int]
"""Bank, program, key, velocity, length held."""


class Orchestra:
    """All parts' instruments from one SoundFont, balanced by a desk."""

    def __init__(self, soundfont: SoundFont, desk: Desk) -> None:
        self._soundfont = soundfont
        self._desk = desk
        self._players: OrderedDict[tuple[int, ...], Player] = OrderedDict()
        self._notes: OrderedDict[_NoteKey, Samples] = OrderedDict()
        self._bytes = 0
        self._gain = cache(self._calibrated_gain)
        self._preset = cache(self._nearest_preset)

    def note(
        self, part: Part, program: int, pitch: int, velocity: int, length: int | None
    ) -> tuple[Samples, float]:
        """The sound of a note and the gain to mix it with.

        Args:
            part: whose strip on the desk it goes through.
            program: General MIDI program, or kit for drums.
            pitch: MIDI number or drum key.
            velocity: 1-127.
            length: samples until it is released, or for drums choked; None lets a drum ring.
        """
        bank, preset = self._preset(part, program)
        layer = self._velocity_layer(bank, preset, pitch, velocity)
        key = (bank, preset, pitch, layer, 0 if length is None else _on_length_grid(length))
        sound = self._notes.get(key)
        if sound is None:
            sound = self._render(*key)
            self._remember(key, sound)
        else:
            self._notes.move_to_end(key)
        loudness = (velocity / CALIBRATION_VELOCITY) ** _VELOCITY_EXPONENT
        # the player made the layer's sound in proportion to the layer's velocity
        return sound, loudness * CALIBRATION_VELOCITY / layer * self._gain(part, program)

    def _velocity_layer(self, bank: int, preset: int, pitch: int, velocity: int) -> int:
        """The velocity at which a note is rendered: others that differ in loudness alone share it."""
        (low, high), shaped = self._soundfont.file.velocity_layer(bank, preset, pitch, velocity)
        wished = round(velocity / _VELOCITY_LAYER) * _VELOCITY_LAYER if shaped else CALIBRATION_VELOCITY
        return max(low, 1, min(high, wished))

    def _remember(self, key: _NoteKey, sound: Samples) -> None:
        self._notes[key] = sound
        self._bytes += sound.nbytes
        while self._bytes > _CACHE_BYTES and len(self._notes) > 1:
            _, oldest = self._notes.popitem(last=False)
            self._bytes -= oldest.nbytes

    def _calibrated_gain(self, part: Part, program: int) -> float:
        level = self._desk.channels[part].level
        if part == "drums":
            return level
        bank, preset = self._preset(part, program)
        held = SAMPLE_RATE_HZ // 2
        sound = self._render(bank, preset, CALIBRATION_PITCHES[part], CALIBRATION_VELOCITY, held)
        window = SAMPLE_RATE_HZ // 5
        energy = np.cumsum((sound[:, 0] ** 2 + sound[:, 1] ** 2) / 2, dtype=np.float64)
        loudest = float(np.sqrt((energy[window:] - energy[:-window]).max() / window))
        return min(MAX_CALIBRATION, max(1 / MAX_CALIBRATION, level / max(loudest, SILENCE)))

    def _render(self, bank: int, preset: int, pitch: int, velocity: int, held: int) -> Samples:
        samples = self._soundfont.file.samples(bank, preset, pitch, velocity)
        key = (bank, preset, *samples)
        if key not in self._players:
            synth = self._soundfont.open_preset(bank, preset, samples, SAMPLE_RATE_HZ)
            self._players[key] = Player(synth, bank, preset)
            if len(self._players) > _MOST_PLAYERS:
                self._players.popitem(last=False)
        self._players.move_to_end(key)
        return self._players[key].note(pitch, velocity, held)

    def _nearest_preset(self, part: Part, program: int) -> tuple[int, int]:
        """Bank and number of the instrument, or of the nearest thing that the font has."""
        bank = DRUM_BANK if part == "drums" else 0
        for choice in (program, DEFAULT_PROGRAMS[part], 0):
            if self._soundfont.file.has(bank, choice):
                return bank, choice
        raise MissingPartError(
            f"The SoundFont has no {'drum kit' if part == 'drums' else 'General MIDI instruments'}.",
            hint="Set V2M_SOUNDFONT to a full General MIDI font.",
        )


def _on_length_grid(length: int) -> int:
    grid = _LENGTH_GRID
    while length >= 2 * _LENGTH_STEPS * grid:
        grid *= 2
    return max(1, round(length / grid)) * grid
