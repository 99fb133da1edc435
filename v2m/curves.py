"""Event curves: how much changes at each moment, the same for music and for video (paper, section 3.2).

    features f_1..f_N -> d_i = 1 - cos(f_i, f_{i-1}), d_1 = 0   eq. 2   `dissimilarity`, `novelty`
                      -> z-score over the whole programme        eq. 3   `standardize`
                      -> linear resampling to a grid of the model        `resample`
                      -> Hann smoothing                          eq. 4   `smooth_hann`

Three things are done more carefully than the equations say, so that a curve depends on what happens and not
on how it was sampled. (1) The change is taken over a fixed time, `LAG_S`, not over one frame: the paper's
difference of neighbours at 60 frames a second sees half the motion that it sees at 30. (2) The work is done
on a uniform fine grid, `FINE_RATE_HZ`, and the model's grid is read off the smoothed curve: the mean and the
deviation are then those over time (pictures of variable frame rate do not weigh more where they are dense),
and no event falls between two slow latent frames. (3) Exact cut times join before the smoothing.

Conventions: float64; times in seconds of the programme from PTS; the kernel is a length in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from v2m.errors import InputError
from v2m.timeline import Cut

FloatArray = NDArray[np.float64]

LAG_S: Final = 0.08
"""A change is measured over this time: one frame at 12.5 a second, two at 24, 25 and 30, five at 60; about
one latent frame of the paper's model (12.3 a second), and long enough for an attack in music to be over."""

FINE_RATE_HZ: Final = 120.0
"""Grid of the inner work: a common multiple of 24, 30 and 60, and ten samples in `LAG_S`."""

KERNEL_S: Final[Mapping[str, float]] = {"appendix": 0.7, "30fps": 31 / 30, "latent-grid": 31 * 3584 / 44100}
"""Lengths that the paper gives for one kernel, and that differ. `appendix`: "about a 700 ms window", the same
as its sharpest ablation (9 latent frames, best Scene Cut Hit). `30fps`: 31 samples at 30 a second, whose
equivalent rectangle is the appendix's "roughly 21 samples". `latent-grid`: 31 latent frames at
44100 / 3584 = 12.3 Hz, 2.52 s, as the ablation's axis says (best FAD)."""

DEFAULT_KERNEL_S: Final = KERNEL_S["appendix"]
"""The sharpest: music that marks cuts is what the curve is for."""

_ROUND_OFF: Final = 1e-12
"""A dissimilarity below this is float32 rounding of equal features (about 1e-7 squared), not a change; and a
deviation below this share of the largest value is a constant."""

_BLOCK_ROWS: Final = 8192
"""Feature rows compared at once: bounds the float64 copies to some 20 MB, however long the programme."""


@dataclass(frozen=True)
class Features:
    """What an encoder saw, in order of time."""

    times_s: FloatArray  # (n,) rising
    """When each begins to be seen or heard: a change to row i happens at `times_s[i]`."""

    values: NDArray[np.float32]  # (n, d)
    encoder: str
    """Name of the encoder, `pixel`, `spectral` …"""


@dataclass(frozen=True)
class EventCurve:
    """A standardised, smoothed curve on a uniform grid: value i belongs to time i / rate_hz."""

    rate_hz: float
    values: FloatArray  # (n,) float64
    encoder: str
    kernel_s: float
    encoder_sha256: str = ""
    """Hash of the encoder's weights; empty for one that has none."""

    @property
    def times_s(self) -> FloatArray:
        """The grid, (n,)."""
        return np.arange(len(self.values)) / self.rate_hz

    def rounded(self) -> EventCurve:
        """The same to four places, which a file holds in little room and gives back to the last bit."""
        return replace(self, values=np.round(self.values, 4) + 0.0)  # never -0.0

    def at(self, times_s: ArrayLike) -> FloatArray:
        """The curve at any times, linear between its values and level past its ends; shape of `times_s`."""
        return resample(self.times_s, self.values, times_s)


def dissimilarity(values: ArrayLike) -> FloatArray:
    """Change from each row to the next: d_i = 1 - cos(f_i, f_{i-1}), d_1 = 0 (eq. 2).

    A zero row is silence or nothing seen: zero after zero is no change (0), a zero row beside any other is a
    full change (1, as between orthogonal rows), since something began or ended there.

    Args:
        values: features, (n, d).

    Returns:
        (n,) in [0, 2].
    """
    rows = _rows(values)
    return _change(rows, np.maximum(np.arange(len(rows)) - 1, 0))


def _rows(values: ArrayLike) -> NDArray[np.floating]:
    rows = np.asarray(values)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(f"Features of shape {rows.shape} are given, expected finite numbers (rows, values).")
    return rows


