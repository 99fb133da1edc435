"""Optical flow of small pictures: where each spot of one picture lies in the next.

Lucas and Kanade's least squares in windows, from coarse to fine: at each level of a pyramid the second
picture is warped by the flow so far, and the rest is solved for. All pairs of a batch are solved at once.

Conventions: pictures grey float, (n, h, w); flow in pixels a pair, (n, h, w, 2), x to the right, then y down.
A window without texture across some direction has no flow there; the damping then gives next to none.
Sources: Lucas and Kanade 1981; Bouguet 2000, "Pyramidal Implementation of the Lucas Kanade Feature Tracker".
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]

LEVELS: Final = 3
"""Movement of up to about 12 pixels of a picture 96 wide, an eighth of it, from one picture to the next."""

_WINDOW: Final = 7
"""Pixels: a limb of a person who fills the height of a small picture is about four wide."""

_STEPS: Final = 2
"""Solutions a level: the second corrects the first where the movement bends."""

_DAMPING: Final = 4.0
"""Added to the squared gradients, of luma 0-255: noise of two levels is no texture."""

_MOST_PX: Final = 3.0
"""A step of more than this at one level is no solution but an edge of the picture or a change of shot."""


def optical_flow(before: FloatArray, after: FloatArray) -> FloatArray:
    """The flow from each picture to its partner.

    Args:
        before: (n, h, w) luma 0-255.
        after: as many.
    """
    pyramid = [(np.asarray(before, np.float32), np.asarray(after, np.float32))]
    while len(pyramid) < LEVELS and min(pyramid[-1][0].shape[1:]) >= 4 * _WINDOW:
        pyramid.append((_halved(pyramid[-1][0]), _halved(pyramid[-1][1])))
    flow = np.zeros((*pyramid[-1][0].shape, 2), np.float32)
    for first, second in reversed(pyramid):
        flow = _grown(flow, first.shape)
        for _ in range(_STEPS):
            flow = _improved(first, second, flow)
    return flow


def grey(pictures: NDArray[np.uint8]) -> FloatArray:
    """Luma of RGB pictures (n, h, w, 3), Rec. 709, lightly smoothed: gradients of bare pixels are noise."""
    luma = pictures @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.asarray(ndimage.gaussian_filter(luma, (0, 0.7, 0.7)), np.float32)


def _improved(first: FloatArray, second: FloatArray, flow: FloatArray) -> FloatArray:
    warped = _warped(second, flow)
    dx = ndimage.correlate1d(first, [-0.5, 0, 0.5], axis=2)
    dy = ndimage.correlate1d(first, [-0.5, 0, 0.5], axis=1)
    rest = first - warped
    xx, yy, xy, xt, yt = (_summed(product) for product in (dx * dx, dy * dy, dx * dy, dx * rest, dy * rest))
    xx, yy = xx + _DAMPING, yy + _DAMPING
    determinant = xx * yy - xy * xy
    step = np.stack([yy * xt - xy * yt, xx * yt - xy * xt], axis=-1) / determinant[..., None]
    return np.asarray(flow + np.clip(step, -_MOST_PX, _MOST_PX), np.float32)


def _summed(product: FloatArray) -> FloatArray:
    return np.asarray(ndimage.uniform_filter(product, (0, _WINDOW, _WINDOW)), np.float32)


def _warped(pictures: FloatArray, flow: FloatArray) -> FloatArray:
    """Each picture read at the places that the flow leads to, bilinear, level past its edges."""
    count, height, width = pictures.shape
    x = np.clip(np.arange(width, dtype=np.float32) + flow[..., 0], 0, width - 1.001)
    y = np.clip(np.arange(height, dtype=np.float32)[:, None] + flow[..., 1], 0, height - 1.001)
    left, top = x.astype(np.intp), y.astype(np.intp)
    x, y = x - left, y - top
    place = np.arange(count)[:, None, None] * (height * width) + top * width + left
    flat = pictures.ravel()
    upper = flat[place] * (1 - x) + flat[place + 1] * x
    lower = flat[place + width] * (1 - x) + flat[place + width + 1] * x
    return np.asarray(upper * (1 - y) + lower * y, np.float32)


def _halved(pictures: FloatArray) -> FloatArray:
    height, width = pictures.shape[1] // 2 * 2, pictures.shape[2] // 2 * 2
    whole = pictures[:, :height, :width]
    return (
        whole[:, ::2, ::2] + whole[:, 1::2, ::2] + whole[:, ::2, 1::2] + whole[:, 1::2, 1::2]
    ) / np.float32(4)


def _grown(flow: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """The flow of one level on the grid of the next finer one."""
    if flow.shape[:3] == shape:
        return flow
    rows = np.minimum(np.arange(shape[1]) // 2, flow.shape[1] - 1)
    columns = np.minimum(np.arange(shape[2]) // 2, flow.shape[2] - 1)
    return np.asarray(2 * flow[:, rows][:, :, columns], np.float32)
