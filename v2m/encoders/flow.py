"""The video encoder `flow`: how what is in the picture moves against the camera; no weights, for dance.

    pictures of one shot -> optical flow from each to the next -> velocities -> cells (`motion`)

Conventions: a row is dated in the middle between its two pictures; one more stands at the beginning of each
shot, so that the change over a cut is dated at the cut. Cuts themselves are no movement.
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
        self._times_s: list[FloatArray] = []
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
        pairs: list[tuple[_Seen, _Seen, int]] = []
        for time_s, picture, shot in zip(times_s.tolist(), pictures, numbers.tolist(), strict=True):
            seen = _Seen(time_s, picture.astype(np.float32) @ _LUMA)
            before = self._last.get(shot)
            if before is not None and 0 < abs(time_s - before.time_s) <= MAX_GAP_S:
                pairs.append((before, seen, shot))
            else:
                self._rest(time_s, shot)
            self._last[shot] = seen
        for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
            self._cancel()
            self._take(pairs[begin : begin + _PAIRS_AT_ONCE])
        # a shot that is no longer in a whole batch is over; its last picture need not be held
        self._last = {shot: self._last[shot] for shot in set(numbers.tolist())}

    def _rest(self, time_s: float, shot: int) -> None:
        """A picture without one before it: nothing is known to move, until the shot's first pair is seen."""
        self._begun.discard(shot)
        self._add(np.array([time_s]), motion_rows(*(np.zeros((1, 1, 2)),) * 2, np.zeros((1, 1))))

    def _take(self, pairs: list[tuple[_Seen, _Seen, int]]) -> None:
        earlier = np.stack([before.luma for before, _, _ in pairs])
        later = np.stack([after.luma for _, after, _ in pairs])
        apart_s = np.array([after.time_s - before.time_s for before, after, _ in pairs])
        rows = _rows(earlier, later, apart_s)
        middles_s = np.array([(before.time_s + after.time_s) / 2 for before, after, _ in pairs])
        self._add(middles_s, rows)
        for (before, _, shot), row in zip(pairs, rows, strict=True):
            if shot not in self._begun:
                self._begun.add(shot)
                self._add(np.array([before.time_s]), row[None])

    def _add(self, times_s: FloatArray, rows: FloatRows) -> None:
        self._times_s.append(times_s)
        self._rows.append(rows)

    def features(self) -> Features:
        """Features of all pictures so far, in order of time."""
        if not self._rows:
            return Features(np.zeros(0), np.zeros((0, FEATURE_COUNT), dtype=np.float32), NAME)
        return in_order(np.concatenate(self._times_s), np.concatenate(self._rows), NAME)


def _rows(earlier: NDArray[np.float32], later: NDArray[np.float32], apart_s: FloatArray) -> FloatRows:
    """Rows of pairs of pictures (n, h, w) that are `apart_s` apart, less than 0 where played backwards."""
    count, height, width = earlier.shape
    flow, texture = optical_flow(earlier, later)
    velocities = flow.reshape(count, -1, 2) / (height * apart_s[:, None, None])
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    positions = np.stack([x, y], axis=-1).reshape(-1, 2)
    weights = (texture / (texture + _TEXTURE)).reshape(count, -1)
    return motion_rows(velocities, positions, np.where(weights > 0.1, weights, 0.0))
