"""Reading notes out of noisy score latents.

Conventions: as in `layout.py` and `latents.py`. Each decision stands midway between the two codes that it
parts, and uses all the frames and channels that bear on it: a pitch is summed over its note, an instrument
over the piece, a chord note must be struck together with its chord.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import DRUM_VOICES, STEPS_PER_BEAT, Note, Part
from v2m.codecs.layout import (
    DRUMS,
    HARMONY,
    HELD,
    LINES,
    PROGRAM_CHANNELS,
    ROLL_LOW,
    SOFTEST,
    STRIKE_THRESHOLD,
    LineLayout,
    signed_tonic,
)
from v2m.codecs.programs import program_of_signs

_DRUM_NOTE_BEATS = 0.25
"""Drum notes ring by themselves; a sixteenth is what editors of MIDI like to show."""

_WHOLE_STEP = 0.85
"""A last sixteenth filled above this share is whole: legato lines must not be chopped by a little noise."""

_SHORTEST_SHARE = 0.1
"""No note is shorter than this share of a sixteenth."""

_ROLL_SILENCE = (HELD - 1) / 2
_ROLL_STRIKE = (HELD + 1) / 2


@dataclass(frozen=True)
class ScoreReader:
    """Latents with the key that they are to sound in."""

    latents: NDArray[np.float64]  # (t, c)
    tonic: int
    dead_zone_steps: float
    """Attacks nearer to their sixteenth than this fall on it."""

    def notes(self) -> tuple[Note, ...]:
        """All notes, ordered by start, then part, then pitch."""
        found = [*self._drum_notes(), *self._chord_notes()]
        for part, layout in LINES.items():
            found += self._line_notes(part, layout)
        return tuple(sorted(found, key=lambda note: (note.start_beat, note.part, note.pitch)))

    def program(self, part: Part) -> int:
        """The instrument of a part, by the mean of its signs over time."""
        return program_of_signs(part, tuple(self.latents[:, PROGRAM_CHANNELS[part]].mean(axis=0)))

    def _start_beat(self, step: int, timing_channel: int) -> float:
        offset = min(0.5, max(-0.5, float(self.latents[step, timing_channel]) / 2))
        if abs(offset) < self.dead_zone_steps:
            offset = 0.0
        return max(0.0, (step + offset) / STEPS_PER_BEAT)

    def _drum_notes(self) -> list[Note]:
        strikes = self.latents[:, DRUMS.voices]
        keys = tuple(DRUM_VOICES.values())
        return [
            Note(
                "drums",
                self._start_beat(step, DRUMS.timing),
                _DRUM_NOTE_BEATS,
                keys[voice],
                _velocity(strikes[step, voice]),
            )
            for step, voice in np.argwhere(strikes > STRIKE_THRESHOLD).tolist()
        ]

    def _line_notes(self, part: Part, layout: LineLayout) -> list[Note]:
        attack, hold = self.latents[:, layout.attack], self.latents[:, layout.hold]
        sounds = hold > STRIKE_THRESHOLD
        steps = np.flatnonzero((attack > STRIKE_THRESHOLD) & sounds).tolist()
        notes = []
        for step, following in pairwise([*steps, len(attack)]):
            silent = np.flatnonzero(~sounds[step:following])
            end = step + int(silent[0]) if len(silent) else following
            pitch = self._line_pitch(layout, slice(step, end))
            length = (end - 1 - step + _last_share(hold[end - 1])) / STEPS_PER_BEAT
            start = self._start_beat(step, layout.timing)
            notes.append(Note(part, start, length, pitch, _velocity(attack[step])))
        return notes

    def _line_pitch(self, layout: LineLayout, span: slice) -> int:
        pitch_class = int(self.latents[span, layout.pitch_classes].sum(axis=0).argmax())
        above = int((self.latents[span, layout.octaves].mean(axis=0) > 0).sum())
        return 12 * (layout.first_octave + above) + pitch_class + signed_tonic(self.tonic)

    def _chord_notes(self) -> list[Note]:
        roll, attack = self.latents[:, HARMONY.roll], self.latents[:, HARMONY.attack]
        chord = attack > STRIKE_THRESHOLD
        sounds = roll > _ROLL_SILENCE
        before = np.vstack([np.zeros_like(sounds[:1]), sounds[:-1]])
        # under a chord's attack a pitch that was silent is struck; one that sounded is struck or tied
        struck = chord[:, None] & sounds & (~before | (roll > _ROLL_STRIKE))
        return [
            Note(
                "harmony",
                self._start_beat(step, HARMONY.timing),
                self._chord_length(step, sounds[:, pitch], struck[:, pitch]) / STEPS_PER_BEAT,
                pitch + ROLL_LOW + signed_tonic(self.tonic),
                _velocity(attack[step]),
            )
            for step, pitch in np.argwhere(struck).tolist()
        ]

    @staticmethod
    def _chord_length(step: int, sounds: NDArray[np.bool_], struck: NDArray[np.bool_]) -> int:
        """Sixteenths until the pitch is struck again or falls silent; one frame alone below is noise."""
        end = step + 1
        while end < len(sounds) and not struck[end]:
            next_sounds = end + 1 < len(sounds) and sounds[end + 1] and not struck[end + 1]
            if not sounds[end] and not next_sounds:
                break
            end += 1
        return end - step


def _velocity(strike: float) -> int:
    return min(127, max(1, round((strike - SOFTEST) / (1 - SOFTEST) * 127)))


def _last_share(hold: float) -> float:
    share = (hold - SOFTEST) / (1 - SOFTEST)
    return 1.0 if share > _WHOLE_STEP else max(_SHORTEST_SHARE, share)
