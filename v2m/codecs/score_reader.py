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

from v2m.codecs.arrangement import DRUM_VOICES, STEPS_PER_BEAT, Note, Part, Span
from v2m.codecs.layout import (
    DRUMS,
    HARMONY,
    HELD,
    LINES,
    LOUDEST,
    LOUDNESS_CHANNELS,
    LOUDNESS_DB,
    LOUDNESS_RANGE_DB,
    PEDAL_CHANNELS,
    PROGRAM_CHANNELS,
    RANK_VELOCITY,
    RANKS,
    ROLL_LOW,
    SECOND_PITCH,
    SECOND_VOICES,
    SOFTEST,
    STRIKE_THRESHOLD,
    TIMING_STEPS,
    WHOLE,
    LineLayout,
    signed_tonic,
)
from v2m.codecs.programs import program_of_signs

_DRUM_NOTE_BEATS = 0.25
"""Drum notes ring by themselves; a sixteenth is what editors of MIDI like to show."""

_WHOLE_TOLERANCE = 0.05
"""A last sixteenth of a line this near to whole is whole: legato must not be chopped by a little noise."""

_MOST_STEPS_OFF = 1.0
"""As in the writer, a note lies at most in the sixteenth beside its own."""

_SURE_SIGN = 0.3
"""Double stops and pedals are the exception: what is undecided is neither."""

_SECOND_SOUNDS = (SECOND_PITCH - 1) / 2

_LEVEL_WINDOW = 3
"""Frames of the median that steadies loudness: it keeps the edge of a swell that breaks off at a hit."""

_LEAST_LEVEL_DB = 2.0
"""A part whose loudness strays less than this over half a bar has none: noise would else be played."""

