"""Dense optical flow between two small pictures: where each pixel went, coarse to fine.

Conventions: luma (n, h, w) float32, 0..255; flow (n, h, w, 2) in pixels, x to the right, y down, such that
`later(p + flow(p)) = earlier(p)`. Source: B. D. Lucas and T. Kanade, "An iterative image registration
technique" (1981), with an image pyramid after J.-Y. Bouguet (2001).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]

SMALLEST: Final = 12
"""Height in pixels of the coarsest level at least: windows must still fit into it."""

LEVELS: Final = 3
"""At 72 pixels of height a movement of 3 pixels of the coarsest level is a sixth of the frame in 40 ms."""

WINDOW: Final = 7
"""Pixels on a side of the square that moves as one."""

_ROUNDS: Final = 2
"""Refinements on each level; a third changes the flow of real footage by less than a twentieth of a pixel."""

_NOISE: Final = 4.0
"""Squared gradient, per pixel, of a step of two levels of 255: flatter windows keep the flow of the level
above, since grain and the blocks of a coder would else be taken for movement."""

_SMOOTH: Final = 0.8
"""Standard deviation in pixels of the blur before gradients are taken, against aliasing."""


def optical_flow(earlier: FloatArray, later: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Flow from each picture to its later one, and how much texture there is to tell it by.

    Returns:
        (n, h, w, 2) in pixels, and (n, h, w) the smaller eigenvalue of the gradients' window, 0 where flat.
    """
    pairs = [(earlier, later)]
    while len(pairs) < LEVELS and pairs[-1][0].shape[1] // 2 >= SMALLEST:
        pairs.append((_halved(pairs[-1][0]), _halved(pairs[-1][1])))
    flow = np.zeros((*pairs[-1][0].shape, 2), dtype=np.float32)
    texture = np.zeros(earlier.shape, dtype=np.float32)
    for first, second in reversed(pairs):
        if flow.shape[1:3] != first.shape[1:]:
            flow = _doubled(flow, first.shape)
        flow, texture = _refined(first, second, flow)
    return flow, texture


def _refined(first: FloatArray, second: FloatArray, flow: FloatArray) -> tuple[FloatArray, FloatArray]:
    first, second = (ndimage.gaussian_filter(each, (0, _SMOOTH, _SMOOTH)) for each in (first, second))
    down, across = np.gradient(first, axis=(1, 2))
    squares = (np.asarray(a * b, np.float32) for a, b in ((across, across), (across, down), (down, down)))
    xx, xy, yy = (_window(square) for square in squares)
    half_trace = (xx + yy) / 2
    smaller = half_trace - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    xx, yy = xx + _NOISE, yy + _NOISE
    scale = 1 / (xx * yy - xy * xy)
    for _ in range(_ROUNDS):
        change = _warped(second, flow) - first
        x, y = (_window(np.asarray(gradient * change, np.float32)) for gradient in (across, down))
        step = np.stack([(xy * y - yy * x) * scale, (xy * x - xx * y) * scale], axis=-1)
        # more than a window's half cannot be told from one window
        flow = flow + np.clip(step, -WINDOW / 2, WINDOW / 2).astype(np.float32)
    return flow.astype(np.float32), np.maximum(smaller, 0).astype(np.float32)


def _window(values: FloatArray) -> FloatArray:
    return np.asarray(ndimage.uniform_filter(values, (0, WINDOW, WINDOW)), dtype=np.float32)


def _halved(pictures: FloatArray) -> FloatArray:
    height, width = pictures.shape[1] // 2 * 2, pictures.shape[2] // 2 * 2
    even = pictures[:, :height, :width]
    return np.asarray(
        (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4, np.float32
    )


def _doubled(flow: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    larger = (2 * flow).repeat(2, axis=1).repeat(2, axis=2)
    missing = [(0, 0), (0, shape[1] - larger.shape[1]), (0, shape[2] - larger.shape[2]), (0, 0)]
    return np.pad(larger, missing, mode="edge")


def _warped(pictures: FloatArray, flow: FloatArray) -> FloatArray:
    """Each picture read where its pixels went, bilinear, with its edges repeated."""
    count, height, width = pictures.shape
    x = np.clip(np.arange(width, dtype=np.float32) + flow[..., 0], 0, width - 1)
    y = np.clip(np.arange(height, dtype=np.float32)[:, None] + flow[..., 1], 0, height - 1)
    left, top = np.minimum(x.astype(np.intp), width - 2), np.minimum(y.astype(np.intp), height - 2)
    x, y = x - left, y - top
    start = (np.arange(count)[:, None, None] * height + top) * width + left
    flat = pictures.ravel()
    upper = flat[start] * (1 - x) + flat[start + 1] * x
    lower = flat[start + width] * (1 - x) + flat[start + width + 1] * x
    return np.asarray(upper * (1 - y) + lower * y, dtype=np.float32)
