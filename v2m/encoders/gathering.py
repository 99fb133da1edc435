"""Feature rows of single pictures, gathered in any order and given in order of time.

An encoder that looks at each picture by itself hands its computation in here; pictures that were looked at
before, in this programme or in another, are taken from the store. Conventions: pictures (n, h, w, 3) RGB
uint8, rows (n, d) float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from v2m.curves import Features, FloatArray
from v2m.encoders.store import FeatureStore, key_of
from v2m.errors import InputError
from v2m.stages import Cancel, never_cancel

FloatRows = NDArray[np.float32]
Pictures = NDArray[np.uint8]


def check_pictures(times_s: FloatArray, pictures: Pictures) -> None:
    """Refuse what is no batch of pictures with their times.

    Raises:
        InputError: another shape or type, or not as many times.
    """
    if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
        raise InputError(
            f"Pictures of shape {pictures.shape} and type {pictures.dtype} are given, "
            "expected (n, height, width, 3) uint8."
        )
    if len(times_s) != len(pictures):
        raise InputError(f"{len(times_s)} times are given for {len(pictures)} pictures, expected one each.")


def in_order(times_s: FloatArray, rows: FloatRows, encoder: str) -> Features:
    """Rows in order of time; of two at one time the later given counts."""
    # np.unique names the first of equals, so it is given the rows last to first
    rising_s, from_last = np.unique(times_s[::-1], return_index=True)
    return Features(rising_s, rows[len(times_s) - 1 - from_last], encoder)


class PictureGatherer:
    """Computes a row of each picture and keeps it with its time."""

    def __init__(
        self,
        compute: Callable[[Pictures], FloatRows],
        store: FeatureStore,
        *,
        batch_size: int,
        cancel: Cancel = never_cancel,
    ) -> None:
        self._compute = compute
        self._store = store
        self._batch_size = batch_size
        self._cancel = cancel
        self._times_s: list[FloatArray] = []
        self._rows: list[FloatRows] = []

    def push(self, times_s: FloatArray, pictures: Pictures) -> None:
        """Take pictures that begin to be seen at the times (n,).

        Raises:
            InputError: see `check_pictures`.
            CancelledError: the caller asked to stop; what was computed is stored.
        """
        check_pictures(times_s, pictures)
        if not len(pictures):
            return
        keys = [key_of(picture) for picture in pictures]
        known = {key: row for key in set(keys) if (row := self._store.get(key)) is not None}
        # a still comes many times, and is looked at once
        first = {key: index for index, key in reversed(list(enumerate(keys))) if key not in known}
        wanted = sorted(first.values())
        try:
            for begin in range(0, len(wanted), self._batch_size):
                self._cancel()
                part = wanted[begin : begin + self._batch_size]
                # always as many at once: products of other shapes round otherwise, and then a row would
                # depend on what happened to be known
                filled = part + part[-1:] * (self._batch_size - len(part))
                rows = self._compute(pictures[filled])[: len(part)]
                for index, row in zip(part, rows, strict=True):
                    known[keys[index]] = row
                    self._store.put(keys[index], row)
        except BaseException:
            self._store.save()
            raise
        self._times_s.append(np.array(times_s, dtype=np.float64))
        self._rows.append(np.stack([known[key] for key in keys]))

    def features(self, encoder: str, width: int) -> Features:
        """All rows so far in order of time, (n, width)."""
        self._store.save()
        if not self._rows:
            return Features(np.zeros(0), np.zeros((0, width), dtype=np.float32), encoder)
        return in_order(np.concatenate(self._times_s), np.concatenate(self._rows), encoder)
