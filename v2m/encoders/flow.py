"""The video encoder `flow`: how what is in the picture moves against the camera; no weights, for dance.

    pictures of one shot -> optical flow from each to the next -> velocities -> cells (`motion`)

Conventions: the row of a picture is the mean of the velocities before and after it, that of a shot's first
picture the one after it; its last one has none. So a film whose pictures are unevenly apart (24 a second made
of 60, say) moves evenly all the same. Cuts themselves are no movement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import Features, FloatArray
from v2m.encoders.gathering import check_pictures, in_order
from v2m.encoders.motion import FEATURE_COUNT, FloatRows, motion_rows
from v2m.encoders.optical_flow import optical_flow
from v2m.stages import Cancel, never_cancel

NAME: Final = "flow"

MAX_RATE_HZ: Final = 30.0
"""A step of a dance takes a fifth of a second and more; flow over a thirtieth is well above its noise."""

PIXELS: Final = 128 * 72
"""Area of the pictures: an arm of a dancer who fills the frame's height is some six pixels wide."""

MAX_GAP_S: Final = 0.5
"""Pictures further apart are not taken as one movement."""

_PAIRS_AT_ONCE: Final = 16
"""Planes of 0.6 MB, which stay in a core's cache; and a cancel is heard within a tenth of a second."""

_TEXTURE: Final = 60.0
"""Smaller eigenvalue, squared levels of 255, from which on a pixel's movement is taken for sure by half."""

_LUMA: Final = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)  # BT.709


@dataclass(frozen=True)
class _Seen:
    time_s: float
    luma: NDArray[np.float32]


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
        self._before: dict[int, FloatRows] = {}
        self._times_s: list[float] = []
        self._rows: list[FloatRows] = []

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
                self._add(time_s, motion_rows(*(np.zeros((1, 1, 2)),) * 2, np.zeros((1, 1)))[0])
            self._last[shot] = seen
        for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
            self._cancel()
            self._take(pairs[begin : begin + _PAIRS_AT_ONCE])
        # a shot that is no longer in a whole batch is over; its last picture need not be held
        here = set(numbers.tolist())
        self._last = {shot: self._last[shot] for shot in here}
        self._before = {shot: row for shot, row in self._before.items() if shot in here}
        self._begun &= here

    def _take(self, pairs: list[_Pair]) -> None:
        earlier = np.stack([pair.before.luma for pair in pairs])
        later = np.stack([pair.after.luma for pair in pairs])
        apart_s = np.array([pair.after.time_s - pair.before.time_s for pair in pairs])
        for pair, row in zip(pairs, _rows(earlier, later, apart_s), strict=True):
            mean = row if pair.is_first else (row + self._before[pair.shot]) / 2
            self._before[pair.shot] = row
            # it takes the place of the rest that was noted for a first picture
            self._add(pair.before.time_s, mean)

    def _add(self, time_s: float, row: FloatRows) -> None:
        self._times_s.append(time_s)
        self._rows.append(row)

    def features(self) -> Features:
        """Features of all pictures so far, in order of time."""
        if not self._rows:
            return Features(np.zeros(0), np.zeros((0, FEATURE_COUNT), dtype=np.float32), NAME)
        return in_order(np.array(self._times_s), np.stack(self._rows), NAME)


def _rows(earlier: NDArray[np.float32], later: NDArray[np.float32], apart_s: FloatArray) -> FloatRows:
    """Rows of pairs of pictures (n, h, w) that are `apart_s` apart, less than 0 where played backwards."""
    count, height, width = earlier.shape
    flow, texture = optical_flow(earlier, later)
    velocities = flow.reshape(count, -1, 2) / (height * apart_s[:, None, None])
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    positions = np.stack([x, y], axis=-1).reshape(-1, 2)
    weights = (texture / (texture + _TEXTURE)).reshape(count, -1)
    return motion_rows(velocities, positions, np.where(weights > 0.1, weights, 0.0))
