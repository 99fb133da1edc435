"""What is already known of an excerpt when it has to be composed: the tasks that the masks teach.

    share  task                what is known
    0.50   compose             nothing
    0.20   continue            the frames before a point: the next window of a long programme
    0.10   repair              all but a span: a region that is made again
    0.12   keep parts          some groups throughout: new chords over the same drums
    0.08   repair under parts  all but a span, and some groups in the span too

Conventions: a mask is (t, g), 1 where a group is known in a frame. Spans begin and end on beats, as the
regions of a take do.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import STEPS_PER_BEAT

_TASKS: Final = ("compose", "continue", "repair", "keep parts", "repair under parts")
_SHARES: Final = (0.50, 0.20, 0.10, 0.12, 0.08)

_MOST_KNOWN: Final = 0.75
"""A continuation knows at most this share: what little remains to be composed teaches little."""


def random_mask(rng: np.random.Generator, frame_count: int, groups: int) -> NDArray[np.float32]:
    """The mask (t, g) of a task drawn at random; never all known."""
    task = _TASKS[rng.choice(len(_TASKS), p=_SHARES)]
    mask = np.zeros((frame_count, groups), dtype=np.float32)
    beats = frame_count // STEPS_PER_BEAT
    if task == "continue":
        mask[: STEPS_PER_BEAT * int(rng.integers(1, max(2, int(beats * _MOST_KNOWN))))] = 1
    if task.startswith("repair"):
        length = int(rng.integers(1, max(2, beats * 3 // 4)))
        start = int(rng.integers(0, beats - length + 1))
        mask[:] = 1
        mask[STEPS_PER_BEAT * start : STEPS_PER_BEAT * (start + length)] = 0
    if task.endswith("parts"):
        kept = rng.permutation(groups)[: rng.integers(1, groups)]  # at least one kept, one to compose
        mask[:, kept] = 1
    return mask
