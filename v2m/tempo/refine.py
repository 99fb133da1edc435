"""Beats exactly on their hits: a convex programme over the beat times, solved by a barrier method.

The beat times t minimise

    deviation·Σ (d_i - 1)² + change·Σ (d_{i+1} - d_i)² + SPRING·Σ (position p_k in t - hit_k)²

with d_i the intervals in units of the nominal beat, under the hard limits d_{i+1} <= (1 + step)·d_i, the
same backwards, and low <= d_i - 1 <= high; a pin with slack pulls only beyond it. Every term holds at most
three neighbouring beats, so a Newton step is one banded solve and the cost is linear in the number of beats
(Boyd & Vandenberghe, Convex Optimization, section 11.3). A start within the limits stays within them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from v2m.curves import FloatArray
from v2m.tempo.settings import TempoCosts

_SPRING = 1e5
"""Against costs of order 1 a hit pulls its beat to within microseconds, wherever the limits let it."""

_BARRIERS = tuple(10.0**-k for k in range(2, 9))
"""Falling weights of the barrier: at the last one the limits no longer push what keeps clear of them."""

_NEWTON_STEPS = 12
_LIMIT_MARGIN = 1e-5
"""Limits are kept by this share more than asked, so that rounding to a microsecond cannot break them."""


_EXACT_S = 0.001
"""A planned beat farther than this from its hit was held off by the limits: the hit is let go."""


@dataclass(frozen=True)
class Pins:
    """Positions that must fall on times; a position is a whole beat or the middle of one."""

    positions: FloatArray  # (n,) in beats from the first
    times_s: FloatArray  # (n,)
    slack_s: FloatArray  # (n,): as near as this is near enough; 0 is exactly


def refine(start_s: FloatArray, pins: Pins, costs: TempoCosts) -> FloatArray:
    """The best beat times near a start, within the limits whatever the pins ask.

    Args:
        start_s: (n,) rising beat times; steps past the limits are evened out first.
        pins: what the beats must meet; those that the limits do not let them meet are missed.
        costs: prices and limits.
    """
    programme = _Programme(pins, costs)
    times = _within_limits(start_s, pins, costs) / costs.interval_s
    for barrier in _BARRIERS:
        for _ in range(_NEWTON_STEPS):
            try:
                step, decrement = programme.newton_step(times, barrier)
            except np.linalg.LinAlgError:  # rounding has used up the curvature: this is as far as it goes
                return np.asarray(times * costs.interval_s)
            times = programme.advance(times, step, barrier)
            if decrement < barrier:
                break
    return np.asarray(times * costs.interval_s)


def settle(start_s: FloatArray, pins: Pins, weights: FloatArray, costs: TempoCosts) -> FloatArray:
    """The best beat times that meet as many pins as the limits allow, the heavier before the lighter.

    Args:
        start_s: (n,) rising beat times.
        pins: what the beats should meet.
        weights: (pins,) how much each matters.
        costs: prices and limits.
    """
    while True:
        refined = refine(start_s, pins, costs)
        at_pins = np.interp(pins.positions, np.arange(len(refined)), refined)
        broken = np.abs(at_pins - pins.times_s) > pins.slack_s + _EXACT_S
        weak = _weakest_of_each_run(broken, weights)
        if not weak.any() or weak.all():
            return refined
        pins = Pins(pins.positions[~weak], pins.times_s[~weak], pins.slack_s[~weak])
        weights = weights[~weak]


def _weakest_of_each_run(broken: NDArray[np.bool_], weights: FloatArray) -> NDArray[np.bool_]:
    """Of each run of neighbouring broken pins the lightest one: letting it go may free the others."""
    weak = np.zeros_like(broken)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], broken.astype(np.int8), [0]])))
    for start, end in edges.reshape(-1, 2):
        weak[start + int(np.argmin(weights[start:end]))] = True
    return weak


def _within_limits(start_s: FloatArray, pins: Pins, costs: TempoCosts) -> FloatArray:
    """The start with every step and tempo strictly inside the limits, laid over the pins' middle."""
    room = (costs.high - costs.low) * 1e-3
    ratio = 1 + costs.max_step * 0.98
    intervals = np.clip(np.diff(start_s) / costs.interval_s - 1, costs.low + room, costs.high - room) + 1
    for i in range(1, len(intervals)):
        intervals[i] = min(max(intervals[i], intervals[i - 1] / ratio), intervals[i - 1] * ratio)
    times = np.concatenate([[0.0], np.cumsum(intervals)]) * costs.interval_s
    at_pins = np.interp(pins.positions, np.arange(len(times)), times)
    return np.asarray(times + np.mean(pins.times_s - at_pins))


