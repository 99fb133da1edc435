"""The place of a note on the grid of sixteenths, and the codes of when and how hard it is struck.

Conventions: a note lies in the sixteenth nearest to its start, its offset is what is left; where that one is
taken it lies in a free one beside it. Steps are sixteenths from the first downbeat.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.codecs.layout import LOUDEST, SOFTEST, TIMING_STEPS

FARTHEST_STEPS = 1.0
"""How far from its own sixteenth a note may lie: in the one beside it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a note lies on the grid."""

    step: int
    offset: float
    """Sixteenths from the step to the note's start, -1..1."""


def grid_step(start_beat: float, step_count: int) -> int:
    """The sixteenth nearest to a start."""
    return min(math.floor(start_beat * STEPS_PER_BEAT + 0.5), step_count - 1)


def place_on(start_beat: float, step: int) -> Place:
    """The place in a given sixteenth."""
    offset = start_beat * STEPS_PER_BEAT - step
    return Place(step, max(-FARTHEST_STEPS, min(FARTHEST_STEPS, offset)))


def place_beside(start_beat: float, step: int, taken: Container[int], step_count: int) -> Place | None:
    """The place beside a sixteenth that is taken: on the side where the note lies, else on the other."""
    exact = start_beat * STEPS_PER_BEAT
    sides = (step - 1, step + 1) if exact < step else (step + 1, step - 1)
    for side in sides:
        if 0 <= side < step_count and side not in taken and abs(exact - side) <= FARTHEST_STEPS:
            return Place(side, exact - side)
    return None


def timing_code(offsets: Sequence[float]) -> float:
    """The code of when attacks that share a channel lie: of their mean."""
    return sum(offsets) / len(offsets) / TIMING_STEPS


def strike_code(velocity: float) -> float:
    """The code of a strike of velocity 0-127."""
    return SOFTEST + (LOUDEST - SOFTEST) * velocity / 127
