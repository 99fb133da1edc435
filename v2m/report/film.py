"""Where the pictures of a sheet stand on the time axis, and which of them are shown when not all have room.

A sheet has a picture for each quarter of a second or less often, so the first picture of a shot was often
seen a little after its cut. It is shown from the cut on: before it stands a picture of another shot.
Conventions: times in seconds of the programme, rising.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FloatArray
from v2m.frames import Sheet

_ROUNDING_S: Final = 0.001
"""Of times in a sheet: the picture at a cut may be told this much before it."""

_TOUCHING: Final = 0.94
"""Of a picture's width from one to the next: lanes are a little wider in some browsers than in others."""


@dataclass(frozen=True)
class Film:
    """The pictures of a sheet that fall into a programme."""

    starts_s: FloatArray  # (n,)
    """From when on each is shown; picture i is tile i of the sheet."""

    is_first: NDArray[np.bool_]  # (n,)
    """Whether each is the first of its shot."""

    @classmethod
    def of(cls, sheet: Sheet, bounds_s: Sequence[float]) -> Film:
        """The pictures of a programme whose shots begin and end at these times."""
        times_s = np.array([time_s for time_s in sheet.times_s if time_s < bounds_s[-1]], np.float64)
        is_first = np.zeros(len(times_s), bool)
        for begin_s, end_s in pairwise(bounds_s):
            index = int(np.searchsorted(times_s, begin_s - _ROUNDING_S))
            if index < len(times_s) and times_s[index] < end_s - _ROUNDING_S:
                times_s[index], is_first[index] = begin_s, True
        return cls(times_s, is_first)

    def chosen(self, width_s: float, least_s: float, shown: Sequence[int] = ()) -> list[int]:
        """Which are shown where each covers so much of the axis and hides what it covers of the one before.

        Args:
            width_s: what a picture covers.
            least_s: the first picture of a shot is shown only so far from the one before.
            shown: pictures that are shown anyway.
        """
        following_s = np.append(self.starts_s[1:], np.inf)
        chosen: list[int] = []
        for index, start_s in enumerate(self.starts_s.tolist()):
            since_s = start_s - self.starts_s[chosen[-1]] if chosen else np.inf
            # the last that still touches the one before, so that no ground shows between them
            is_due = following_s[index] - start_s + since_s > _TOUCHING * width_s
            if index in shown or (since_s >= least_s and (is_due or self.is_first[index])):
                chosen.append(index)
        return chosen