def _change(rows: NDArray[np.floating], reference: NDArray[np.intp]) -> FloatArray:
    """1 - cos between row i and row `reference[i]`, as half the squared distance of the unit vectors."""
    change = np.zeros(len(rows))
    for begin in range(0, len(rows), _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        here, there = _unit(rows[block]), _unit(rows[reference[block]])
        # for unit vectors 1 - cos = |a - b|² / 2, which keeps its digits where the two are nearly equal
        half = 0.5 * np.square(here - there).sum(axis=1)
        one_is_zero = here.any(axis=1) != there.any(axis=1)
        change[block] = np.where(one_is_zero, 1.0, half)
    change[change < _ROUND_OFF] = 0.0
    return change


def _unit(rows: NDArray[np.floating]) -> FloatArray:
    wide = rows.astype(np.float64)
    # dividing by the largest value first keeps the squares of very small and very large rows in range
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    wide /= np.where(largest > 0, largest, 1.0)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    unit: FloatArray = np.divide(wide, norms, out=np.zeros_like(wide), where=norms > 0)
    return unit


def novelty(features: Features, lag_s: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """The raw change at the features' own rate, before any standardisation or smoothing.

    Row i is compared with the row that began nearest to `lag_s` earlier, at least one row back. The change
    is dated at the middle of the rows at which a jump would show, so a jump at time t peaks around t for
    every lag. With `lag_s=0` it is eq. 2: neighbours, dated when the later one begins.

    Returns:
        times_s (n,) rising, change (n,) in [0, 2]; the first change is 0.
    """
    times_s, rows = features.times_s, _rows(features.values)
    if len(times_s) != len(rows) or np.any(np.diff(times_s) <= 0):
        raise InputError("The times of the features do not rise, or are not one for each row.")
    if len(rows) == 0:
        return np.zeros(0), np.zeros(0)
    reference = _earlier(times_s, lag_s)
    first_after = np.minimum(reference + 1, np.arange(len(rows)))
    return 0.5 * (times_s + times_s[first_after]), _change(rows, reference)


def _earlier(times_s: FloatArray, lag_s: float) -> NDArray[np.intp]:
    """Index of the row nearest to `lag_s` before each, at least one before, the first where there is none."""
    wanted = times_s - lag_s
    after = np.searchsorted(times_s, wanted)
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, len(times_s) - 1)
    # a tie (2.5 frames at 30 a second) must fall the same way for all rows, not as rounding has it
    nearest = np.where(wanted - times_s[before] < times_s[after] - wanted - 1e-6, before, after)
    return np.minimum(nearest, np.maximum(np.arange(len(times_s)) - 1, 0))


def standardize(values: ArrayLike) -> FloatArray:
    """Zero mean and unit deviation, ddof 0 (eq. 3); a constant becomes zeros, never NaN."""
    wide = np.asarray(values, dtype=np.float64)
    if wide.size == 0:
        return wide.copy()
    centred = wide - wide.mean()
    deviation = centred.std()
    if deviation <= _ROUND_OFF * np.abs(wide).max():
        return np.zeros_like(wide)
    return np.asarray(centred / deviation, dtype=np.float64)


def resample(times_s: ArrayLike, values: ArrayLike, grid_times_s: ArrayLike) -> FloatArray:
    """Linear between the values, level past the first and the last; zeros where there are no values."""
    known = np.asarray(values, dtype=np.float64)
    grid = np.asarray(grid_times_s, dtype=np.float64)
    if known.size == 0:
        return np.zeros_like(grid)
    return np.interp(grid, np.asarray(times_s, dtype=np.float64), known)


def smooth_hann(values: ArrayLike, rate_hz: float, kernel_s: float) -> FloatArray:
    """Weighted mean under a Hann window of a length in seconds (eq. 4).

    The window is cos²(pi t / kernel_s), |t| < kernel_s / 2, sampled at multiples of 1 / rate_hz around its
    top: symmetric, so peaks stay where they are, and equal to the periodic Hann of the textbooks. Near the
    ends the mean is over the part of the window that lies inside, so a constant stays what it is.

    Raises:
        InputError: the rate is not above 0, or the kernel is negative or not finite.
    """
    if not (rate_hz > 0 and 0 <= kernel_s < math.inf):
        raise InputError(f"A kernel of {kernel_s} s at {rate_hz} Hz is asked for, expected both positive.")
    wide = np.asarray(values, dtype=np.float64)
    if wide.size == 0:
        return wide.copy()
    half = min(max(math.ceil(kernel_s * rate_hz / 2) - 1, 0), wide.size - 1)
    if half == 0:
        return wide.copy()
    window = np.cos(np.pi * np.arange(-half, half + 1) / (kernel_s * rate_hz)) ** 2
    inside = slice(half, half + wide.size)
    weight = np.convolve(np.ones_like(wide), window)[inside]
    return np.asarray(np.convolve(wide, window)[inside] / weight, dtype=np.float64)


def event_curve(
    features: Features | None,
    duration_s: float,
    *,
    rate_hz: float,
    kernel_s: float = DEFAULT_KERNEL_S,
    cuts: Sequence[Cut] = (),
    cut_weights: Sequence[float] | None = None,
    cut_share: float = 1.0,
) -> EventCurve:
    """The event curve of a whole programme, with ceil(duration_s * rate_hz) values, at least one.

    With D the change over `LAG_S` and C the cuts as a curve (`cut_curve`), z the z-score and * smoothing:

        curve = z(z(D) + cut_share * z(C)) * hann

    Both terms have unit deviation whatever the encoder's scale, so the fusion depends on neither; without
    cuts it is z(D), without features z(C); a cut to a quite different picture stands above a slight one,
    since D adds to it. Nothing at all, one frame or a still picture without cuts gives zeros.

    Args:
        features: of the whole programme, or None to use the cuts alone.
        duration_s: length of the programme.
        rate_hz: values a second of the result (a backbone's latent rate).
        kernel_s: length of the Hann window, see `KERNEL_S`.
        cuts: exact changes of shot.
        cut_weights: how much each cut counts, 0..1; all 1 when not given.
        cut_share: how much the cuts count against the picture.

    Raises:
        InputError: the duration or rate is not above 0, or features, weights and cuts do not fit together.
    """
    if not (0 < duration_s < math.inf and 0 < rate_hz < math.inf):
        raise InputError(f"A curve of {duration_s} s at {rate_hz} Hz is asked for, expected both above 0.")
    fine_s = np.arange(_length(duration_s, FINE_RATE_HZ)) / FINE_RATE_HZ
    changes = np.zeros_like(fine_s)
    if features is not None:
        changes = resample(*_within_lag(*novelty(features, LAG_S)), fine_s)
    fused = standardize(changes) + cut_share * standardize(cut_curve(cuts, fine_s, cut_weights))
    smooth = smooth_hann(standardize(fused), FINE_RATE_HZ, kernel_s)
    grid_s = np.arange(_length(duration_s, rate_hz)) / rate_hz
    name = features.encoder if features is not None else "cuts"
    return EventCurve(rate_hz, resample(fine_s, smooth, grid_s), name, kernel_s)


def _within_lag(times_s: FloatArray, change: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The changes with zeros set `LAG_S` beside those that have no neighbour within twice that.

    Where pictures are missing or far apart (media offline, a time-lapse), a change then lasts as long as any
    other; a line from it to the next would spread it over the whole gap.
    """
    alone_after = np.append(np.diff(times_s) > 2 * LAG_S, True)[: len(times_s)]
    alone_before = np.append(True, alone_after)[: len(times_s)]
    added_s = np.concatenate([times_s[alone_after] + LAG_S, times_s[alone_before] - LAG_S])
    all_s = np.concatenate([times_s, added_s])
    order = np.argsort(all_s, kind="stable")
    return all_s[order], np.concatenate([change, np.zeros(len(added_s))])[order]


def _length(duration_s: float, rate_hz: float) -> int:
    # a millionth of a value absorbs the rounding of a duration that was meant to be whole
    return max(1, math.ceil(duration_s * rate_hz - 1e-6))


def curve_from_cuts(
    cuts: Sequence[Cut],
    duration_s: float,
    *,
    rate_hz: float,
    kernel_s: float = DEFAULT_KERNEL_S,
    cut_weights: Sequence[float] | None = None,
) -> EventCurve:
    """The event curve of a programme whose pictures cannot be read: its cuts alone."""
    return event_curve(
        None, duration_s, rate_hz=rate_hz, kernel_s=kernel_s, cuts=cuts, cut_weights=cut_weights
    )


def cut_curve(cuts: Sequence[Cut], grid_s: FloatArray, weights: Sequence[float] | None = None) -> FloatArray:
    """The cuts as changes: what `novelty` at `LAG_S` would show for them, on a uniform grid.

    A hard cut is a plateau of its weight over `LAG_S` around the cut. A dissolve has the same area, spread
    over its width around its own middle as a raised cosine, since its pictures change most half-way.

    Args:
        cuts: in any order.
        grid_s: times (n,), evenly spaced.
        weights: one for each cut, all 1 when not given.

    Returns:
        (n,), zeros without cuts; overlapping transitions add up.
    """
    heights = [1.0] * len(cuts) if weights is None else list(weights)
    if len(heights) != len(cuts) or not all(0 <= height < math.inf for height in heights):
        raise InputError(
            f"{len(heights)} weights are given for {len(cuts)} cuts, expected one each, from 0 up."
        )
    curve = np.zeros_like(grid_s)
    if len(grid_s) < 2:
        return curve
    step_s = float(grid_s[1] - grid_s[0])
    edges = np.concatenate([grid_s - step_s / 2, grid_s[-1:] + step_s / 2])
    for cut, height in zip(cuts, heights, strict=True):
        middle_s = float(cut.time_s + cut.center_offset_s)
        width_s = max(float(cut.width_s), LAG_S)
        first, last = np.searchsorted(edges, [middle_s - width_s / 2, middle_s + width_s / 2])
        near = slice(max(int(first) - 1, 0), int(last) + 1)
        shares = np.diff(_risen((edges[near] - middle_s) / width_s, smooth=cut.width_s > LAG_S))
        curve[near.start : near.start + len(shares)] += height * LAG_S / step_s * shares
    return curve


def _risen(position: FloatArray, *, smooth: bool) -> FloatArray:
    """Share of a transition that is over at a position, -1/2 where it begins to 1/2 where it ends."""
    position = np.clip(position, -0.5, 0.5)
    if smooth:
        return position + 0.5 + np.sin(2 * np.pi * position) / (2 * np.pi)
    return position + 0.5
