"""How near pieces lie to the training music: Fréchet distances of how they sound and of what is written.

    sound   a vector a second: level and spread of the bands and pitch classes that `spectral` hears
    score   a vector a bar: level and spread of the latents, which are what `sketch` composes

Each in the 32 principal directions of the training music. The paper's is of the sound, by VGGish, to a set of
recordings; here all rows play on the same instruments, and what differs lies in the notes: the score tells
rows apart that sound alike. An estimate has a bias that grows with fewer vectors, so as many pieces of the
training music that the reference does not hold stand beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.encoders import spectral
from v2m.metrics.frechet import Gaussian, frechet_distance

Vectors = NDArray[np.float32]

KINDS = ("sound", "score")
DIRECTIONS = 32

BAR_FRAMES = 4 * STEPS_PER_BEAT


@dataclass(frozen=True)
class Likeness:
    """What a piece is like."""

    sound: Vectors  # (seconds, 152)
    score: Vectors  # (bars, 2 c)


def heard(features: NDArray[np.float32]) -> Vectors:
    """What each second sounds like, (seconds, 152): level and spread of bands and pitch classes."""
    return _level_and_spread(features[:, 1 : 1 + spectral.BAND_COUNT + 12], spectral.RATE_HZ)


def written(latents: NDArray[np.floating]) -> Vectors:
    """What each bar of a piece is like, (bars, 2 c): level and spread of the latents (t, c)."""
    return _level_and_spread(latents.astype(np.float32), BAR_FRAMES)


def _level_and_spread(rows: NDArray[np.float32], span: int) -> Vectors:
    spans = max(1, len(rows) // span)
    parts: Sequence[NDArray[np.float32]] = np.array_split(rows[: spans * span], spans)
    return np.stack([np.concatenate([part.mean(axis=0), part.std(axis=0)]) for part in parts])


@dataclass(frozen=True)
class Distance:
    """A distance, or the difference of two."""

    value: float
    left_out: NDArray[np.float64]  # (pieces,)
    """The same without one of the pieces each."""

    def __sub__(self, other: Distance) -> Distance:
        """Of the same cases: what they have in common does not widen the interval."""
        return Distance(self.value - other.value, self.left_out - other.left_out)

    @property
    def half_width(self) -> float:
        """Of the 95 percent interval, by the jackknife: pieces drawn with doubles would lie farther."""
        count = len(self.left_out)
        error = np.sqrt((count - 1) * self.left_out.var())
        return float(stats.t.ppf(0.975, count - 1) * error)


class Closeness:
    """The distance of pieces to the training music, which is the same for all arms."""

    def __init__(self, training: Sequence[Vectors]) -> None:
        rows = np.concatenate(training).astype(np.float64)
        self._mean = rows.mean(axis=0)
        self._directions = np.linalg.eigh(np.cov(rows, rowvar=False))[1][:, -DIRECTIONS:]
        self._reference = Gaussian.of(self._seen(rows))

    def _seen(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray((rows - self._mean) @ self._directions)

    def __call__(self, pieces: Sequence[Vectors]) -> Distance:
        """Measure pieces."""
        seen = [self._seen(piece) for piece in pieces]
        left_out = [self._distance(seen[:i] + seen[i + 1 :]) for i in range(len(seen))]
        return Distance(self._distance(seen), np.array(left_out))

    def _distance(self, pieces: Sequence[NDArray[np.float64]]) -> float:
        return frechet_distance(Gaussian.of(np.concatenate(pieces)), self._reference)
