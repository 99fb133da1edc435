"""What may be wrong with a piece of music: no licence, too short, silent, clipped.

Conventions: samples (s, 2), full scale 1; shares are of the piece's length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.errors import UsageError
from v2m_training.prepare.manifest import Entry

_BLOCK_S: Final = 0.05
_SILENCE_DB: Final = -60.0
"""Of a block of 50 ms: below the room tone of recordings, above the dither of 16 bit (-96)."""

_FULL: Final = 0.999
"""Of full scale: where 16-bit converters and encoders leave what was cut off."""

_RUN: Final = 3
"""Samples at full scale in a row: one may be a true peak, three are cut off."""


@dataclass(frozen=True)
class Limits:
    """What is let through."""

    licences: tuple[str, ...] = ()
    """Those that may be learned from; empty takes any, but none is never taken."""

    shortest_s: float = 32.0
    """As long as the excerpts that are learned (paper, section 4)."""

    longest_s: float = 1800.0
    """Half an hour is a set or an album side, not a piece, and fills the memory of a worker."""

    most_silence: float = 0.25
    most_clipping: float = 1e-3
    """Modern masters clip now and then: a thousandth of the samples is heard as distortion."""

    def __post_init__(self) -> None:
        """Refuse limits that nothing can pass.

        Raises:
            UsageError: a number out of range.
        """
        if not 0 < self.shortest_s <= self.longest_s:
            raise UsageError(f"Pieces from {self.shortest_s} to {self.longest_s} s are asked for.")
        if not (0 <= self.most_silence <= 1 and 0 <= self.most_clipping <= 1):
            raise UsageError("The most silence and clipping are shares from 0 to 1.")


@dataclass(frozen=True)
class Sounding:
    """What was measured of a piece."""

    duration_s: float
    silent: float
    """Share of blocks below -60 dB."""

    clipped: float
    """Share of samples in runs at full scale."""

    level_db: float
    """Root mean square against full scale."""


def measured(samples: NDArray[np.float32], rate_hz: int) -> Sounding:
    """Measure a piece."""
    if not len(samples):
        return Sounding(0.0, 1.0, 0.0, -np.inf)
    block = max(1, round(_BLOCK_S * rate_hz))
    power = np.square(samples, dtype=np.float64).mean(axis=1)
    blocks = np.add.reduceat(power, np.arange(0, len(power), block)) / block
    full: NDArray[np.bool_] = np.asarray((np.abs(samples) >= _FULL).any(axis=1))
    return Sounding(
        len(samples) / rate_hz,
        float((blocks < 10 ** (_SILENCE_DB / 10)).mean()),
        float(_in_runs(full).mean()),
        float(10 * np.log10(max(power.mean(), 1e-12))),
    )


def _in_runs(full: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the samples lie in a run of at least `_RUN`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], full, [False]]).astype(np.int8)))
    found = np.zeros_like(full)
    for start, stop in edges.reshape(-1, 2):
        found[start:stop] = stop - start >= _RUN
    return found


def problems(entry: Entry, sounding: Sounding, limits: Limits) -> Iterator[str]:
    """Why a piece is not learned from; nothing if it may be."""
    if not entry.licence:
        yield "no licence"
    elif limits.licences and entry.licence not in limits.licences:
        yield "another licence"
    if not entry.text:
        yield "no words"
    if sounding.duration_s < limits.shortest_s:
        yield "too short"
    if sounding.duration_s > limits.longest_s:
        yield "too long"
    if sounding.silent > limits.most_silence:
        yield "silent"
    if sounding.clipped > limits.most_clipping:
        yield "clipped"
