"""The embedded video encoder, `pixel`: layout, colour, edges and motion of small pictures; no weights.

    pictures -> luma on a 6 x 4 grid           where light and dark lie
             -> two colour axes on a 4 x 3 grid  where which colour lies
             -> edge directions on a 4 x 3 grid  the drawing of the picture
             -> histogram of luma, 8 bins        exposure, fades, flashes
             -> motion on a 4 x 3 grid           where the picture moves, after all pictures are known

Each group is a vector of limited length, and the groups are set side by side with fixed weights, so the
cosine between two rows is the weighted mean of the groups' cosines. Layout and edges are taken relative to
the picture's own contrast, so a change of exposure or gamma alone moves the histogram and little else.

Conventions: RGB, uint8, whole frames of one size within a push, about 96 x 54; gamma-coded values are used as
they are, since they are nearer to what an eye sees than linear light. Sources: gradient orientation grids as
in N. Dalal and B. Triggs, "Histograms of Oriented Gradients" (2005); opponent axes of ITU-R BT.709.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import LAG_S, Features, FloatArray
from v2m.errors import InputError

NAME: Final = "pixel"

SIZE: Final = (96, 54)
"""Width and height: the size in which cuts are looked for, so that a video is decoded once."""

LUMA_GRID: Final = (4, 6)
COARSE_GRID: Final = (3, 4)
"""Rows and columns. A cell is a sixth to a quarter of the picture: a step of the camera by a few pixels stays
inside it, a change of framing does not."""

DIRECTION_COUNT: Final = 4
"""Edge directions told apart: horizontal, vertical and the two diagonals, without sign."""

LUMA_BINS: Final = 8
"""Coarse on purpose: a brightness step of ten levels of 255 moves a picture by a quarter of a bin."""

MOTION_GRID: Final = (9, 16)
"""Luma kept of each picture until the motion is computed: 144 bytes, 25 MB for two hours."""

MAX_GAP_S: Final = 0.5
"""Pictures further apart than this are not taken as one movement (a file of 2 pictures a second still is)."""

WEIGHTS: Final = {"luma": 1.0, "colour": 0.7, "edges": 0.8, "histogram": 0.5, "motion": 0.3}
"""Length of each group in a row. Luma layout leads because compression and grain touch it least; motion is
light because judder (25 frames a second shown at 24 or 60) touches it most: curves of heavy traffic at 24 and
60 frames a second correlate by 0.97 with 0.5, by 0.985 with 0.3."""

MOTION_LAG_S: Final = 2 * LAG_S
"""Motion is the change over this time: long enough for judder to even out."""

_FLOORS: Final = {"luma": 0.1, "colour": 0.1, "edges": 0.3, "motion": 0.2}
"""Length under which a group fades out: about that of the faintest picture that still shows something (steps
of 2 % from cell to cell), so that grain on black and the blocks of a coder are not blown up to a look."""

SMALLEST: Final = 2 * MOTION_GRID[1]
"""Least width and height: half of it still fills the finest grid."""

FEATURE_COUNT: Final = 24 + 2 * 12 + DIRECTION_COUNT * 12 + LUMA_BINS + 12

_OPPONENT: Final = np.array(
    [[0.2126, -0.1146, 0.5], [0.7152, -0.3854, -0.4542], [0.0722, 0.5, -0.0458]], dtype=np.float32
)
"""RGB to luma, blue-yellow and red-cyan (BT.709)."""

_BATCH: Final = 32
"""Pictures worked on at once: planes of 96 x 54 floats, 0.7 MB each, which stay in a core's cache."""

_MOTION_BATCH: Final = 4096
"""Thumbnails compared at once: 2 MB of floats, however long the programme."""

FloatRows = NDArray[np.float32]


