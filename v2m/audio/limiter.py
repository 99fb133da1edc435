"""A limiter that looks ahead: a gain curve that keeps the true peak under a ceiling without a click.

Conventions: one value a millisecond frame; gains are linear, in (0, 1]. The curve is made for the whole
programme at once, from its peaks alone (four bytes a millisecond: 29 MB for two hours), and is then applied
piece by piece. It forgets: the curve of an excerpt that begins on a whole second is, `FORGETS_FRAMES` later,
that of the programme to the last bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from v2m.audio.peaks import FRAME_SAMPLES

Samples = NDArray[np.float32]
FloatArray = NDArray[np.float64]

LOOK_AHEAD_FRAMES: Final = 5
"""The gain moves over 5 ms before a peak: slow enough to be no click, short enough to leave attacks whole."""

_RELEASE_FRAMES = 80.0
"""Time constant of the return, in ms: faster distorts the bass, slower is heard as pumping."""

FORGETS_FRAMES: Final = 4000
"""After 50 time constants the rest of a return is under a double's last digit beside 1."""

_CHUNK_FRAMES = 1000
"""The return is computed anew from each second on: its rounding then does not depend on where all began."""


def limiter_gains(frame_peaks: Samples, gain: float, ceiling: float) -> FloatArray:
    """The limiter's gain at the start of each frame and at the end of the last, (frames + 1,).

    Between two of them the gain is a straight line, which nowhere exceeds what its frame allows.

    Args:
        frame_peaks: true peak of each frame before any gain.
        gain: linear, applied before the limiter.
        ceiling: linear, for the true peak after it.
    """
    return smooth_gains(np.minimum(1.0, ceiling / np.maximum(frame_peaks.astype(np.float64) * gain, 1e-9)))


def sharing_gains(kept_peaks: Samples, all_peaks: Samples, ceiling: float) -> FloatArray:
    """The gain of what is added to a sound that stays as it is, (frames + 1,).

    |kept + g·added| <= (1 - g)·|kept| + g·|kept + added|: from this bound comes the greatest g.

    Args:
        kept_peaks: true peak of each frame of what stays.
        all_peaks: true peak of each frame of both together.
        ceiling: linear, for the true peak of both.
    """
    room = np.maximum(ceiling - kept_peaks.astype(np.float64), 0.0)
    rise = np.maximum(all_peaks.astype(np.float64) - kept_peaks, 1e-9)
    return smooth_gains(np.where(all_peaks <= ceiling, 1.0, np.minimum(1.0, room / rise)))


def smooth_gains(allowed: FloatArray) -> FloatArray:
    """A gain curve at the edges of frames that nowhere exceeds what each frame allows, (frames + 1,)."""
    released = _release(allowed)
    window = np.hanning(2 * LOOK_AHEAD_FRAMES + 3)[1:-1]
    # the least over the window, then the mean over the same window: never above what the middle allows;
    # one frame more on each side, because the peaks' filter sees its neighbours
    least = ndimage.minimum_filter1d(released, 2 * LOOK_AHEAD_FRAMES + 3, mode="nearest")
    smooth = ndimage.convolve1d(least, window / window.sum(), mode="nearest")
    edges = np.concatenate([smooth[:1], np.minimum(smooth[:-1], smooth[1:]), smooth[-1:]])
    gains: FloatArray = np.minimum(edges, 1.0)
    return gains


def _release(allowed: FloatArray) -> FloatArray:
    """Falls at once and returns to 1 exponentially.

    The distance from 1 is d_n = max(1 - allowed_n, d_{n-1} exp(-1/T)): a running maximum of log d_n + n/T.
    """
    with np.errstate(divide="ignore"):
        distance = np.log(1 - allowed)
    rising = np.arange(min(_CHUNK_FRAMES, len(allowed))) / _RELEASE_FRAMES
    last = -np.inf
    for at in range(0, len(distance), _CHUNK_FRAMES):
        chunk = distance[at : at + _CHUNK_FRAMES]
        chunk[0] = max(chunk[0], last - 1 / _RELEASE_FRAMES)
        slope = rising[: len(chunk)]
        chunk[:] = np.maximum.accumulate(chunk + slope) - slope
        last = chunk[-1]
    released: FloatArray = 1 - np.exp(distance)
    return np.minimum(released, allowed)  # rounding must not lift it


def apply_gains(samples: Samples, edges: FloatArray, at: int, first_frame: int = 0) -> Samples:
    """The piece (s, 2) that begins at sample `at` of the programme, under a curve from `first_frame` on."""
    places = (at + np.arange(len(samples))) / FRAME_SAMPLES
    first = at // FRAME_SAMPLES
    near = edges[first - first_frame : first - first_frame + len(samples) // FRAME_SAMPLES + 3]
    curve = np.interp(places, first + np.arange(len(near)), near).astype(np.float32)
    out = np.empty_like(samples)
    for side in range(samples.shape[1]):
        np.multiply(samples[:, side], curve, out=out[:, side])
    return out
