"""Motion beats: the moments at which a dancer arrives, as local minima of kinetic velocity.

    poses    mean speed of the joints
    picture  mean speed of what moves against the camera: optical flow, less the movement of the whole picture
             as a pan, zoom or roll would make it
             -> smoothed -> local minima that stand out -> placed between frames by a parabola

Conventions: times in seconds; a speed belongs to the middle between two pictures or poses. A minimum counts
when it lies under the lower of its neighbouring maxima by a share of the usual height (`_PROMINENCE`).
Sources: Li et al. 2021 (AIST++, beat alignment: joints at 60 a second, Gaussian of 5 frames, local minima);
the smoothing is kept here in seconds, so that 24 and 60 pictures a second give the same beats.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, signal

from v2m.curves import FloatArray
from v2m.errors import InputError
from v2m.metrics.optical_flow import grey, optical_flow

SMOOTHING_S: Final = 0.05
"""Standard deviation; half of AIST++'s 5 / 60: at 200 BPM with two moves a beat, minima lie 150 ms apart."""

_PROMINENCE: Final = 0.15
"""Of the spread between the 10th and the 90th percentile of the speed."""

_GRID_HZ: Final = 120.0
"""Speeds are read on this grid: 24, 30 and 60 divide it."""

_LEAST_BEATS: Final = 4
_TEMPO_RANGE_BPM: Final = (60.0, 180.0)
"""An octave and a half: what dance music is at, and what can be asked of a composition."""

_USUAL_BPM: Final = 110.0
"""Where a movement fits several tempi, the one nearest to this in octaves is told, as beat trackers do."""

_SHAKE_ROUNDS: Final = 3

LAG_S: Final = 1 / 15
"""Flow is taken over this time: two frames at 30 a second, in which a limb moves far enough to stand out of
the noise of compressed video, and one beat at 200 BPM lasts four and a half times as long."""

_STILL_PX: Final = 0.15
"""What moves less than this in `LAG_S` is taken to stand still: flow of H.264 at 96 x 54 is not known better,
and over a whole background its noise would drown the dancer."""


@dataclass(frozen=True)
class Motion:
    """How fast things move."""

    times_s: FloatArray  # (n,)
    speed: FloatArray  # (n,)
    """In widths of the picture a second, or the poses' unit a second."""


@dataclass(frozen=True)
class MotionBeats:
    """When a movement arrives, and how often."""

    times_s: FloatArray  # (m,)
    tempo_bpm: float | None
    """Of the arrivals' period; None with too few or without one."""