class PixelEncoder:
    """Takes the pictures of one programme in any order; its features come in order of time."""

    name = NAME
    max_rate_hz: float | None = None
    weights_sha256 = ""
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._times_s: list[FloatArray] = []
        self._looks: list[FloatRows] = []
        self._thumbnails: list[NDArray[np.uint8]] = []

    def size(self, aspect: float) -> tuple[int, int]:
        """The same for every shape: what counts is where in the frame something lies."""
        return SIZE

    def push(
        self, times_s: FloatArray, pictures: NDArray[np.uint8], shots: NDArray[np.intp] | None = None
    ) -> None:
        """Take pictures (n, h, w, 3) that begin to be seen at the times (n,), whatever shot shows them.

        Raises:
            InputError: pictures of another shape or type, or not as many times.
        """
        if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
            raise InputError(
                f"Pictures of shape {pictures.shape} and type {pictures.dtype} are given, "
                "expected (n, height, width, 3) uint8."
            )
        if len(times_s) != len(pictures) or min(pictures.shape[1:3]) < SMALLEST:
            raise InputError(
                f"{len(times_s)} times are given for {len(pictures)} pictures of {pictures.shape[2]} x "
                f"{pictures.shape[1]}, expected one each, {SMALLEST} x {SMALLEST} or larger."
            )
        for begin in range(0, len(pictures), _BATCH):
            look, thumbnails = _look(pictures[begin : begin + _BATCH])
            self._looks.append(look)
            self._thumbnails.append(thumbnails)
        self._times_s.append(np.array(times_s, dtype=np.float64))

    def features(self) -> Features:
        """Features of all pictures so far, in order of time; of two at one time the later pushed counts."""
        if not self._looks:
            return Features(np.zeros(0), np.zeros((0, FEATURE_COUNT), dtype=np.float32), NAME)
        pushed_s = np.concatenate(self._times_s)
        # np.unique names the first of equals, so it is given the pictures last to first
        times_s, from_last = np.unique(pushed_s[::-1], return_index=True)
        order = len(pushed_s) - 1 - from_last
        motion = _motion(times_s, np.concatenate(self._thumbnails)[order])
        return Features(times_s, np.hstack([np.concatenate(self._looks)[order], motion]), NAME)


def _look(pictures: NDArray[np.uint8]) -> tuple[FloatRows, NDArray[np.uint8]]:
    """All groups but motion, (n, 104), and the luma thumbnails (n, 9, 16)."""
    planes = _half(pictures) @ _OPPONENT  # (n, h / 2, w / 2, 3)
    luma = np.ascontiguousarray(planes[..., 0])
    layout = _pool(luma, LUMA_GRID)
    colour = np.hstack([_pool(planes[..., axis], COARSE_GRID) for axis in (1, 2)])
    groups = [
        # a shift of exposure moves all cells alike: the layout is what is left without it
        _limit(layout - layout.mean(axis=1, keepdims=True), _FLOORS["luma"]) * WEIGHTS["luma"],
        _limit(colour, _FLOORS["colour"]) * WEIGHTS["colour"],
        _limit(_edges(luma), _FLOORS["edges"]) * WEIGHTS["edges"],
        _histogram(luma) * WEIGHTS["histogram"],
    ]
    thumbnails = np.rint(_pool(luma, MOTION_GRID) * 255).astype(np.uint8)
    return np.hstack(groups).astype(np.float32), thumbnails.reshape(-1, *MOTION_GRID)


def _half(pictures: NDArray[np.uint8]) -> FloatRows:
    """Means of 2 x 2 pixels, 0..1: fine enough for all groups, a quarter of the work; odd edges are cut."""
    height, width = pictures.shape[1] // 2 * 2, pictures.shape[2] // 2 * 2
    wide = pictures[:, :height, :width].astype(np.float32)
    lines = wide[:, ::2] + wide[:, 1::2]
    return np.asarray((lines[:, :, ::2] + lines[:, :, 1::2]) / np.float32(4 * 255), dtype=np.float32)


def _limit(rows: FloatRows, floor: float) -> FloatRows:
    """Rows brought to length 1, except that those near or below the floor stay short: noise has no look."""
    lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True) + floor**2)
    return np.asarray(rows / lengths, dtype=np.float32)


def _pool(planes: FloatRows, grid: tuple[int, int]) -> FloatRows:
    """Means over the cells of a grid, (n, h, w) -> (n, rows * columns)."""
    rows, columns = _areas(planes.shape[1], grid[0]), _areas(planes.shape[2], grid[1])
    cells = np.asarray(rows @ (planes @ columns.T), dtype=np.float32)  # (n, rows, columns)
    return cells.reshape(len(planes), -1)


