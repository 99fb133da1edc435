"""Gradual changes of shot: fades through black, and dissolves from one picture into another.

In a dissolve every picture is a weighted mean of the two shots, so the picture in the middle of a window is
the mean of those at its ends:

    blend error = |middle - (first + last) / 2| / |last - first|        0 in a dissolve, 1/2 at a hard cut

Cameras and things that move do not do that. A brightening picture does, but keeps its drawing; a fade does,
and has black at one end.

Conventions: numbers of pictures, first included, last excluded; luma is the mean of RGB, 0-255.
Source: the linear model of a dissolve in A. Hanjalic, "Shot-boundary detection: unraveled and
resolved?", IEEE Trans. Circuits and Systems for Video Technology 12 (2002).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

DARK: Final = 12.0
"""Mean luma of black with noise and a little light, as PySceneDetect's ThresholdDetector has it."""

BLACK: Final = 6.0
"""A fade passes through less than this; a night shot that flickers about `DARK` does not."""

GRID: Final = (9, 16)
"""Cells of luma kept of each picture: 144 bytes, 25 MB for two hours."""

WINDOW_S: Final = Fraction(1, 2)
"""Long enough that a blend moves far, short enough to fit into a dissolve of a second."""

MAX_BLEND_ERROR: Final = 0.12
"""Dissolves and fades of real trailers measured 0.01 to 0.05, moving cameras 0.16 and more."""

MIN_CHANGE: Final = 8.0
"""Root mean square change over a window, in luma: two seconds of dissolve between soft pictures make 10."""

MIN_WINDOWS_S: Final = Fraction(1, 6)
"""How long a blend must go on: a passing flash fits the model for a frame or two."""

MAX_LIKENESS: Final = 0.5
"""Correlation of the pictures at both ends: exposure changes measured 0.73 to 0.98, dissolves -0.2 to 0."""

MIN_DRAWING: Final = 5.0
"""Standard deviation of luma within a picture; a flatter one is blank."""

REACH: Final = Fraction(2, 3)
"""Of half a window: so far past its ends does a dissolve still look like one, at `MAX_BLEND_ERROR`."""


@dataclass(frozen=True)
class Gradual:
    """A fade through black or a dissolve."""

    start: int
    seam: int
    """Where one shot is taken to end: the middle of the black or of the blend."""

    end: int
    is_fade: bool


@dataclass(frozen=True)
class _Span:
    start: int
    end: int


class GradualDetector:
    """Takes all pictures of a programme in order and gives fades and dissolves."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._grids: list[NDArray[np.uint8]] = []

    def push(self, pictures: NDArray[np.uint8]) -> None:
        """Take the next pictures (n, h, w, 3)."""
        self._grids.append(luma_grid(pictures))

    def gradual(self, hard_cuts: Iterable[int]) -> list[Gradual]:
        """Fades and dissolves in order of time, away from the hard cuts given."""
        if not self._grids:
            return []
        grids = np.concatenate(self._grids)
        edges = set(hard_cuts)
        half = max(2, round(self._rate * WINDOW_S / 2))
        blends = _blends(grids, half, max(2, round(self._rate * MIN_WINDOWS_S)))
        luma = grids.mean((1, 2))
        dark = luma < DARK
        fades = [_fade(span, blends, half) for span in _runs(dark) if _is_between_shots(span, luma, edges)]
        dissolves = [_dissolve(span, half) for span in blends if _is_dissolve(grids, dark, span, half)]
        clear = [d for d in dissolves if not any(d.start <= edge <= d.end for edge in edges)]
        return sorted([*fades, *clear], key=lambda gradual: gradual.seam)


def luma_grid(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean luma of pictures (n, h, w, 3) in `GRID` cells (n, 9, 16); rows that do not divide are left out."""
    rows, columns = GRID
    height, width = pictures.shape[1] // rows, pictures.shape[2] // columns
    whole = pictures[:, : height * rows, : width * columns]
    # summed along rows first: four times faster than one mean over three axes
    lines = whole.reshape(len(pictures), rows, height, -1).sum(2, dtype=np.uint32)
    cells = lines.reshape(len(pictures), rows, columns, -1).sum(3, dtype=np.uint32)
    return np.asarray(cells // (height * width * 3), dtype=np.uint8)


def _blends(grids: NDArray[np.uint8], half: int, min_windows: int) -> list[_Span]:
    """Spans of middles of windows that obey the model of a dissolve."""
    middles = len(grids) - 2 * half
    fits = np.zeros(len(grids), dtype=bool)
    for begin in range(0, middles, 4096):  # in blocks, so that floats of hours are never held at once
        count = min(4096, middles - begin)
        block = grids[begin : begin + count + 2 * half].astype(np.float32)
        first, middle, last = block[:count], block[half : half + count], block[2 * half :]
        change = np.sqrt(((last - first) ** 2).mean((1, 2)))
        error = np.sqrt(((middle - (first + last) / 2) ** 2).mean((1, 2)))
        fits[begin + half : begin + half + count] = (change > MIN_CHANGE) & (error < MAX_BLEND_ERROR * change)
    return [span for span in _runs(fits) if span.end - span.start >= min_windows]


def _runs(flags: NDArray[np.bool_]) -> list[_Span]:
    """Spans where the flag holds, bridging holes of up to two pictures."""
    spans: list[_Span] = []
    for number in np.flatnonzero(flags):
        if spans and number - spans[-1].end <= 2:
            spans[-1] = _Span(spans[-1].start, int(number) + 1)
        else:
            spans.append(_Span(int(number), int(number) + 1))
    return spans


def _is_between_shots(span: _Span, luma: NDArray[np.float64], edges: set[int]) -> bool:
    """Whether black lies inside the programme, no hard cut enters or leaves it, and it is no night shot."""
    if span.start == 0 or span.end >= len(luma) or luma[span.start : span.end].min() > BLACK:
        return False
    return not any(edge in edges for side in (span.start, span.end) for edge in (side - 1, side, side + 1))


def _fade(span: _Span, blends: list[_Span], half: int) -> Gradual:
    reach = round(half * REACH)
    near = [blend for blend in blends if blend.start < span.end + half and blend.end > span.start - half]
    start = min([span.start, *(blend.start - reach for blend in near)])
    end = max([span.end, *(blend.end + reach for blend in near)])
    return Gradual(max(0, start), (span.start + span.end) // 2, end, is_fade=True)


def _dissolve(span: _Span, half: int) -> Gradual:
    reach = round(half * REACH)
    start, end = max(0, span.start - reach), span.end + reach
    return Gradual(start, (start + end) // 2, end, is_fade=False)


def _is_dissolve(grids: NDArray[np.uint8], dark: NDArray[np.bool_], span: _Span, half: int) -> bool:
    """Whether a blend leads from one drawn picture to another one."""
    before, after = span.start - half, min(span.end - 1 + half, len(grids) - 1)
    if dark[before : after + 1].any():
        return False
    first, last = grids[before].astype(np.float64), grids[after].astype(np.float64)
    if min(first.std(), last.std()) < MIN_DRAWING:
        return False
    return float(np.corrcoef(first.ravel(), last.ravel())[0, 1]) < MAX_LIKENESS