@dataclass(frozen=True)
class _Programme:
    """The convex programme, in units of the nominal beat."""

    pins: Pins
    costs: TempoCosts

    def _limits(self) -> tuple[tuple[tuple[float, ...], float], ...]:
        """Stencils over neighbouring beats and offsets: stencil·t + offset > 0."""
        ratio = (1 + self.costs.max_step) * (1 - _LIMIT_MARGIN)
        low, high = 1 + self.costs.low, 1 + self.costs.high
        return (
            ((-ratio, ratio + 1, -1.0), 0.0),  # d_{i+1} < ratio d_i
            ((1.0, -1 - ratio, ratio), 0.0),  # d_i < ratio d_{i+1}
            ((-1.0, 1.0), -low * (1 + _LIMIT_MARGIN)),
            ((1.0, -1.0), high * (1 - _LIMIT_MARGIN)),
        )

    def _pin_residual(self, times: FloatArray) -> tuple[FloatArray, NDArray[np.int64], FloatArray]:
        """How far each pin is off beyond its slack, the beat at or before it, its share of the next beat."""
        left = np.floor(self.pins.positions).astype(np.int64)
        part = self.pins.positions - left
        right = np.minimum(left + 1, len(times) - 1)
        off = (1 - part) * times[left] + part * times[right] - self.pins.times_s / self.costs.interval_s
        slack = self.pins.slack_s / self.costs.interval_s
        return off - np.clip(off, -slack, slack), left, part

    def value(self, times: FloatArray, barrier: float) -> float:
        """The objective with the barrier, infinite outside the limits."""
        total = _SPRING * float((self._pin_residual(times)[0] ** 2).sum())
        intervals = np.diff(times)
        total += self.costs.deviation * float(((intervals - 1) ** 2).sum())
        total += self.costs.change * float((np.diff(intervals) ** 2).sum())
        for stencil, offset in self._limits():
            room = _apply(stencil, times) + offset
            if (room <= 0).any():
                return np.inf
            total -= barrier * float(np.log(room).sum())
        return total

    def newton_step(self, times: FloatArray, barrier: float) -> tuple[FloatArray, float]:
        """The Newton step and half the decrease that it promises."""
        gradient, bands = np.zeros_like(times), np.zeros((3, len(times)))
        residual, left, part = self._pin_residual(times)
        right = np.minimum(left + 1, len(times) - 1)
        spring = _SPRING * ((residual != 0) | (self.pins.slack_s == 0))  # slack pulls nowhere
        for index, share in ((left, 1 - part), (right, part)):
            np.add.at(gradient, index, 2 * spring * share * residual)
            np.add.at(bands[0], index, 2 * spring * share**2)
        np.add.at(bands[1], left, 2 * spring * part * (1 - part))
        squares: tuple[tuple[tuple[float, ...], float, float], ...] = (
            ((-1.0, 1.0), -1.0, self.costs.deviation),
            ((1.0, -2.0, 1.0), 0.0, self.costs.change),
        )
        for stencil, offset, weight in squares:
            form = _apply(stencil, times) + offset
            _add(gradient, bands, stencil, 2 * weight * form, np.full_like(form, 2 * weight))
        for stencil, offset in self._limits():
            room = _apply(stencil, times) + offset
            _add(gradient, bands, stencil, -barrier / room, barrier / room**2)
        step = -solveh_banded(bands, gradient, lower=True)
        return step, float(-gradient @ step) / 2

    def advance(self, times: FloatArray, step: FloatArray, barrier: float) -> FloatArray:
        """As far along the step as lowers the objective within the limits."""
        length = min([1.0, *(0.99 * _reach(s, o, times, step) for s, o in self._limits())])
        value = self.value(times, barrier)
        for _ in range(30):
            moved = times + length * step
            if self.value(moved, barrier) <= value:
                return moved
            length /= 2
        return times


def _apply(stencil: tuple[float, ...], times: FloatArray) -> FloatArray:
    """The stencil at every place where it fits."""
    count = len(times) - len(stencil) + 1
    return np.asarray(sum(c * times[k : k + count] for k, c in enumerate(stencil)) + np.zeros(max(count, 0)))


def _add(
    gradient: FloatArray, bands: FloatArray, stencil: tuple[float, ...], slope: FloatArray, curve: FloatArray
) -> None:
    """Add the first and second derivatives of a function of stencil·t, given those by its value."""
    count = len(slope)
    for k, c in enumerate(stencil):
        gradient[k : k + count] += c * slope
        for j in range(k + 1):
            bands[k - j, j : j + count] += c * stencil[j] * curve


def _reach(stencil: tuple[float, ...], offset: float, times: FloatArray, step: FloatArray) -> float:
    """How far along a step a limit is met."""
    room, change = _apply(stencil, times) + offset, _apply(stencil, step)
    closing = change < 0
    return float((-room[closing] / change[closing]).min()) if closing.any() else np.inf
