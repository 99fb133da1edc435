"""Brushes: shapes with soft edges, painted on a picture with numpy.

Conventions: a picture is float32 (HEIGHT, WIDTH, 3) in 0..255; places are pixels of it, y downwards; an edge
is one pixel wide, so that slow movement is smooth.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360

Picture = NDArray[np.float32]
Line = NDArray[np.float32]  # (WIDTH,) a height for each column
Color = tuple[float, float, float]
Place = tuple[float, float]

COLUMNS = np.arange(WIDTH, dtype=np.float32) + 0.5
ROWS = np.arange(HEIGHT, dtype=np.float32)[:, None] + 0.5


def sky(top: Color, bottom: Color) -> Picture:
    """A new picture, shaded from top to bottom."""
    share = (ROWS / np.float32(HEIGHT))[..., None]
    shade = np.asarray(top, np.float32) * (1 - share) + np.asarray(bottom, np.float32) * share
    return np.broadcast_to(shade, (HEIGHT, WIDTH, 3)).astype(np.float32)


def blend(patch: Picture, color: Color, coverage: Picture) -> None:
    """Lay a colour over a part of a picture, as much as `coverage` (h, w) in 0..1 says."""
    patch += (np.asarray(color, np.float32) - patch) * coverage[..., None]


def disc(
    picture: Picture, center: Place, radius: float, color: Color, *, squash: float = 1, glow: float = 1
) -> None:
    """A disc; `squash` below 1 flattens it, `glow` is the width of its soft edge in pixels."""
    (x, y), reach = center, radius + glow
    left, right = max(0, int(x - reach)), min(WIDTH, int(x + reach) + 2)
    top, bottom = max(0, int(y - reach)), min(HEIGHT, int(y + reach) + 2)
    if left >= right or top >= bottom:
        return
    distance = np.hypot(COLUMNS[left:right] - x, (ROWS[top:bottom] - y) / squash) - radius
    blend(picture[top:bottom, left:right], color, np.clip(0.5 - distance / glow, 0, 1))


def box(picture: Picture, corner: Place, size: Place, color: Color) -> None:
    """An upright rectangle."""
    (x, y), (width, height) = corner, size
    left, right = max(0, int(x)), min(WIDTH, int(x + width) + 1)
    top, bottom = max(0, int(y)), min(HEIGHT, int(y + height) + 1)
    if left >= right or top >= bottom:
        return
    across = np.clip(np.minimum(COLUMNS[left:right] - x, x + width - COLUMNS[left:right]) + 0.5, 0, 1)
    down = np.clip(np.minimum(ROWS[top:bottom] - y, y + height - ROWS[top:bottom]) + 0.5, 0, 1)
    blend(picture[top:bottom, left:right], color, across * down)


def line(picture: Picture, start: Place, end: Place, width: float, color: Color) -> None:
    """A stroke with round ends."""
    (x, y), (along_x, along_y) = start, (end[0] - start[0], end[1] - start[1])
    left, right = max(0, int(min(x, end[0]) - width)), min(WIDTH, int(max(x, end[0]) + width) + 2)
    top, bottom = max(0, int(min(y, end[1]) - width)), min(HEIGHT, int(max(y, end[1]) + width) + 2)
    if left >= right or top >= bottom:
        return
    across, down = COLUMNS[left:right] - x, ROWS[top:bottom] - y
    share = np.clip((across * along_x + down * along_y) / (along_x**2 + along_y**2), 0, 1)
    distance = np.hypot(across - share * along_x, down - share * along_y) - width / 2
    blend(picture[top:bottom, left:right], color, np.clip(0.5 - distance, 0, 1))


def triangle(picture: Picture, corners: tuple[Place, Place, Place], color: Color) -> None:
    """A triangle, its corners in either order."""
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    left, right = max(0, int(min(xs))), min(WIDTH, int(max(xs)) + 2)
    top, bottom = max(0, int(min(ys))), min(HEIGHT, int(max(ys)) + 2)
    if left >= right or top >= bottom:
        return
    (ax, ay), (bx, by), (cx, cy) = corners
    side = math.copysign(1, (bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
    inside = np.full((bottom - top, right - left), np.inf, np.float32)
    for (px, py), (qx, qy) in (((ax, ay), (bx, by)), ((bx, by), (cx, cy)), ((cx, cy), (ax, ay))):
        across = (qx - px) * (ROWS[top:bottom] - py) - (qy - py) * (COLUMNS[left:right] - px)
        inside = np.minimum(inside, side * across / max(1e-6, math.hypot(qx - px, qy - py)))
    blend(picture[top:bottom, left:right], color, np.clip(inside + 0.5, 0, 1))


def ground(picture: Picture, heights: Picture, color: Color) -> None:
    """Everything below a skyline, given as one height for each column."""
    top = max(0, int(heights.min()) - 1)
    blend(picture[top:], color, np.clip(ROWS[top:] - heights + 0.5, 0, 1))


def ridge(at: float, base: float, swing: float, period: float) -> Picture:
    """The skyline of hills or waves as seen from `at`: two sines that never quite repeat."""
    x = (COLUMNS + at) * (2 * math.pi / period)
    return base + swing * (np.sin(x) + 0.45 * np.sin(2.3 * x + 1.7))


def turned(point: Place, angle: float, around: Place) -> Place:
    """Where a point of an object ends up that is turned by `angle` and moved to `around`."""
    (x, y), sine, cosine = point, math.sin(angle), math.cos(angle)
    return around[0] + x * cosine - y * sine, around[1] + x * sine + y * cosine


def scatter(count: int, seed: int) -> NDArray[np.float64]:
    """Places (count, 3) in 0..1 for stars, windows and rain, the same at every call."""
    return np.random.default_rng(seed).random((count, 3))
