"""The tempo to bend about where none is wished, and the steady click where none may be bent.

Conventions: tempos in beats a minute; candidates lie evenly on a logarithmic scale over the nominal range.
"""

from __future__ import annotations

import numpy as np

from v2m.curves import FloatArray
from v2m.tempo.passing import REACH_S
from v2m.tempo.search import Forms, Targets, lowest_cost
from v2m.tempo.settings import TempoSettings, costs_about

_CANDIDATES = 8
"""6 percent apart over the default range: nearer tempos reach nearly the same hits."""

_TRIAL_TARGETS = 32
"""A longer programme is judged by its beginning: over many hits every tempo reaches about the same share."""

_CENTRE_PULL = 0.02
"""Share of the hits' weight that a tempo at the edge of its range must gain to be taken over its middle."""

_STEADY_EFFORT = 20_000_000
"""Distances tried for a steady click: tenths of a second of work."""


def choose_bpm(targets: Targets, settings: TempoSettings) -> float:
    """The tempo of the nominal range about which the hits cost least to reach."""
    trial = Targets(targets.times_s[:_TRIAL_TARGETS], targets.weights[:_TRIAL_TARGETS])
    bpm = _candidates(settings, _CANDIDATES)
    if len(trial.times_s) < 2:
        return float(np.sqrt(bpm[0] * bpm[-1]))
    forms = Forms(costs_about(float(bpm[0]), settings))  # the same about every tempo: they are in beats
    cost = [lowest_cost(trial, costs_about(float(each), settings), forms) for each in bpm]
    return float(bpm[np.argmin(cost + _centre_cost(bpm, trial))])


def choose_click(targets: Targets, settings: TempoSettings) -> tuple[float, float]:
    """Tempo, and time of a beat in the first interval, of the steady click with most weight within reach."""
    count = int(np.clip(_STEADY_EFFORT / len(targets.times_s) ** 2, 1, 500))
    bpm = np.array([settings.wish_bpm]) if settings.wish_bpm else _candidates(settings, count)
    found = [_best_phase(targets, 60.0 / float(each)) for each in bpm]
    weights = np.array([weight for _, weight in found])
    best = int(np.argmax(weights - _centre_cost(bpm, targets)))
    return float(bpm[best]), found[best][0]


def _candidates(settings: TempoSettings, count: int) -> FloatArray:
    slow, fast = settings.nominal_range_bpm
    if slow == fast or count == 1:
        return np.array([np.sqrt(slow * fast)])
    return np.geomspace(slow, fast, count)


def _centre_cost(bpm: FloatArray, targets: Targets) -> FloatArray:
    """0 in the middle of the range, `_CENTRE_PULL` of all weight at its edges."""
    middle, span = np.log(bpm[0] * bpm[-1]) / 2, np.log(bpm[-1] / bpm[0]) / 2
    if span == 0:
        return np.zeros_like(bpm)
    pull = _CENTRE_PULL * float(targets.weights.sum())
    return np.asarray(pull * ((np.log(bpm) - middle) / span) ** 2)


def _best_phase(targets: Targets, interval_s: float) -> tuple[float, float]:
    """The hit's own phase that has most weight within reach, and that weight."""
    phases = targets.times_s % interval_s
    best, most = 0.0, -1.0
    for block in np.array_split(phases, max(1, len(phases) ** 2 // 1_000_000)):  # a few MB at a time
        off = np.abs((phases[None, :] - block[:, None] + interval_s / 2) % interval_s - interval_s / 2)
        weight = (off <= REACH_S) @ targets.weights
        if weight.max() > most + 1e-9:
            best, most = float(block[weight.argmax()]), float(weight.max())
    return best, most
