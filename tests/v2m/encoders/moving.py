"""Films made of formulas, whose pictures are known at any time: the same scene at any rate."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from v2m.encoders.protocol import PictureEncoder

Scene = Callable[[float, int, int], NDArray[np.uint8]]
"""The picture (h, w, 3) at a time, of a width and a height."""


def texture(seed: int, smooth: float, size: int = 256) -> NDArray[np.float64]:
    """Grey clouds that go on at their edges, about 30 to 225."""
    drawn = ndimage.gaussian_filter(
        np.random.default_rng(seed).normal(size=(size, size)), smooth, mode="wrap"
    )
    return 128 + 45 * drawn / drawn.std()


BACKGROUND, BODY = texture(1, 6), texture(2, 3)


def dancer(steps_s: tuple[float, ...], *, speed: float = 0.5, pan: float = 0.0, cut_s: float = 1e9) -> Scene:
    """Somebody who turns around at each step before a background that may pan; after the cut all is other.

    Speeds are in frame heights a second.
    """

    def place(time_s: float) -> float:
        edges = np.clip([0.0, *steps_s, 1e9], 0, time_s)
        return float((np.diff(edges) * (speed * (-1.0) ** np.arange(len(edges) - 1))).sum())

    def picture(time_s: float, width: int, height: int) -> NDArray[np.uint8]:
        behind, before = (BODY, BACKGROUND) if time_s >= cut_s else (BACKGROUND, BODY)
        y, x = np.mgrid[0:height, 0:width] / height  # in frame heights
        grey = sampled(behind, x + pan * time_s, y)
        u, v = x - 0.5 - place(time_s), y - 0.2
        inside = (u >= 0) & (u < 0.35) & (v >= 0) & (v < 0.7)
        grey[inside] = sampled(before, u[inside] + 3, v[inside] + 3)
        return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)

    return picture


def sampled(
    clouds: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(ndimage.map_coordinates(clouds, [y * 128, x * 128], order=1, mode="grid-wrap"))


def show(
    encoder: PictureEncoder, scene: Scene, duration_s: float, rate: int, *, cuts: tuple[float, ...] = ()
) -> None:
    """Let an encoder look at a scene as `analyze` would show it: no faster than it wants."""
    width, height = encoder.size(16 / 9)
    step = math.ceil(rate / (encoder.max_rate_hz or rate))
    times_s = np.arange(0, round(duration_s * rate), step) / rate
    shots = np.searchsorted(np.array(cuts), times_s + 1e-9)
    for begin in range(0, len(times_s), 64):
        block = slice(begin, begin + 64)
        pictures = np.stack([scene(time_s, width, height) for time_s in times_s[block].tolist()])
        encoder.push(times_s[block], pictures, shots[block])
