"""Whether event curves alone tell kinds of video apart: a small network, split after split.

The paper (appendix C) has one MLP layer and one split of 90 to 10 over cinematic, natural and dance videos,
and reports 68.2 % without chance, size or spread. Here the split is drawn many times with the same share of
each class in both parts, so that the accuracy comes with an interval, beside the share of the largest class.
A curve has no phase worth knowing, so besides its values the network may be shown its spectrum.

Conventions: curves (n, points), one a clip; labels any strings, two or more kinds. The network has one hidden
layer of `HIDDEN` units, ReLU, softmax, full-batch Adam, weight decay; all randomness comes from the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from v2m.errors import InputError

FloatArray = NDArray[np.float64]
View = Literal["values", "spectrum"]

HIDDEN: Final = 64
_EPOCHS: Final = 200
_RATE: Final = 1e-2
_DECAY: Final = 1e-3
_TEST_SHARE: Final = 0.1


@dataclass(frozen=True)
class Classification:
    """How well kinds were told apart."""

    accuracy: float
    """Mean over splits, of clips not seen in training."""

    low: float
    high: float
    """The middle 95 % of the splits."""

    chance: float
    """Always naming the largest class."""

    clips: int
    classes: tuple[str, ...]
    splits: int
    view: View


def classify(
    curves: FloatArray, labels: Sequence[str], *, splits: int = 20, seed: int = 0, view: View = "values"
) -> Classification:
    """Train and test on one split after another.

    Raises:
        InputError: there is not one curve for each label, only one class, or a class of under four clips.
    """
    rows, classes, marks = _validated(curves, labels)
    shown = np.abs(np.fft.rfft(rows, axis=1)) if view == "spectrum" else rows
    drawn = np.random.default_rng(seed)
    accuracies = []
    for _ in range(splits):
        test = _stratified(marks, drawn)
        train = ~test
        centre, spread = shown[train].mean(axis=0), shown[train].std(axis=0) + 1e-9
        network = _trained((shown[train] - centre) / spread, marks[train], len(classes), drawn)
        guessed = network.scores((shown[test] - centre) / spread).argmax(axis=1)
        accuracies.append(float((guessed == marks[test]).mean()))
    low, high = np.percentile(accuracies, [2.5, 97.5])
    chance = float(np.bincount(marks).max() / len(marks))
    return Classification(
        float(np.mean(accuracies)), float(low), float(high), chance, len(rows), classes, splits, view
    )


def _validated(
    curves: FloatArray, labels: Sequence[str]
) -> tuple[FloatArray, tuple[str, ...], NDArray[np.intp]]:
    rows = np.asarray(curves, np.float64)
    classes = tuple(sorted(set(labels)))
    if rows.ndim != 2 or len(rows) != len(labels) or not np.isfinite(rows).all():
        raise InputError(f"Curves of shape {rows.shape} have {len(labels)} labels, expected one for each.")
    marks = np.array([classes.index(label) for label in labels], np.intp)
    if len(classes) < 2 or np.bincount(marks).min() < 4:
        raise InputError("Expected two or more classes with four or more clips each.")
    return rows, classes, marks


def _stratified(marks: NDArray[np.intp], drawn: np.random.Generator) -> NDArray[np.bool_]:
    """A tenth of each class, one clip at least, for testing."""
    test = np.zeros(len(marks), bool)
    for mark in np.unique(marks):
        members = np.flatnonzero(marks == mark)
        test[drawn.choice(members, max(1, round(_TEST_SHARE * len(members))), replace=False)] = True
    return test


@dataclass
class _Network:
    inner: FloatArray  # (d + 1, hidden), the last row a bias
    outer: FloatArray  # (hidden + 1, classes)

    def hidden(self, rows: FloatArray) -> FloatArray:
        return np.asarray(np.maximum(_with_one(rows) @ self.inner, 0.0))

    def scores(self, rows: FloatArray) -> FloatArray:
        return np.asarray(_with_one(self.hidden(rows)) @ self.outer)


def _trained(rows: FloatArray, marks: NDArray[np.intp], classes: int, drawn: np.random.Generator) -> _Network:
    width = rows.shape[1] + 1
    network = _Network(
        drawn.normal(0, np.sqrt(2 / width), (width, HIDDEN)),
        drawn.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN + 1, classes)),
    )
    moments = [np.zeros_like(each) for each in (network.inner, network.outer) for _ in range(2)]
    for epoch in range(1, _EPOCHS + 1):
        gradients = _gradients(network, rows, marks)
        for index, (weights, gradient) in enumerate(
            zip((network.inner, network.outer), gradients, strict=True)
        ):
            first, second = moments[2 * index], moments[2 * index + 1]
            first += 0.1 * (gradient - first)  # Adam with its usual 0.9 and 0.999
            second += 0.001 * (gradient**2 - second)
            step = (first / (1 - 0.9**epoch)) / (np.sqrt(second / (1 - 0.999**epoch)) + 1e-8)
            weights -= _RATE * (step + _DECAY * weights)
    return network


def _gradients(network: _Network, rows: FloatArray, marks: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
    """Of the mean cross-entropy."""
    hidden = network.hidden(rows)
    scores = _with_one(hidden) @ network.outer
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(marks)), marks] -= 1
    error = shares / len(marks)  # (n, classes)
    back = (error @ network.outer[:-1].T) * (hidden > 0)
    return _with_one(rows).T @ back, _with_one(hidden).T @ error


def _with_one(rows: FloatArray) -> FloatArray:
    return np.hstack([rows, np.ones((len(rows), 1))])
