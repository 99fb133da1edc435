"""The sound of single notes, as a SoundFont plays them.

Each note is rendered by itself, from its attack to the end of its ring, and mixed by addition. So a note's
sound depends on nothing around it: stretches of a piece that did not change sound the same to the last bit,
attacks stand on their sample, nothing hangs, and repeated notes are rendered once.

Conventions: 48 kHz, (s, 2) float32; lengths in samples.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import Part
from v2m.codecs.desk import CALIBRATION_PITCHES, CALIBRATION_VELOCITY, MAX_CALIBRATION, Desk
from v2m.codecs.programs import DEFAULT_PROGRAMS
from v2m.codecs.soundfont import SoundFont
from v2m.errors import MissingPartError
from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

MAX_TAIL_SAMPLES: Final = 4 * SAMPLE_RATE_HZ
"""The longest ring after a note's end, a crash cymbal's; it is faded out within it."""

_LENGTH_GRID = 480
"""Releases fall on a grid of 10 ms, which no ear notices and which lets repeated notes share a rendering."""

_LENGTH_STEPS = 32
"""A longer note doubles the grid until it spans less than twice as many steps: 1.6 % off at most."""

_VELOCITY_LAYER = 8
"""Notes within such a span of velocities share a rendering and differ in gain alone."""

_VELOCITY_EXPONENT = 1.6
"""Loudness over velocity: the player is linear, keyboards are nearer to a square."""

_SILENCE = 1e-4  # -80 dB: music covers it, and its last eighth of a second is faded out
_TAIL_BLOCK = SAMPLE_RATE_HZ // 8
_FADE_SAMPLES = SAMPLE_RATE_HZ // 2  # length of the fade where a ring is cut at its longest
_CHOKE_SAMPLES = 480  # a hand or pedal stops a cymbal in about 10 ms
_DRAIN_SAMPLES = 1024  # the player needs 512 to silence its voices
_CACHE_BYTES = 96 * 2**20

_DRUM_CHANNEL, _DRUM_BANK = 9, 128

_NoteKey = tuple[Part, int, int, int, int]


class Orchestra:
    """All parts' instruments from one SoundFont, balanced by a desk."""

    def __init__(self, soundfont: SoundFont, desk: Desk) -> None:
        self._synth, self._font = soundfont.open_synth(SAMPLE_RATE_HZ)
        self._desk = desk
        self._notes: OrderedDict[_NoteKey, Samples] = OrderedDict()
        self._bytes = 0
        self._gain = cache(self._calibrated_gain)

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
        layer = min(127, max(1, round(velocity / _VELOCITY_LAYER)) * _VELOCITY_LAYER)
        held = 0 if length is None else _on_length_grid(length)
        key = (part, program, pitch, layer, held)
        sound = self._notes.get(key)
        if sound is None:
            sound = self._render(*key)
            self._remember(key, sound)
        else:
            self._notes.move_to_end(key)
        loudness = (velocity / CALIBRATION_VELOCITY) ** _VELOCITY_EXPONENT
        # the player made the layer's sound in proportion to the layer's velocity
        return sound, loudness * CALIBRATION_VELOCITY / layer * self._gain(part, program)

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
        sound = self._render(
            part, program, CALIBRATION_PITCHES[part], CALIBRATION_VELOCITY, SAMPLE_RATE_HZ // 2
        )
        window = SAMPLE_RATE_HZ // 5
        energy = np.cumsum((sound[:, 0] ** 2 + sound[:, 1] ** 2) / 2, dtype=np.float64)
        loudest = float(np.sqrt((energy[window:] - energy[:-window]).max() / window))
        return min(MAX_CALIBRATION, max(1 / MAX_CALIBRATION, level / max(loudest, _SILENCE)))

    def _render(self, part: Part, program: int, pitch: int, velocity: int, held: int) -> Samples:
        channel = self._select(part, program)
        synth = self._synth
        synth.noteon(channel, pitch, velocity)
        pieces = [_generate(synth, held)] if held else []
        if part != "drums":
            synth.noteoff(channel, pitch)
        elif held:
            pieces[0][-_CHOKE_SAMPLES:] *= np.linspace(1, 0, _CHOKE_SAMPLES, dtype=np.float32)[:, None]
        if part != "drums" or not held:
            pieces.append(_tail(synth))
        synth.sounds_off(channel)
        synth.noteoff(channel, pitch)
        synth.generate_simple(_DRAIN_SAMPLES)
        return np.concatenate(pieces)

    def _select(self, part: Part, program: int) -> int:
        """Puts the instrument, or the nearest thing that the font has, on the part's channel."""
        channel, bank = (_DRUM_CHANNEL, _DRUM_BANK) if part == "drums" else (0, 0)
        for choice in (program, DEFAULT_PROGRAMS[part], 0):
            if self._synth.sfpreset_name(self._font, bank, choice) is not None:
                self._synth.program_select(channel, self._font, bank, choice, part == "drums")
                return channel
        raise MissingPartError(
            f"The SoundFont has no {'drum kit' if part == 'drums' else 'General MIDI instruments'}.",
            hint="Set V2M_SOUNDFONT to a full General MIDI font.",
        )


def _on_length_grid(length: int) -> int:
    grid = _LENGTH_GRID
    while length >= 2 * _LENGTH_STEPS * grid:
        grid *= 2
    return max(1, round(length / grid)) * grid


def _generate(synth: Any, count: int) -> Samples:  # noqa: ANN401 - the library has no types
    return np.frombuffer(synth.generate_simple(count), np.float32).reshape(-1, 2).copy()


def _tail(synth: Any) -> Samples:  # noqa: ANN401 - the library has no types
    """The ring of what sounds, until it is silent or has lasted its longest."""
    pieces: list[Samples] = []
    for _ in range(MAX_TAIL_SAMPLES // _TAIL_BLOCK):
        pieces.append(_generate(synth, _TAIL_BLOCK))
        if max(pieces[-1].max(), -pieces[-1].min()) < _SILENCE:
            pieces[-1] *= np.linspace(1, 0, _TAIL_BLOCK, dtype=np.float32)[:, None]
            return np.concatenate(pieces)
    tail = np.concatenate(pieces)
    tail[-_FADE_SAMPLES:] *= np.cos(np.linspace(0, np.pi / 2, _FADE_SAMPLES, dtype=np.float32))[:, None] ** 2
    return tail
