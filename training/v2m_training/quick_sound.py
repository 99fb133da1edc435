"""A dry, mono sketch of a piece's sound, five times as fast as the real one, for its event curve.

The real player renders each note by itself, so that edits stay local; here a part plays in one pass, at half
the rate, without room or panorama. The curve hears neither. Balance and dynamics are the desk's.

Conventions: float32 (s,) at `RATE_HZ`; a steady tempo; beat 0 is sample 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import PARTS, Arrangement, Note, Part
from v2m.codecs.desk import CALIBRATION_PITCHES, CALIBRATION_VELOCITY, MAX_CALIBRATION, Desk
from v2m.codecs.loudness import level_beats, swell_gain
from v2m.codecs.pedal import sustained
from v2m.codecs.programs import DEFAULT_PROGRAMS
from v2m.codecs.soundfont import SoundFont, find_soundfont

RATE_HZ: Final = 24_000
"""The `spectral` encoder listens up to 11 kHz."""

_VELOCITY_EXPONENT: Final = 1.6  # as the real player's: loudness over velocity
_DRUM_CHANNEL: Final = 9
_DRUM_BANK: Final = 128

Samples = NDArray[np.float32]


class QuickPlayer:
    """Plays arrangements one after another."""

    def __init__(self, soundfont: SoundFont | None = None, desk: Desk | None = None) -> None:
        self._desk = desk or Desk()
        self._synth, self._font = (soundfont or find_soundfont()).open_synth(RATE_HZ, max_voices=256)
        self._gain = cache(self._calibrated_gain)

    def play(self, arrangement: Arrangement, bpm: float) -> Samples:
        """The mix of all parts, for the length of the arrangement."""
        arrangement = sustained(arrangement)
        count = round(arrangement.beat_count * 60 / bpm * RATE_HZ)
        mix = np.zeros(count, np.float32)
        by_part: Mapping[Part, list[Note]] = {part: [] for part in PARTS}
        for note in arrangement.notes:
            by_part[note.part].append(note)
        for part, notes in by_part.items():
            if notes:
                program = arrangement.programs.get(part, DEFAULT_PROGRAMS[part])
                sound = self._play_part(part, program, notes, bpm, count)
                levels_db = arrangement.loudness_db.get(part, ())
                if levels_db:
                    times = level_beats(levels_db) * 60 / bpm * RATE_HZ
                    sound = sound * swell_gain(times, levels_db, np.arange(count, dtype=np.float64))
                mix += np.float32(self._gain(part, program)) * sound
        return mix

    def _play_part(self, part: Part, program: int, notes: list[Note], bpm: float, count: int) -> Samples:
        channel = self._select(part, program)
        actions = _actions(notes, 60 / bpm * RATE_HZ, lets_ring=part == "drums")
        marks = sorted({0, count, *(at for at in actions if at < count)})
        pieces = []
        for start, end in pairwise(marks):
            for pitch, velocity in actions.get(start, ()):
                if velocity:
                    self._synth.noteon(channel, pitch, velocity)
                else:
                    self._synth.noteoff(channel, pitch)
            if end > start:
                pieces.append(self._generate(end - start))
        self._silence(channel, [note.pitch for note in notes])
        return np.concatenate(pieces)

    def _generate(self, count: int) -> Samples:
        stereo = np.frombuffer(self._synth.generate_simple(count), np.float32).reshape(-1, 2)
        mono: Samples = (stereo[:, 0] + stereo[:, 1]) * np.float32(0.5)
        return mono

    def _silence(self, channel: int, pitches: list[int]) -> None:
        for pitch in set(pitches):
            self._synth.noteoff(channel, pitch)
        self._synth.sounds_off(channel)
        self._synth.generate_simple(1024)  # the player needs 512 samples to silence its voices

    def _select(self, part: Part, program: int) -> int:
        """Puts the program, or the nearest thing that the font has, on the part's channel."""
        channel, bank = (_DRUM_CHANNEL, _DRUM_BANK) if part == "drums" else (0, 0)
        for choice in (program, DEFAULT_PROGRAMS[part], 0):
            if self._synth.sfpreset_name(self._font, bank, choice) is not None:
                self._synth.program_select(channel, self._font, bank, choice, part == "drums")
                break
        return channel

    def _calibrated_gain(self, part: Part, program: int) -> float:
        """What brings a plain note of a program to the level of its strip on the desk."""
        level = self._desk.channels[part].level
        if part == "drums":
            return level
        channel, pitch = self._select(part, program), CALIBRATION_PITCHES[part]
        self._synth.noteon(channel, pitch, CALIBRATION_VELOCITY)
        sound = self._generate(RATE_HZ // 2)
        self._silence(channel, [pitch])
        window = RATE_HZ // 5
        loudest = float(np.sqrt(np.convolve(sound**2, np.ones(window), "valid").max() / window))
        return min(MAX_CALIBRATION, max(1 / MAX_CALIBRATION, level / max(loudest, 1e-5)))


def _actions(notes: list[Note], beat_samples: float, *, lets_ring: bool) -> dict[int, list[tuple[int, int]]]:
    """Pitch and velocity at each sample where something begins, or ends (velocity 0)."""
    actions: dict[int, list[tuple[int, int]]] = {}
    for note in notes:
        start = round(note.start_beat * beat_samples)
        # the player's amplitude is linear in velocity: a curved velocity gives the curved loudness
        velocity = CALIBRATION_VELOCITY * (note.velocity / CALIBRATION_VELOCITY) ** _VELOCITY_EXPONENT
        actions.setdefault(start, []).append((note.pitch, min(127, max(1, round(velocity)))))
        if not lets_ring:
            end = max(start + 1, round((note.start_beat + note.duration_beats) * beat_samples))
            actions.setdefault(end, []).append((note.pitch, 0))
    # releases first: a note struck again where it ends must not be released by its end
    return {at: sorted(todo, key=lambda action: action[1] > 0) for at, todo in actions.items()}
