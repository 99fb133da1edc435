"""A contact sheet of a programme: small pictures in one JPEG, with the times at which each is seen.

The pictures that an analysis looks at pass by once and in any order; the sheet keeps the first of each of
some hundred even spans. So it costs no decoding, and its size does not grow with the programme.
Conventions: times in seconds of the programme; tiles in rows of `COLUMNS`, left to right, top to bottom.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.frames.compact import comment_of, jpeg_of, with_comment
from v2m.frames.shrinking import SMALL

COLUMNS: Final = 16
"""Tiles in a row: a sheet of 16 to 9 stays about as wide as high."""

SPAN_S: Final = 0.25
"""A picture for so much of the programme, so that a shot of half a second has one of its own."""

MOST_TILES: Final = 480
"""Two minutes at a quarter of a second each; some 2 kB a tile."""

_MARK: Final = "v2m-pictures"


@dataclass(frozen=True)
class Sheet:
    """Pictures of a programme, in order of time."""

    times_s: tuple[float, ...]
    """When each begins to be seen, rising, to the millisecond."""

    aspect: float
    """Width over height as a viewer sees them; the tiles are squeezed into one size, whatever the shape."""

    jpeg: bytes

    def place(self, index: int) -> tuple[int, int]:
        """Left and top of a tile in the JPEG, in pixels."""
        return index % COLUMNS * SMALL[0], index // COLUMNS * SMALL[1]

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the JPEG."""
        return _size_px(len(self.times_s))

    def retimed(self, times_s: tuple[float, ...]) -> Sheet:
        """The same pictures at other times, which rise as well."""
        return replace(self, times_s=tuple(round(time_s, 3) for time_s in times_s))

    def to_bytes(self) -> bytes:
        """The sheet as a file, a JPEG that tells its times in its comment."""
        return with_comment(
            self.jpeg,
            json.dumps({"what": _MARK, "aspect": self.aspect, "times_s": self.times_s}, allow_nan=False),
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Sheet | None:
        """The sheet in a file; None where it holds none."""
        try:
            told = json.loads(comment_of(content))
            times_s = tuple(float(time_s) for time_s in told["times_s"])
            aspect = float(told["aspect"])
        except (ValueError, KeyError, TypeError):
            return None
        sound = told.get("what") == _MARK and 0 < aspect < math.inf and 0 < len(times_s) <= MOST_TILES
        rising = all(math.isfinite(time_s) for time_s in times_s) and list(times_s) == sorted(times_s)
        return cls(times_s, aspect, with_comment(content, "")) if sound and rising else None


class SheetGatherer:
    """Sees all pictures of a programme pass by and keeps some."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s = max(duration_s, SPAN_S)
        self._count = min(MOST_TILES, math.ceil(self._duration_s / SPAN_S))
        self._times_s = np.full(self._count, np.inf)
        self._tiles: NDArray[np.uint8] = np.zeros((self._count, SMALL[1], SMALL[0], 3), np.uint8)

    def push(self, times_s: NDArray[np.float64], pictures: NDArray[np.uint8]) -> None:
        """Take pictures (n, h, w, 3), of the size `SMALL` or larger, with their times (n,), in any order."""
        spans = np.clip(times_s * (self._count / self._duration_s), 0, self._count - 1).astype(int)
        for index, (span, time_s) in enumerate(zip(spans.tolist(), times_s.tolist(), strict=True)):
            if time_s < self._times_s[span]:
                self._times_s[span] = time_s
                self._tiles[span] = _tile(pictures[index])

    def sheet(self, aspect: float) -> Sheet | None:
        """The pictures so far; None if there were none."""
        seen = np.flatnonzero(np.isfinite(self._times_s))
        if not len(seen):
            return None
        width, height = _size_px(len(seen))
        page = np.zeros((height, width, 3), np.uint8)
        for index, span in enumerate(seen.tolist()):
            left, top = index % COLUMNS * SMALL[0], index // COLUMNS * SMALL[1]
            page[top : top + SMALL[1], left : left + SMALL[0]] = self._tiles[span]
        times_s = tuple(round(time_s, 3) for time_s in self._times_s[seen].tolist())
        return Sheet(times_s, round(aspect, 4), jpeg_of(page))


def _tile(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as small as a tile: means over the pixels that each of a tile's covers."""
    height, width = picture.shape[:2]
    if (width, height) == SMALL:
        return picture
    tops, lefts = (
        np.arange(cells) * side // cells for cells, side in ((SMALL[1], height), (SMALL[0], width))
    )
    sums = np.add.reduceat(np.add.reduceat(picture, tops, axis=0, dtype=np.uint32), lefts, axis=1)
    counts = np.diff(tops, append=height)[:, None] * np.diff(lefts, append=width)
    return np.asarray(sums // np.maximum(counts, 1)[..., None], dtype=np.uint8)


def _size_px(count: int) -> tuple[int, int]:
    return min(count, COLUMNS) * SMALL[0], math.ceil(count / COLUMNS) * SMALL[1]
