"""The Fréchet distance of two clouds of vectors, and what it would be with endlessly many of them.

    d² = |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½)

The trace of the root is taken from eigenvalues of the symmetric C1^½ C2 C1^½, which has the same ones as
C1 C2: no complex numbers, no matrix root of a product that is not symmetric.

The estimate is biased upwards, by about a constant over the number of vectors: two samples of 200 from one
and the same 128-d Gaussian lie about 24 apart. So a distance is told with its n, and `infinity` fits the line
through estimates at several sizes and reads it at 1/n = 0 (Chong and Forsyth 2020; Gui et al. 2024).

Conventions: (n, d) one vector a row; covariances with ddof 1, as numpy.cov; float64.
Sources: Dowson and Landau 1982; Kilgour et al. 2019 (FAD); Chong and Forsyth, "Effectively Unbiased FID".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from v2m.errors import InputError

FloatArray = NDArray[np.float64]

_SIZES: Final = 12
"""Sizes at which the line is fitted."""

_DRAWS: Final = 3
"""Samples at each size: their mean lies nearer to the line than one of them."""

_LEAST_SHARE: Final = 0.2
"""The smallest sample holds this share of the vectors: below, the bias is no longer linear in 1/n."""


@dataclass(frozen=True)
class Gaussian:
    """Mean and covariance."""

    mean: FloatArray  # (d,)
    covariance: FloatArray  # (d, d)
    count: int
    """Vectors it was fitted to."""

    @classmethod
    def of(cls, vectors: ArrayLike) -> Gaussian:
        """Fit one.

        Raises:
            InputError: there are fewer than two vectors, or one is not finite.
        """
        rows = validate(vectors)
        return cls(rows.mean(axis=0), np.atleast_2d(np.cov(rows, rowvar=False)), len(rows))


@dataclass(frozen=True)
class Infinity:
    """The distance read at 1/n = 0."""

    value: float
    slope: float
    """Distance times n that the bias adds."""

    r2: float
    """How much of the estimates the line explains; below about 0.9 the value means little."""


def validate(vectors: ArrayLike) -> FloatArray:
    """Vectors as float64.

    Raises:
        InputError: there are fewer than two, or one is not finite.
    """
    rows = np.asarray(vectors, np.float64)
    if rows.ndim != 2 or len(rows) < 2 or not np.isfinite(rows).all():
        raise InputError(f"Vectors of shape {rows.shape} are given, expected two or more finite rows.")
    return rows


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """d² of two Gaussians, never below 0.

    Raises:
        InputError: they have different dimensions.
    """
    if first.mean.shape != second.mean.shape:
        raise InputError(
            f"Vectors of {first.mean.size} and {second.mean.size} values are compared, expected one length."
        )
    apart = first.mean - second.mean
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    return max(0.0, float(apart @ apart + traces - 2 * _trace_of_root(first.covariance, second.covariance)))


def frechet_infinity(reference: ArrayLike, vectors: ArrayLike, seed: int = 0) -> Infinity:
    """The distance of a cloud to a reference, extrapolated to endlessly many vectors of the cloud.

    Only the judged cloud is thinned, as in fadtk: the reference is one and the same for all who are judged.

    Raises:
        InputError: there are fewer than 20 vectors, too few for a line.
    """
    rows, target = validate(vectors), Gaussian.of(reference)
    if len(rows) < 20:
        raise InputError(f"{len(rows)} vectors are given, expected 20 or more to see how the distance falls.")
    drawn = np.random.default_rng(seed)
    sizes = np.unique(np.linspace(max(4, _LEAST_SHARE * len(rows)), len(rows), _SIZES).astype(int))
    found = [
        np.mean([
            frechet_distance(target, Gaussian.of(rows[drawn.choice(len(rows), size, replace=False)]))
            for _ in range(_DRAWS)
        ])
        for size in sizes
    ]  # fmt: skip
    slope, value = np.polyfit(1 / sizes, found, 1)
    unexplained = np.square(found - (value + slope / sizes)).sum()
    spread = np.square(found - np.mean(found)).sum()
    return Infinity(float(value), float(slope), float(1 - unexplained / spread) if spread > 0 else 1.0)


def _trace_of_root(first: FloatArray, second: FloatArray) -> float:
    values, vectors = np.linalg.eigh((first + first.T) / 2)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    product = root @ second @ root
    shared = np.linalg.eigvalsh((product + product.T) / 2)
    return float(np.sqrt(np.maximum(shared, 0.0)).sum())