def motion_of_poses(times_s: ArrayLike, poses: ArrayLike) -> Motion:
    """Speed of a dancer whose joints are known.

    Args:
        times_s: (n,) rising.
        poses: (n, joints, 2 or 3); a joint that was not seen is NaN.

    Raises:
        InputError: the shapes do not fit, the times do not rise, or there are fewer than three poses.
    """
    when, joints = np.asarray(times_s, np.float64), np.asarray(poses, np.float64)
    if joints.ndim != 3 or len(when) != len(joints) or len(when) < 3 or (np.diff(when) <= 0).any():
        raise InputError(
            f"Poses of shape {joints.shape} at {len(when)} times are given, "
            "expected (n, joints, 2 or 3) at n rising times, three or more."
        )
    moved = np.linalg.norm(np.diff(joints, axis=0), axis=2) / np.diff(when)[:, None]
    seen = np.isfinite(moved)
    speed = np.where(seen, moved, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return Motion((when[1:] + when[:-1]) / 2, speed)


class PictureMotion:
    """Takes the small pictures of one shot in order of time and gives its motion."""

    def __init__(self) -> None:
        self._times_s: list[float] = []
        self._speed: list[float] = []
        self._kept: NDArray[np.float32] | None = None
        self._kept_s: FloatArray = np.zeros(0)

    def push(self, times_s: FloatArray, pictures: NDArray[np.uint8]) -> None:
        """Take the next pictures (n, h, w, 3) RGB."""
        if len(times_s) == 0:
            return
        shown = grey(pictures)
        if self._kept is not None:
            shown = np.concatenate([self._kept, shown])
            times_s = np.concatenate([self._kept_s, times_s])
        lag = 1 if len(times_s) < 2 else max(1, round(LAG_S / float(np.median(np.diff(times_s)))))
        if len(shown) > lag:
            self._look(times_s, shown, lag)
        self._kept, self._kept_s = shown[-lag:], times_s[-lag:]

    def _look(self, times_s: FloatArray, shown: NDArray[np.float32], lag: int) -> None:
        before, after = shown[:-lag], shown[lag:]
        flow = optical_flow(before, after)
        own_px = np.linalg.norm(flow - camera_movement(flow, before), axis=3)
        texture = _texture(before)
        moved_px = (np.maximum(own_px - _STILL_PX, 0) * texture).sum(axis=(1, 2)) / texture.sum(axis=(1, 2))
        self._speed += (moved_px / shown.shape[2] / (times_s[lag:] - times_s[:-lag])).tolist()
        self._times_s += ((times_s[lag:] + times_s[:-lag]) / 2).tolist()

    def motion(self) -> Motion:
        """Of all pictures so far."""
        return Motion(np.array(self._times_s), np.array(self._speed))


def motion_of_pictures(batches: Iterable[tuple[FloatArray, NDArray[np.uint8]]]) -> Motion:
    """Speed of what moves in a shot, whatever the camera does.

    Args:
        batches: times (n,) and pictures (n, h, w, 3), in order of time.
    """
    looking = PictureMotion()
    for times_s, pictures in batches:
        looking.push(times_s, pictures)
    return looking.motion()


def camera_movement(flow: NDArray[np.float32], pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of a flow that an affine movement of the whole picture explains, (n, h, w, 2).

    Fitted where there is texture, then again with what does not follow weighing less (Tukey's idea): a dancer
    covers less of the picture than what stands still behind.
    """
    count, height, width, _ = flow.shape
    y, x = np.mgrid[0:height, 0:width].reshape(2, -1) / width
    basis = np.stack([np.ones_like(x), x - x.mean(), y - y.mean()], axis=1)  # (p, 3)
    target = flow.reshape(count, -1, 2).astype(np.float64)
    weight = texture = _texture(pictures).reshape(count, -1)
    for _ in range(_SHAKE_ROUNDS):
        normal = np.einsum("np,pi,pj->nij", weight, basis, basis) + 1e-9 * np.eye(3)
        moment = np.einsum("np,pi,npc->nic", weight, basis, target)
        fitted = basis @ np.linalg.solve(normal, moment)  # (n, p, 2)
        off = np.linalg.norm(target - fitted, axis=2)
        # a tenth of a pixel at least: below that a flow is not known
        scale = np.maximum(0.1, 2 * np.median(off, axis=1, keepdims=True))
        weight = texture * np.maximum(0.0, 1 - (off / (3 * scale)) ** 2) ** 2
    return fitted.reshape(flow.shape).astype(np.float32)


def _texture(pictures: NDArray[np.float32]) -> FloatArray:
    """How well the flow of each spot can be known, 0..1: its gradient against noise."""
    dx = ndimage.correlate1d(pictures, [-0.5, 0, 0.5], axis=2)
    dy = ndimage.correlate1d(pictures, [-0.5, 0, 0.5], axis=1)
    strength = ndimage.uniform_filter(dx * dx + dy * dy, (0, 5, 5))
    return np.asarray(strength / (strength + 4.0) + 1e-6, np.float64)


def motion_beats(motion: Motion) -> MotionBeats:
    """The arrivals of a movement.

    Fewer than three speeds, or a movement that never slows down, give none.
    """
    if len(motion.times_s) < 3:
        return MotionBeats(np.zeros(0), None)
    first_s, last_s = motion.times_s[0], motion.times_s[-1]
    grid_s = np.arange(first_s, last_s, 1 / _GRID_HZ)
    speed = ndimage.gaussian_filter1d(
        np.interp(grid_s, motion.times_s, motion.speed), SMOOTHING_S * _GRID_HZ, mode="nearest"
    )
    low, high = np.percentile(speed, [10, 90])
    if high - low <= 1e-9:
        return MotionBeats(np.zeros(0), None)
    found, _ = signal.find_peaks(-speed, prominence=_PROMINENCE * (high - low))
    times_s = grid_s[found] + _parabola(speed, found) / _GRID_HZ
    return MotionBeats(times_s, tempo_of_arrivals(times_s))


def tempo_of_arrivals(times_s: FloatArray) -> float | None:
    """The tempo whose beats arrivals lie nearest to; None with fewer than four.

    Each tempo is scored by how closely the arrivals keep one phase of its beat (length of the mean of unit
    vectors), so a missed or an extra arrival does not matter as it would to intervals, and by the share of
    its beats that an arrival could stand on, since arrivals on every beat also fit a tempo twice as fast.
    """
    if len(times_s) < _LEAST_BEATS:
        return None
    tempi = np.geomspace(*_TEMPO_RANGE_BPM, 1200)
    turns = np.exp(2j * np.pi * np.outer(tempi / 60, times_s))
    filled = np.minimum(1.0, (len(times_s) - 1) / (tempi / 60 * (times_s[-1] - times_s[0])))
    # a dancer who also arrives between beats fits two tempi alike: the usual one is told
    weight = np.exp(-0.5 * (np.log2(tempi / _USUAL_BPM) / 1.5) ** 2)
    return float(tempi[np.argmax(np.abs(turns.mean(axis=1)) * filled * weight)])


def _parabola(values: FloatArray, peaks: NDArray[np.intp]) -> FloatArray:
    """Where between the grid the turning points lie, in steps of it."""
    before, at, after = values[peaks - 1], values[peaks], values[peaks + 1]
    bend = before - 2 * at + after
    offset = np.where(bend != 0, 0.5 * (before - after) / np.where(bend != 0, bend, 1.0), 0.0)
    return np.asarray(np.clip(offset, -1, 1))