_LEAST_LEVEL_FRAMES = 8

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

    def pedal(self, part: Part) -> tuple[Span, ...]:
        """When the pedal of a part is down, in beats."""
        if part not in PEDAL_CHANNELS:
            return ()
        down = self.latents[:, PEDAL_CHANNELS[part]] > _SURE_SIGN
        edges = np.flatnonzero(np.diff(np.concatenate([[False], down, [False]]))) / STEPS_PER_BEAT
        return tuple(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))

    def loudness_db(self, part: Part) -> tuple[float, ...]:
        """The level of a part at each sixteenth; empty where it stays as it is."""
        levels = LOUDNESS_DB * self.latents[:, LOUDNESS_CHANNELS[part]]
        frames = min(_LEAST_LEVEL_FRAMES, len(levels))
        average = np.convolve(levels, np.full(frames, 1 / frames), "valid")
        if np.abs(average).max() < _LEAST_LEVEL_DB:
            return ()
        padded = np.pad(levels, _LEVEL_WINDOW // 2, mode="edge")
        steady = np.median(np.lib.stride_tricks.sliding_window_view(padded, _LEVEL_WINDOW), axis=-1)
        return tuple(np.clip(steady, *LOUDNESS_RANGE_DB).tolist())

    def _start_beat(self, step: int, timing_channel: int) -> float:
        offset = TIMING_STEPS * float(self.latents[step, timing_channel])
        offset = min(_MOST_STEPS_OFF, max(-_MOST_STEPS_OFF, offset))
        if abs(offset) < self.dead_zone_steps:
            offset = 0.0
        return max(0.0, (step + offset) / STEPS_PER_BEAT)

    def _drum_notes(self) -> list[Note]:
        keys = tuple(DRUM_VOICES.values())
        notes = [
            self._drum_note(keys[voice], step, DRUMS.voices.start + voice, DRUMS.timings.start + voice)
            for step, voice in np.argwhere(self.latents[:, DRUMS.voices] > STRIKE_THRESHOLD).tolist()
        ]
        # a second strike without a first is noise, or a model that has not made up its mind
        struck = {(note.pitch, step) for note, step in notes}
        for step, index in np.argwhere(self.latents[:, DRUMS.seconds] > STRIKE_THRESHOLD).tolist():
            key = DRUM_VOICES[SECOND_VOICES[index]]
            if (key, step) in struck:
                notes.append(self._drum_note(key, step, DRUMS.seconds.start + index, DRUMS.second_timing))
        return [note for note, _ in notes]

    def _drum_note(self, key: int, step: int, strike: int, timing: int) -> tuple[Note, int]:
        velocity = _velocity(float(self.latents[step, strike]))
        return Note("drums", self._start_beat(step, timing), _DRUM_NOTE_BEATS, key, velocity), step

    def _line_notes(self, part: Part, layout: LineLayout) -> list[Note]:
        attack, hold = self.latents[:, layout.attack], self.latents[:, layout.hold]
        sounds = hold > STRIKE_THRESHOLD
        steps = np.flatnonzero((attack > STRIKE_THRESHOLD) & sounds).tolist()
        notes = []
        for step, following in pairwise([*steps, len(attack)]):
            silent = np.flatnonzero(~sounds[step:following])
            end = step + int(silent[0]) if len(silent) else following
            start = self._start_beat(step, layout.timing)
            length = (end - 1 - step + _last_share(float(hold[end - 1]))) / STEPS_PER_BEAT
            if following < len(attack):
                # one note at a time; where noise puts two attacks on one spot the first is still heard
                room = self._start_beat(following, layout.timing) - start
                length = max(_SHORTEST_SHARE / STEPS_PER_BEAT, min(length, room))
            velocity = _velocity(float(attack[step]))
            pitches = self._line_pitches(layout, slice(step, end))
            notes += [Note(part, start, length, pitch, velocity) for pitch in pitches]
        return notes

    def _line_pitches(self, layout: LineLayout, span: slice) -> list[int]:
        """The line's pitch, and the one below it where it is doubled."""
        classes = self.latents[span, layout.pitch_classes].mean(axis=0)
        pitch_class = int(classes.argmax())
        above = int((self.latents[span, layout.octaves].mean(axis=0) > 0).sum())
        pitch = 12 * (layout.first_octave + above) + pitch_class + signed_tonic(self.tonic)
        if layout.doubled is None or self.latents[span, layout.doubled].mean() <= _SURE_SIGN:
            return [pitch]
        classes[pitch_class] = -np.inf
        second = int(classes.argmax())
        # a doubled line without a second pitch class is doubled at the octave
        below = (pitch_class - second) % 12 if classes[second] > _SECOND_SOUNDS else 12
        return [pitch - below, pitch]

    def _chord_notes(self) -> list[Note]:
        roll, attack = self.latents[:, HARMONY.roll], self.latents[:, HARMONY.attack]
        chord = attack > STRIKE_THRESHOLD
        sounds = roll > _ROLL_SILENCE
        before = np.vstack([np.zeros_like(sounds[:1]), sounds[:-1]])
        # under a chord's attack a pitch that was silent is struck; one that sounded is struck or tied
        struck = chord[:, None] & sounds & (~before | (roll > _ROLL_STRIKE))
        ranks = np.minimum(np.cumsum(struck, axis=1) - 1, RANKS - 1)
        notes = []
        for step, pitch in np.argwhere(struck).tolist():
            rank = int(ranks[step, pitch])
            differs = RANK_VELOCITY * self.latents[step, HARMONY.velocities.start + rank]
            frames = self._chord_frames(step, sounds[:, pitch], struck[:, pitch])
            start = self._start_beat(step, HARMONY.timings.start + rank)
            release = min(1.0, max(-1.0, float(self.latents[step + frames - 1, HARMONY.release])))
            end = (step + frames + release) / STEPS_PER_BEAT
            length = max(_SHORTEST_SHARE / STEPS_PER_BEAT, end - start)
            key = pitch + ROLL_LOW + signed_tonic(self.tonic)
            notes.append(Note("harmony", start, length, key, _velocity(float(attack[step]), float(differs))))
        return notes

    @staticmethod
    def _chord_frames(step: int, sounds: NDArray[np.bool_], struck: NDArray[np.bool_]) -> int:
        """Sixteenths until the pitch is struck again or falls silent; one frame alone below is noise."""
        end = step + 1
        while end < len(sounds) and not struck[end]:
            next_sounds = end + 1 < len(sounds) and sounds[end + 1] and not struck[end + 1]
            if not sounds[end] and not next_sounds:
                break
            end += 1
        return end - step


def _velocity(strike: float, differs: float = 0.0) -> int:
    return min(127, max(1, round((strike - SOFTEST) / (LOUDEST - SOFTEST) * 127 + differs)))


def _last_share(hold: float) -> float:
    share = (hold - SOFTEST) / (WHOLE - SOFTEST)
    return 1.0 if abs(share - 1.0) < _WHOLE_TOLERANCE else max(_SHORTEST_SHARE, share)