@functools.lru_cache(maxsize=32)
def _areas(size: int, cells: int) -> FloatRows:
    """Share of each of `size` pixels in the mean of each cell, (cells, size); borders cut through pixels."""
    borders = np.linspace(0, size, cells + 1)
    overlap = np.minimum(borders[1:, None], np.arange(1, size + 1)) - np.maximum(
        borders[:-1, None], np.arange(size)
    )
    return np.asarray(np.maximum(overlap, 0) * cells / size, dtype=np.float32)


def _edges(luma: FloatRows) -> FloatRows:
    """Strength of the edges in four directions in each cell, (n, 4 * 12)."""
    across = luma[:, 1:-1, 2:] - luma[:, 1:-1, :-2]
    down = luma[:, 2:, 1:-1] - luma[:, :-2, 1:-1]
    squared = across**2 + down**2
    # soft threshold: half the weight at a step of 2 % of full range, so that grain draws no edges
    weight = np.sqrt(squared) / (squared + np.float32(0.02**2))
    # twice the angle: a direction and its opposite are one, and the four directions are +-cos and +-sin
    cosine, sine = (across**2 - down**2) * weight, 2 * across * down * weight
    parts = [np.maximum(part, 0) for part in (cosine, -cosine, sine, -sine)]
    # the root keeps one strong contour from being all that is seen
    return np.hstack([np.sqrt(_pool(part, COARSE_GRID)) for part in parts])


def _histogram(luma: FloatRows) -> FloatRows:
    """Square roots of the shares of luma in soft bins, of length 1, (n, 8)."""
    pixels = luma.reshape(len(luma), -1) * np.float32(LUMA_BINS - 1)
    # bin by bin: one wide array of all bins would leave the cache and cost five times as much
    shares = [np.maximum(0, 1 - np.abs(pixels - np.float32(k))).mean(axis=1) for k in range(LUMA_BINS)]
    return np.asarray(np.sqrt(np.stack(shares, axis=1)), dtype=np.float32)


def _motion(times_s: FloatArray, thumbnails: NDArray[np.uint8]) -> FloatRows:
    """Change of luma over `MOTION_LAG_S` in each cell, (n, 12): that since before or to after, if smaller.

    At a cut only one of the two crosses it, so the cut does not count as motion, whether it is known or not;
    and the result does not depend on the order in which the shots were read.
    """
    index = np.arange(len(times_s))
    lag_s = MOTION_LAG_S + 1e-9
    before = np.minimum(np.searchsorted(times_s, times_s - lag_s), np.maximum(index - 1, 0))
    after = np.maximum(
        np.searchsorted(times_s, times_s + lag_s, side="right") - 1, np.minimum(index + 1, len(index) - 1)
    )
    smaller = np.minimum(*(_moved(times_s, thumbnails, other) for other in (before, after)))
    moved = np.where(np.isfinite(smaller), smaller, 0).astype(np.float32)
    return _limit(moved, _FLOORS["motion"]) * np.float32(WEIGHTS["motion"])


def _moved(times_s: FloatArray, thumbnails: NDArray[np.uint8], other: NDArray[np.intp]) -> FloatRows:
    """Change of luma between pictures and others in each cell, (n, 12); infinite where too far apart."""
    apart_s = np.abs(times_s - times_s[other])
    known = (apart_s > 0) & (apart_s <= MAX_GAP_S)
    # a change over a longer or shorter time than the lag is brought to the lag
    scale = np.divide(MOTION_LAG_S, apart_s, out=np.zeros_like(apart_s), where=known) / 255
    moved = np.full((len(times_s), COARSE_GRID[0] * COARSE_GRID[1]), np.inf, dtype=np.float32)
    for begin in range(0, len(times_s), _MOTION_BATCH):
        block = slice(begin, begin + _MOTION_BATCH)
        step = np.abs(thumbnails[block].astype(np.float32) - thumbnails[other[block]])
        moved[block] = _pool(step, COARSE_GRID) * scale[block, None]
    moved[~known] = np.inf
    return moved
