"""What it costs to play a part of a track: hits that are missed, stretch, cuts.

Conventions: as in `choice`; a unit is a missed hit of weight 1, as in the planner of `v2m.tempo`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from v2m.curves import FloatArray
from v2m.fit.music import Music
from v2m.tempo.passing import missed_share
from v2m.tempo.search import OFF_BAR_COST, Targets
from v2m.tempo.settings import TempoCosts

MOMENT_GAIN: Final = 0.4
"""Share of its weight that a hit is worth more on the biggest moment of a track: less than another hit."""

CUT_COST: Final = 0.35
"""Of a cut between bars that are the same: two hits in three that it wins pay for it."""

UNLIKE_COST: Final = 1.0
"""And this much more between bars that have nothing in common, which a listener takes for another song."""


@dataclass(frozen=True)
class Prices:
    """The prices of one track under one programme."""

    targets: Targets
    music: Music
    costs: TempoCosts
    """Of stretching; `high` is the most that music may be stretched or squeezed."""

    @cached_property
    def worth(self) -> FloatArray:
        """Share of its weight that a hit costs on each beat, (n,); big moments cost less than nothing."""
        place = np.full(len(self.music.beats_s), OFF_BAR_COST)
        place[list(self.music.form.downbeats)] = 0.0
        return np.asarray(place - MOMENT_GAIN * self.music.form.moments)

    def cut_costs(self) -> FloatArray:
        """From each bar line to each other, (bars, bars); to itself is no cut."""
        costs = CUT_COST + UNLIKE_COST * (1.0 - self.music.form.likeness)
        np.fill_diagonal(costs, np.inf)
        return np.asarray(costs)

    def bend(self, m: FloatArray, beats: FloatArray | float) -> FloatArray:
        """Cost of a stretch over so many beats, infinite beyond the limit."""
        return np.where(np.abs(m) <= self.costs.high + 1e-9, self.costs.deviation * beats * m**2, np.inf)

    def missed_between(self, i: int, j: int, steps: int) -> float:
        """The targets that are passed between two reached ones, `steps` even beats apart."""
        times = self.targets.times_s
        span_s = times[j] - times[i]
        places = (times[i + 1 : j] - times[i]) / span_s * steps
        off_s = np.abs(places - np.round(places)) * span_s / steps
        return float(self.targets.weights[i + 1 : j] @ missed_share(off_s))

    def missed_straight(self, i: int, others: slice) -> FloatArray:
        """Targets before or behind one where the track runs on as it is, by the beat on that one, (n,)."""
        ahead_s = self.targets.times_s[others] - self.targets.times_s[i]
        song_s = self.music.beats_s[:, None] + ahead_s[None]
        right = np.clip(np.searchsorted(self.music.beats_s, song_s), 1, len(self.music.beats_s) - 1)
        off_s = np.minimum(
            np.abs(song_s - self.music.beats_s[right - 1]), np.abs(self.music.beats_s[right] - song_s)
        )
        return np.asarray(missed_share(off_s) @ self.targets.weights[others])

    def arrive(self, i: int) -> FloatArray:
        """A target reached on each beat, (n,)."""
        return np.asarray(self.targets.weights[i] * self.worth)

    def cover(self, there_s: FloatArray, needed_s: float) -> FloatArray:
        """Cost of making what there is of the track last as long as needed."""
        short = np.maximum(needed_s - there_s, 0.0) / np.maximum(there_s, 1e-6)
        return self.bend(short, there_s / self.music.interval_s)
