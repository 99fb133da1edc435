"""Clips of each shot for encoders that look at movement: overlapping, their rows fading into each other.

    shot   |-----------------------------------|
    clips  [-----------]     [-----------]
                 [-----------]     [-----------]      each begins in the middle of the one before

A network sees the beginning of a clip otherwise than its middle, so features of clips that only touch would
jump at every seam. No clip crosses from a shot into the next one.

Conventions: clips (t, h, w, 3) RGB uint8 in order of programme time, t even; the rows of a clip are evenly
spaced over its pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import Features, FloatArray
from v2m.encoders.gathering import FloatRows, Pictures, check_pictures, in_order
from v2m.encoders.store import FeatureStore, key_of
from v2m.stages import Cancel, never_cancel

_PATIENCE: Final = 2
"""Batches in which a shot does not come before it is taken for over: where shots show the same part of a file
at once their pictures come mixed, but each comes in every batch."""

MAX_GAP_S: Final = 0.5
"""Pictures further apart do not belong to one clip."""


@dataclass
class _Shot:
    """What is held of a shot that goes on."""

    times_s: list[float] = field(default_factory=list)
    pictures: list[Pictures] = field(default_factory=list)
    tail: FloatRows | None = None
    """Rows of the second half of the last clip, which the next one will fade out; None before the first."""

    unseen: int = 0
    """Batches since it came."""

    standing: tuple[float, Pictures] | None = None
    """The last picture that came, and when; only looked at where pictures are drawn out to a rate."""

    start_s: float = 0.0
    count: int = 0
    """Pictures drawn out so far, from the start on."""

    apart_s: float = 0.0
    """From the last picture but one to the last; less than 0 in a shot that is played backwards."""


class ClipGatherer:
    """Cuts shots into clips, computes their rows and joins them."""

    def __init__(
        self,
        compute: Callable[[Pictures, FloatArray], FloatRows],
        store: FeatureStore,
        *,
        length: int,
        stride: int,
        timed: bool = False,
        rate_hz: float | None = None,
        cancel: Cancel = never_cancel,
    ) -> None:
        """Prepare.

        Args:
            compute: rows (t / stride, d) of a clip of up to `length` pictures, a multiple of `stride`, and
                of the times (t,) at which each begins, from 0 on.
            store: rows of clips that were computed before.
            length: pictures in a clip, a multiple of four times `stride`.
            stride: pictures that make a row.
            timed: whether the times have a part in the rows.
            rate_hz: clips are made of the pictures that stand at so many moments a second, whatever the
                rate of the source; None takes each as it comes.
            cancel: raises CancelledError to stop; asked before each clip.
        """
        self._compute = compute
        self._store = store
        self._length = length
        self._stride = stride
        self._timed = timed
        self._rate_hz = rate_hz
        self._cancel = cancel
        self._shots: dict[int, _Shot] = {}
        self._times_s: list[FloatArray] = []
        self._rows: list[FloatRows] = []

    def push(self, times_s: FloatArray, pictures: Pictures, shots: NDArray[np.intp] | None) -> None:
        """Take pictures with their times and the shots that show them.

        Raises:
            InputError: see `check_pictures`.
            CancelledError: the caller asked to stop; what was computed is stored.
        """
        check_pictures(times_s, pictures)
        numbers = np.zeros(len(times_s), dtype=np.intp) if shots is None else shots
        try:
            for time_s, picture, number in zip(times_s.tolist(), pictures, numbers.tolist(), strict=True):
                self._take(number, time_s, picture)
            for number, shot in list(self._shots.items()):
                shot.unseen = 0 if number in numbers else shot.unseen + 1
                if shot.unseen >= _PATIENCE:
                    self._finish(self._shots.pop(number))
        except BaseException:
            self._store.save()
            raise

    def features(self, encoder: str, width: int) -> Features:
        """All rows so far in order of time, (n, width); shots that are not over are taken to end here."""
        for number in list(self._shots):
            self._finish(self._shots.pop(number))
        self._store.save()
        if not self._rows:
            return Features(np.zeros(0), np.zeros((0, width), dtype=np.float32), encoder)
        return in_order(np.concatenate(self._times_s), np.concatenate(self._rows), encoder)

    def _take(self, number: int, time_s: float, picture: Pictures) -> None:
        shot = self._shots.setdefault(number, _Shot())
        if shot.standing is not None and abs(time_s - shot.standing[0]) > MAX_GAP_S:
            self._finish(shot)
            shot = self._shots[number] = _Shot()
        if shot.standing is not None:
            shot.apart_s = time_s - shot.standing[0]
            self._draw_out(shot, time_s)
        else:
            shot.start_s = time_s
        shot.standing = (time_s, picture)
        if self._rate_hz is None:
            self._add(shot, time_s, picture)

    def _draw_out(self, shot: _Shot, end_s: float) -> None:
        """Add the picture that stands at each moment of the rate before `end_s`."""
        if self._rate_hz is None or shot.standing is None:
            return
        # a thousandth absorbs the rounding of pictures that come at this very rate
        count = math.ceil(abs(end_s - shot.start_s) * self._rate_hz - 1e-3)
        for number in range(shot.count, count):
            self._add(
                shot, shot.start_s + math.copysign(number / self._rate_hz, shot.apart_s), shot.standing[1]
            )
        shot.count = max(shot.count, count)

    def _add(self, shot: _Shot, time_s: float, picture: Pictures) -> None:
        shot.times_s.append(time_s)
        shot.pictures.append(picture)
        if len(shot.times_s) == self._length:
            self._clip(shot)

    def _clip(self, shot: _Shot) -> None:
        """Look at what is held, give what is not to be seen again, and keep the second half."""
        rows = self._looked_at(shot)
        middle = self._length // 2
        self._give(shot.times_s[:middle], rows[: middle // self._stride])
        shot.tail = rows[middle // self._stride :]
        del shot.times_s[:middle], shot.pictures[:middle]

    def _finish(self, shot: _Shot) -> None:
        """Give all that is left of a shot; its last picture stands as long as the one before."""
        if shot.standing is not None and self._rate_hz is not None:
            self._draw_out(shot, shot.standing[0] + (shot.apart_s or 1 / self._rate_hz))
        if not shot.times_s:
            return
        fresh = shot.tail is None or len(shot.times_s) > len(shot.tail) * self._stride
        rows = self._looked_at(shot) if fresh else shot.tail
        if rows is not None:
            self._give(shot.times_s, rows)

    def _looked_at(self, shot: _Shot) -> FloatRows:
        """Rows of the pictures that are held, faded in over the tail of the clip before."""
        self._cancel()
        # the last picture stands until the clip is whole
        missing = -len(shot.pictures) % self._stride
        clip = np.stack([*shot.pictures, *[shot.pictures[-1]] * missing])
        times_s = np.array([*shot.times_s, *[shot.times_s[-1]] * missing])
        backwards = times_s[-1] < times_s[0]
        rows = self._rows_of(clip[::-1], times_s[::-1])[::-1] if backwards else self._rows_of(clip, times_s)
        if shot.tail is None:
            return rows
        rows = rows.copy()
        count = len(shot.tail)
        share = ((np.arange(count) + 0.5) / count).astype(np.float32)
        share = share.reshape(-1, *[1] * (rows.ndim - 1))
        rows[:count] = shot.tail * (1 - share) + rows[:count] * share
        return rows

    def _rows_of(self, clip: Pictures, times_s: FloatArray) -> FloatRows:
        """Rows of a clip in order of time."""
        apart_s = np.round(times_s - times_s[0], 3)  # rounded, so that a clip is known wherever it lies
        key = key_of(clip, apart_s if self._timed else np.zeros(0))
        count = len(clip) // self._stride
        known = self._store.get(key)
        if known is not None:
            return known[:count]
        rows = self._compute(np.ascontiguousarray(clip), apart_s)
        # all that is kept has one shape
        whole = np.zeros((self._length // self._stride, *rows.shape[1:]), dtype=np.float32)
        whole[:count] = rows
        self._store.put(key, whole)
        return rows

    def _give(self, times_s: list[float], rows: FloatRows) -> None:
        """Rows with the time at which the first of their pictures begins to be seen."""
        pairs = [times_s[begin : begin + self._stride] for begin in range(0, len(times_s), self._stride)]
        self._times_s.append(np.array([min(pair) for pair in pairs]))
        self._rows.append(rows[: len(pairs)])
