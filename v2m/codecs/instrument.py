"""The sound of single notes, as a SoundFont plays them.

Each note is rendered by itself, from its attack to the end of its ring, and mixed by addition. So a note's
sound depends on nothing around it: stretches of a piece that did not change sound the same to the last bit,
attacks stand on their sample, nothing hangs, and repeated notes are rendered once.

Conventions: 48 kHz, (s, 2) float32; lengths in samples.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from v2m.audio.loudness import k_weighted
from v2m.codecs.arrangement import DRUM_VOICES, Part
from v2m.codecs.desk import (
    CALIBRATION_PITCHES,
    CALIBRATION_VELOCITY,
    DRUM_LEVELS_DB,
    MAX_CALIBRATION,
    Desk,
)
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

_DRUM_LEVELS = {DRUM_VOICES[name]: 10 ** (level_db / 20) for name, level_db in DRUM_LEVELS_DB.items()}

_NoteKey = tuple[int, int, int, int, int]
"""Bank, program, key, velocity, length held."""


class Orchestra:
    """All parts' instruments from one SoundFont, balanced by a desk; several threads may ask for notes."""

    def __init__(self, soundfont: SoundFont, desk: Desk) -> None:
        self._soundfont = soundfont
        self._desk = desk
        self._players: OrderedDict[tuple[int, ...], Player] = OrderedDict()
        self._notes: OrderedDict[_NoteKey, Samples] = OrderedDict()
        self._bytes = 0
        self._one_at_a_time = Lock()  # a player's voices are its own, and it keeps Python's lock anyway
        self._note_gain = cache(self._calibrated_note_gain)
        self._stroke_gain = cache(self._calibrated_stroke_gain)
        self._preset = cache(self._nearest_preset)
        self._playable_key = cache(soundfont.file.playable_key)
        self._velocity_layer = cache(self._shared_velocity)

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
        with self._one_at_a_time:
            return self._note(part, program, pitch, velocity, length)

    def _note(
        self, part: Part, program: int, pitch: int, velocity: int, length: int | None
    ) -> tuple[Samples, float]:
        bank, preset = self._preset(part, program)
        if part != "drums":
            pitch = self._playable_key(bank, preset, pitch)
        layer = self._velocity_layer(bank, preset, pitch, velocity)
        sound = self._sound((bank, preset, pitch, layer, 0 if length is None else _on_length_grid(length)))
        loudness = (velocity / CALIBRATION_VELOCITY) ** _VELOCITY_EXPONENT
        # the player made the layer's sound in proportion to the layer's velocity
        gain = self._stroke_gain(program, pitch) if part == "drums" else self._note_gain(part, program)
        return sound, loudness * CALIBRATION_VELOCITY / layer * gain

    def _shared_velocity(self, bank: int, preset: int, pitch: int, velocity: int) -> int:
        """The velocity at which a note is rendered: others that differ in loudness alone share it."""
        (low, high), shaped = self._soundfont.file.velocity_layer(bank, preset, pitch, velocity)
        wished = round(velocity / _VELOCITY_LAYER) * _VELOCITY_LAYER if shaped else CALIBRATION_VELOCITY
        return max(low, 1, min(high, wished))

    def _sound(self, key: _NoteKey) -> Samples:
        sound = self._notes.get(key)
        if sound is None:
            sound = self._render(*key)
            self._remember(key, sound)
        else:
            self._notes.move_to_end(key)
        return sound

    def _remember(self, key: _NoteKey, sound: Samples) -> None:
        self._notes[key] = sound
        self._bytes += sound.nbytes
        while self._bytes > _CACHE_BYTES and len(self._notes) > 1:
            _, oldest = self._notes.popitem(last=False)
            self._bytes -= oldest.nbytes

    def _calibrated_note_gain(self, part: Part, program: int) -> float:
        bank, preset = self._preset(part, program)
        held = SAMPLE_RATE_HZ // 2
        sound = self._render(bank, preset, CALIBRATION_PITCHES[part], CALIBRATION_VELOCITY, held)
        loudest = _loudest(sound.T, SAMPLE_RATE_HZ // 5)
        return _limited(self._desk.channels[part].level / np.sqrt(max(loudest / 2, SILENCE**2)))

    def _calibrated_stroke_gain(self, kit: int, pitch: int) -> float:
        """Of a drum that the desk knows; others sound as recorded."""
        level = self._desk.channels["drums"].level
        if pitch not in _DRUM_LEVELS:
            return level
        bank, preset = self._preset("drums", kit)
        velocity = self._velocity_layer(bank, preset, pitch, CALIBRATION_VELOCITY)
        sound = self._sound((bank, preset, pitch, velocity, 0))
        loudest = _loudest(k_weighted(sound), SAMPLE_RATE_HZ // 20) * (CALIBRATION_VELOCITY / velocity) ** 2
        return level * _limited(_DRUM_LEVELS[pitch] / np.sqrt(max(loudest, SILENCE**2)))

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


def _loudest(sides: NDArray[np.floating], window: int) -> float:
    """Mean power, summed over the sides (2, s), of the loudest stretch."""
    power = np.square(sides, dtype=np.float64).sum(axis=0)
    energy = np.cumsum(np.concatenate([np.zeros(1), power, np.zeros(window)]))
    return float((energy[window:] - energy[:-window]).max() / window)


def _limited(factor: float) -> float:
    return float(min(MAX_CALIBRATION, max(1 / MAX_CALIBRATION, factor)))


def _on_length_grid(length: int) -> int:
    grid = _LENGTH_GRID
    while length >= 2 * _LENGTH_STEPS * grid:
        grid *= 2
    return max(1, round(length / grid)) * grid
