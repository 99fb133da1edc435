"""The video encoder `flow`: how what is in the picture moves against the camera; no weights, for dance.

    pictures of one shot -> optical flow from each to the next -> velocities -> cells (`motion`)
                         -> smoothed over a quarter of a second, within the shot

Conventions: the row of a picture is the velocity after it; a shot's last picture has none. Cuts themselves
are no movement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import Features, FloatArray, smooth_hann
from v2m.encoders.gathering import check_pictures, in_order
from v2m.encoders.motion import FEATURE_COUNT, STILLNESS, FloatRows, motion_rows
from v2m.encoders.optical_flow import optical_flow
from v2m.stages import Cancel, never_cancel

NAME: Final = "flow"

MAX_RATE_HZ: Final = 30.0
"""A step of a dance takes a fifth of a second and more; flow over a thirtieth is well above its noise."""

PIXELS: Final = 128 * 72
"""Area of the pictures: an arm of a dancer who fills the frame's height is some six pixels wide."""

MAX_GAP_S: Final = 0.5
"""Pictures further apart are not taken as one movement."""

SMOOTHED_S: Final = 0.32
"""Length of the Hann window over velocities, as good as a mean over half of it, about as long as a step of a
dance takes. Curves of three real films at 30 pictures a second, and at 24 picked of them, correlate by 0.94,
0.97 and 0.97 with it, by 0.59, 0.89 and 0.95 without."""

_PAIRS_AT_ONCE: Final = 16
"""Planes of 0.6 MB, which stay in a core's cache; and a cancel is heard within a tenth of a second."""

_TEXTURE: Final = 60.0
"""Smaller eigenvalue, squared levels of 255, from which on a pixel's movement is taken for sure by half."""

_REST: Final = np.eye(1, FEATURE_COUNT, dtype=np.float32)[0] * np.float32(STILLNESS)

_LUMA: Final = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)  # BT.709


@dataclass(frozen=True)
class _Seen:
    time_s: float
    luma: NDArray[np.float32]


@dataclass
class _Run:
    """Velocities in a shot without a gap."""

    times_s: list[float] = field(default_factory=list)
    rows: list[FloatRows] = field(default_factory=list)


@dataclass(frozen=True)
class _Pair:
    before: _Seen
    after: _Seen
    shot: int
    is_first: bool
    """Whether nothing of the shot came before."""


class FlowEncoder:
    """Takes the pictures of one programme; those of a shot in order, forwards or backwards."""

    name = NAME
    max_rate_hz: float | None = MAX_RATE_HZ
    weights_sha256 = ""
    notes: tuple[str, ...] = ()

    def __init__(self, *, cancel: Cancel = never_cancel) -> None:
        self._cancel = cancel
        self._last: dict[int, _Seen] = {}
        self._begun: set[int] = set()
        self._runs: dict[int, _Run] = {}
        self._all_runs: list[_Run] = []

    def size(self, aspect: float) -> tuple[int, int]:
        """Square pixels, so that a movement is as long across as down."""
        height = max(24, round((PIXELS / aspect) ** 0.5 / 2) * 2)
        return max(24, round(height * aspect / 2) * 2), height

    def push(
        self, times_s: FloatArray, pictures: NDArray[np.uint8], shots: NDArray[np.intp] | None = None
    ) -> None:
        """Take pictures (n, h, w, 3) with their times and the shots that show them.

        Raises:
            InputError: pictures of another shape or type, or not as many times.
            CancelledError: the caller asked to stop.
        """
        check_pictures(times_s, pictures)
        numbers = np.zeros(len(times_s), dtype=np.intp) if shots is None else shots
        pairs: list[_Pair] = []
        for time_s, picture, shot in zip(times_s.tolist(), pictures, numbers.tolist(), strict=True):
            seen = _Seen(time_s, picture.astype(np.float32) @ _LUMA)
            before = self._last.get(shot)
            if before is not None and 0 < abs(time_s - before.time_s) <= MAX_GAP_S:
                pairs.append(_Pair(before, seen, shot, is_first=shot in self._begun))
                self._begun.discard(shot)
            else:
                # nothing is known to move, unless another picture follows
                self._begun.add(shot)
                self._all_runs.append(_Run([time_s], [np.copy(_REST)]))
            self._last[shot] = seen
        for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
            self._cancel()
            self._take(pairs[begin : begin + _PAIRS_AT_ONCE])
        # a shot that is no longer in a whole batch is over; its last picture need not be held
        here = set(numbers.tolist())
        self._last = {shot: self._last[shot] for shot in here}
        self._runs = {shot: run for shot, run in self._runs.items() if shot in here}
        self._begun &= here

    def _take(self, pairs: list[_Pair]) -> None:
        earlier = np.stack([pair.before.luma for pair in pairs])
        later = np.stack([pair.after.luma for pair in pairs])
        apart_s = np.array([pair.after.time_s - pair.before.time_s for pair in pairs])
        for pair, row in zip(pairs, _rows(earlier, later, apart_s), strict=True):
            if pair.is_first:  # something moves after all
                self._runs[pair.shot] = _Run()
                self._all_runs.append(self._runs[pair.shot])
            self._runs[pair.shot].times_s.append(pair.before.time_s)
            self._runs[pair.shot].rows.append(row)

    def features(self) -> Features:
        """Features of all pictures so far, in order of time."""
        if not self._all_runs:
            return Features(np.zeros(0), np.zeros((0, FEATURE_COUNT), dtype=np.float32), NAME)
        times_s = np.array([time_s for run in self._all_runs for time_s in run.times_s])
        # a run takes the place of the rest that was noted for its first picture, since it was added later
        return in_order(times_s, np.concatenate([_smoothed(run) for run in self._all_runs]), NAME)


def _smoothed(run: _Run) -> FloatRows:
    """Weighted means under a Hann window, of what lies inside the run near its ends."""
    rows = np.stack(run.rows)
    if len(rows) < 2:
        return rows
    rate_hz = 1 / float(np.median(np.abs(np.diff(run.times_s))))
    columns = [smooth_hann(column, rate_hz, SMOOTHED_S) for column in rows.T]
    return np.stack(columns, axis=1).astype(np.float32)


def _rows(earlier: NDArray[np.float32], later: NDArray[np.float32], apart_s: FloatArray) -> FloatRows:
    """Rows of pairs of pictures (n, h, w) that are `apart_s` apart, less than 0 where played backwards."""
    count, height, width = earlier.shape
    flow, texture = optical_flow(earlier, later)
    velocities = flow.reshape(count, -1, 2) / (height * apart_s[:, None, None])
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    positions = np.stack([x, y], axis=-1).reshape(-1, 2)
    weights = (texture / (texture + _TEXTURE)).reshape(count, -1)
    return motion_rows(velocities, positions, np.where(weights > 0.1, weights, 0.0))
