"""The draft: notes under way, on the grid of steps, that players add to and answers cut into.

Conventions: steps are ints; bass, lead and extras sound one note at a time (the later attack wins); in
harmony and drums a pitch is cut by its own next attack.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from v2m.codecs.arrangement import PARTS, STEPS_PER_BEAT, Note, Part, Span
from v2m_training.compose.metre import Feel

MONOPHONIC: Final[frozenset[Part]] = frozenset(("bass", "lead", "extras"))


@dataclass(slots=True)
class _Stroke:
    length: int
    velocity: float


class Draft:
    """Notes by part, step and pitch."""

    def __init__(self, step_count: int) -> None:
        self.step_count = step_count
        self._strokes: dict[Part, dict[int, dict[int, _Stroke]]] = {part: {} for part in PARTS}
        self._pedal: dict[Part, dict[int, int]] = {}  # step -> the step at which the pedal went down
        self._levels_db: dict[Part, list[float]] = {}

    def add(self, part: Part, step: int, length: int, pitch: int, velocity: float) -> None:
        """Set a note; on the same step the louder of two equal pitches stays."""
        if not 0 <= step < self.step_count:
            return
        there = self._strokes[part].setdefault(step, {})
        if part in MONOPHONIC:
            there.clear()
        if pitch not in there or there[pitch].velocity < velocity:
            there[pitch] = _Stroke(max(1, length), velocity)

    def pitches(self, part: Part, step: int) -> tuple[int, ...]:
        """What a part attacks at a step."""
        return tuple(self._strokes[part].get(step, ()))

    def velocity(self, part: Part, step: int, pitch: int) -> float:
        """How hard a pitch is attacked at a step; 0 where it is not."""
        stroke = self._strokes[part].get(step, {}).get(pitch)
        return stroke.velocity if stroke else 0.0

    def clear(self, part: Part, first: int, last: int) -> None:
        """Silence in [first, last): drop attacks there, and end what rings into it."""
        rows = self._strokes[part]
        pedal = self._pedal.get(part, {})
        for step in range(first, last):
            rows.pop(step, None)
            pedal.pop(step, None)
        self.release(part, first)

    def drop_attacks(self, part: Part, first: int, last: int) -> None:
        """Drop attacks in [first, last), let what rings ring on."""
        for step in range(first, last):
            self._strokes[part].pop(step, None)

    def release(self, part: Part, step: int) -> None:
        """End at `step` what was attacked before it."""
        for start, row in self._strokes[part].items():
            if start < step:
                for stroke in row.values():
                    stroke.length = min(stroke.length, step - start)

    def attacks(self, part: Part) -> list[int]:
        """The steps at which a part attacks, in order."""
        return sorted(step for step, row in self._strokes[part].items() if row)

    def shade(self, part: Part, first: int, last: int, start: float, end: float) -> None:
        """Scale the velocities in [first, last), from one factor to another: a swell or a fade."""
        for step in range(first, last):
            factor = start + (end - start) * (step - first) / max(1, last - first)
            for stroke in self._strokes[part].get(step, {}).values():
                stroke.velocity *= factor

    def press(self, part: Part, first: int, last: int) -> None:
        """The pedal goes down at a step and comes up a step before another, so that chords do not blur."""
        self._pedal.setdefault(part, {}).update(dict.fromkeys(range(first, last - 1), first))

    def swell(self, part: Part, first: int, last: int, start_db: float, end_db: float) -> None:
        """What sounds in [first, last) grows or dies away from one level to another, then is as before."""
        levels = self._levels_db.setdefault(part, [0.0] * self.step_count)
        for step in range(first, last):
            levels[step] = start_db + (end_db - start_db) * (step - first) / max(1, last - 1 - first)

    def pedals(self) -> dict[Part, tuple[Span, ...]]:
        """When the pedals are down, in beats."""
        found: dict[Part, tuple[Span, ...]] = {}
        for part, down in self._pedal.items():
            spans: list[tuple[int, int]] = []
            for step in sorted(down):
                if spans and spans[-1][1] == step and down[step - 1] == down[step]:
                    spans[-1] = (spans[-1][0], step + 1)
                else:
                    spans.append((step, step + 1))
            found[part] = tuple((a / STEPS_PER_BEAT, b / STEPS_PER_BEAT) for a, b in spans)
        return {part: spans for part, spans in found.items() if spans}

    def levels_db(self) -> dict[Part, tuple[float, ...]]:
        """How much louder or softer the parts are than their velocities say, a number a step."""
        return {part: tuple(round(level, 1) for level in levels) for part, levels in self._levels_db.items()}

    def finish(self, rng: random.Random, feel: Feel, exact: frozenset[int]) -> tuple[Note, ...]:
        """The notes in beats, one at a time where a part is monophonic, with a human's time and touch.

        Args:
            rng: for velocities and what a player is early or late.
            feel: where the steps of a beat sound.
            exact: steps whose attacks keep to the grid.
        """
        notes = []
        for part in PARTS:
            rows = self._strokes[part]
            late = {step: 0.0 if step in exact else _lateness(rng, part) for step in sorted(rows)}
            ends: dict[int, int] = {}  # start of the next attack by pitch, walking backwards
            for step in sorted(rows, reverse=True):
                start_beat = _within_step(step, sounding_beat(step, feel) + late[step])
                for pitch, stroke in rows[step].items():
                    limit = ends.get(0 if part in MONOPHONIC else pitch, step + stroke.length)
                    end = min(step + stroke.length, limit)
                    end_beat = sounding_beat(end, feel) + min(0.0, late.get(end, 0.0))
                    velocity = round(min(127.0, max(12.0, stroke.velocity + rng.gauss(0, 2.5))))
                    notes.append(Note(part, start_beat, end_beat - start_beat, pitch, velocity))
                for pitch in rows[step]:
                    ends[0 if part in MONOPHONIC else pitch] = step
        return tuple(sorted(notes, key=lambda n: (n.start_beat, PARTS.index(n.part), n.pitch)))


_LATENESS: Final[dict[Part, tuple[float, float]]] = {
    "drums": (0.0, 0.005),
    "bass": (0.002, 0.008),
    "harmony": (0.0, 0.010),
    "lead": (0.004, 0.014),
    "extras": (0.0, 0.010),
}
"""Mean and spread in beats: 0.01 is 5 ms at 120 BPM. A rhythm section is tight, a singer leans back."""


def _lateness(rng: random.Random, part: Part) -> float:
    mean, spread = _LATENESS[part]
    return max(-2.5 * spread, min(2.5 * spread + mean, rng.gauss(mean, spread)))


_OWN_STEP: Final = 0.48
"""Steps that an attack may stand off its own: still nearest to it, so that no two attacks share a step."""


def _within_step(step: int, beat: float) -> float:
    low, high = (step - _OWN_STEP) / STEPS_PER_BEAT, (step + _OWN_STEP) / STEPS_PER_BEAT
    return max(0.0, min(high, max(low, beat)))


def sounding_beat(step: int, feel: Feel) -> float:
    """Where a step sounds, in beats."""
    beat, inside = divmod(step, STEPS_PER_BEAT)
    return beat + feel[inside]
