"""The draft: notes under way, on the grid of steps, that players add to and answers cut into.

Conventions: steps are ints; bass, lead and extras sound one note at a time (the later attack wins); in
harmony and drums a pitch is cut by its own next attack.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from v2m.codecs.arrangement import PARTS, STEPS_PER_BEAT, Note, Part

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

    def clear(self, part: Part, first: int, last: int) -> None:
        """Silence in [first, last): drop attacks there, and end what rings into it."""
        rows = self._strokes[part]
        for step in range(first, last):
            rows.pop(step, None)
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

    def finish(self, rng: random.Random, swing: float, swing_steps: int) -> tuple[Note, ...]:
        """The notes in beats, one at a time where a part is monophonic, swung, with a human's velocities.

        Args:
            rng: for velocities.
            swing: where the middle of a swung unit falls, 0.5 is straight.
            swing_steps: length of that unit in steps: 4 swings eighths, 2 sixteenths.
        """
        notes = []
        for part in PARTS:
            rows = self._strokes[part]
            ends: dict[int, int] = {}  # start of the next attack by pitch, walking backwards
            for step in sorted(rows, reverse=True):
                for pitch, stroke in rows[step].items():
                    limit = ends.get(0 if part in MONOPHONIC else pitch, step + stroke.length)
                    end = min(step + stroke.length, limit)
                    start_beat = _swung(step, swing, swing_steps)
                    velocity = round(min(127.0, max(12.0, stroke.velocity + rng.gauss(0, 2.5))))
                    duration = _swung(end, swing, swing_steps) - start_beat
                    notes.append(Note(part, start_beat, duration, pitch, velocity))
                for pitch in rows[step]:
                    ends[0 if part in MONOPHONIC else pitch] = step
        return tuple(sorted(notes, key=lambda n: (n.start_beat, PARTS.index(n.part), n.pitch)))


def _swung(step: int, swing: float, unit: int) -> float:
    whole, inside = divmod(step, unit)
    half = unit / 2
    position = inside * swing / half if inside <= half else swing + (inside - half) * (1 - swing) / half
    return (whole + position) * unit / STEPS_PER_BEAT
