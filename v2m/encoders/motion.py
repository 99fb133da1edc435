"""Movement as feature rows whose angle grows with the movement that changes.

Velocities that were measured anywhere in the frame, by optical flow or by tracked points, become the mean
velocity in each cell of a grid: a row then means the same whatever points it came from, so that points may be
seeded again without an event. The camera is taken out first, as the median of all velocities.

Conventions: velocities in frame heights a second, x to the right and y down; positions from 0 to 1 across
and down the frame. The event of a dance is a change of velocity: a step lands, an arm turns around.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatRows = NDArray[np.float32]

GRID: Final = (4, 6)
"""Rows and columns: a cell is about as wide as a limb is long where one person fills the frame."""

STILLNESS: Final = 1.0
"""A value that all rows share, so that rest has a direction and a row turns with the size of a change, not
with its share. As long as the row of a dancer who fills a quarter of the frame at 0.4 heights a second."""

FASTEST: Final = 3.0
"""Heights a second; what seems faster than a frame in a third of a second was measured wrongly."""

FEATURE_COUNT: Final = 1 + 2 * GRID[0] * GRID[1]


def motion_rows(
    velocities: NDArray[np.floating], positions: NDArray[np.floating], weights: NDArray[np.floating]
) -> FloatRows:
    """Feature rows of the velocities at n times.

    Args:
        velocities: (n, p, 2) x and y of p points.
        positions: (n, p, 2) or (p, 2), where each is in the frame.
        weights: (n, p), how much each counts; 0 for one that is not seen.

    Returns:
        (n, 49): the constant, then x and y of each cell.
    """
    count = len(weights)
    rows = np.zeros((count, FEATURE_COUNT), dtype=np.float32)
    rows[:, 0] = STILLNESS
    moved = np.clip(velocities - _camera(velocities, weights), -FASTEST, FASTEST)
    cells = _cells(np.broadcast_to(positions, velocities.shape))  # (n, p)
    flat = (np.arange(count)[:, None] * (GRID[0] * GRID[1]) + cells).ravel()
    size = count * GRID[0] * GRID[1]
    total = np.bincount(flat, weights.ravel(), size)
    # a cell where little is seen stays near rest instead of repeating one doubtful point
    usual = np.maximum(weights.sum(axis=1) / (GRID[0] * GRID[1]), 1e-9).repeat(GRID[0] * GRID[1])
    for axis in (0, 1):
        summed = np.bincount(flat, (moved[..., axis] * weights).ravel(), size)
        means = summed / np.maximum(total, usual)
        rows[:, 1 + axis :: 2] = means.reshape(count, -1)
    return rows


def _camera(velocities: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """The median velocity of the points that are seen, (n, 1, 2); 0 where none is."""
    seen = np.where(weights[..., None] > 0, velocities, np.nan)
    camera = np.zeros((len(velocities), 1, 2))
    known = (weights > 0).any(axis=1)
    camera[known] = np.nanmedian(seen[known], axis=1, keepdims=True)
    return camera


def _cells(positions: NDArray[np.floating]) -> NDArray[np.intp]:
    """Number of the cell that each position lies in, row by row."""
    column = np.clip((positions[..., 0] * GRID[1]).astype(np.intp), 0, GRID[1] - 1)
    row = np.clip((positions[..., 1] * GRID[0]).astype(np.intp), 0, GRID[0] - 1)
    return np.asarray(row * GRID[1] + column, dtype=np.intp)
