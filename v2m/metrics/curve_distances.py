"""Four Fréchet distances between event curves, as in table 8 of the paper: diagnostics, not a score.

    M     curves of the generated music against those of the original music
    M+V   the same, each with the curve of its video beside it
    M-V   curves of the generated music against those of the videos
    M|V   generated against original music, both given the video: a Gaussian partitioned into blocks, whose
          conditional mean is linear in the video's curve and whose conditional covariance is constant

By the paper's own words none of them agrees with listeners: a low distance is no proof of good timing.

For M|V with means m + A (v - mv), A = C_mv C_vv^-1, and S = C_mm - A C_vm, averaged over the videos:

    |m1 - m2|² + tr((A1 - A2) C_vv (A1 - A2)ᵀ) + tr(S1 + S2 - 2 (S1 S2)^½)

Conventions: curves are brought to `POINTS` values each, whatever their length and rate; rows are clips, the
same clip in the same row of every array. The paper says neither how long its vectors are nor how C_vv is
inverted: here by a pseudo-inverse, with what lies under a millionth of the largest eigenvalue left out.
Sources: V2M-Zero, appendix C; Soloveitchik et al. 2021 (conditional Fréchet distance).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import EventCurve, resample, standardize
from v2m.errors import InputError
from v2m.metrics.frechet import Gaussian, frechet_distance

FloatArray = NDArray[np.float64]

POINTS: Final = 32
"""Values of a curve: with a hundred clips a covariance of 64 rows is still known a little. 30 s in 32 values
is about the longest kernel of the paper's ablation."""

_LEAST_SHARE: Final = 1e-6


@dataclass(frozen=True)
class CurveDistances:
    """The four, lower is nearer."""

    music: float
    """M."""

    music_with_video: float
    """M+V."""

    music_to_video: float
    """M-V."""

    music_given_video: float
    """M|V."""

    clips: int
    points: int


def as_rows(curves: Sequence[EventCurve], points: int = POINTS) -> FloatArray:
    """Curves of clips as rows of equal length, standardised, (n, points).

    Raises:
        InputError: there are none.
    """
    if not curves:
        raise InputError("No curves are given, expected one for each clip.")
    rows = []
    for curve in curves:
        edges_s = np.linspace(0, float(curve.times_s[-1]), points)
        rows.append(standardize(resample(curve.times_s, curve.values, edges_s)))
    return np.stack(rows)


def curve_distances(generated: FloatArray, original: FloatArray, video: FloatArray) -> CurveDistances:
    """All four.

    Args:
        generated: (n, points) curves of the generated music.
        original: (n, points) of the original music.
        video: (n, points) of the videos.

    Raises:
        InputError: the arrays are not of one shape, or hold fewer than three clips.
    """
    validate(generated, original, video)
    music, truth = Gaussian.of(generated), Gaussian.of(original)
    with_video = Gaussian.of(np.hstack([generated, video]))
    truth_with_video = Gaussian.of(np.hstack([original, video]))
    return CurveDistances(
        music=frechet_distance(music, truth),
        music_with_video=frechet_distance(with_video, truth_with_video),
        music_to_video=frechet_distance(music, Gaussian.of(video)),
        music_given_video=conditional_distance(generated, original, video),
        clips=len(generated),
        points=generated.shape[1],
    )


def validate(*arrays: FloatArray) -> None:
    """Refuse what cannot be compared.

    Raises:
        InputError: the arrays are not of one shape, or hold fewer than three clips.
    """
    shapes = {np.shape(array) for array in arrays}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2 or next(iter(shapes))[0] < 3:
        raise InputError(f"Curves of shapes {shapes} are given, expected one shape of three or more clips.")


def conditional_distance(first: FloatArray, second: FloatArray, given: FloatArray) -> float:
    """M|V: how far two bodies of curves lie apart, given what they belong to.

    Raises:
        InputError: the arrays are not of one shape, or hold fewer than three clips.
    """
    validate(first, second, given)
    spread = np.atleast_2d(np.cov(given, rowvar=False))
    values, vectors = np.linalg.eigh(spread)
    kept = values > _LEAST_SHARE * max(values.max(), 0.0)
    # V whitened: with spread 1 the inverse of C_vv is the identity, on the kept directions
    white = (given - given.mean(axis=0)) @ (vectors[:, kept] / np.sqrt(values[kept]))
    slopes, rests = zip(*(_partitioned(music, white) for music in (first, second)), strict=True)
    apart = first.mean(axis=0) - second.mean(axis=0)
    still = np.zeros_like(apart)
    rest = frechet_distance(*(Gaussian(still, covariance, len(given)) for covariance in rests))
    return float(apart @ apart + np.square(slopes[0] - slopes[1]).sum() + rest)


def _partitioned(music: FloatArray, white: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slope of the music on the whitened video, (points, kept), and the covariance of what it leaves."""
    centred = music - music.mean(axis=0)
    slope = centred.T @ white / (len(music) - 1)
    return slope, centred.T @ centred / (len(music) - 1) - slope @ slope.T
