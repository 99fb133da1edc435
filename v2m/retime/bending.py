"""The beats of a stretch that is retimed: as even as they were, bent as softly as their stops allow.

With d_i the intervals as they were, the new ones are d_i (1 + e_i), where e minimises

    Σ (e_{i+1} - e_i)² + EVENNESS Σ e_i²   with e = 0 outside the stretch

under the condition that every stop falls on its time: a bend that swells and fades is heard least. As far as
its height would exceed the limit, it gives way to one that is the same for all beats between two stops. Both
are linear equations; any mean of the two fulfils the condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve

from v2m.curves import FloatArray
from v2m.retime.route import RENEWED_BEND, Stop
from v2m.tempo import TempoMap

_EVENNESS: Final = 1e-3
"""Small against the differences: it only keeps long spans from swaying."""


@dataclass(frozen=True)
class Bent:
    """The beats of a stretch from the one at or before its first stop to the one at or after its last."""

    beats_s: FloatArray  # (n,)
    """Times of the programme as it is now."""

    largest: float
    """The largest bend of a beat whose music stays, as a share."""

    composed: float = 0.0
    """The largest of one that is composed again."""


def bent_beats(stops: Sequence[Stop], tempo_map: TempoMap, max_bend: float) -> Bent:
    """The beats that bring every stop to its time; those at both ends keep theirs, but for the stops' shifts.

    Args:
        stops: at least two; the ends' offsets are whole beats.
        tempo_map: as it was.
        max_bend: the largest bend wished for, of beats that are composed again `RENEWED_BEND` times as much.
    """
    first, last = np.floor(stops[0].position), np.ceil(stops[-1].position)
    old_last = last - stops[-1].position + stops[-1].anchor.position
    inner = stops[1:-1]
    new = np.array([first, *(stop.position for stop in inner), last])
    old = np.array([first, *(stop.anchor.position for stop in inner), old_last])
    shifts_s = np.array([float(stop.anchor.shift_s) for stop in (stops[0], *inner, stops[-1])])
    at_s = np.asarray(tempo_map.time_s(old)) + shifts_s

    middles = np.arange(first, last, dtype=np.float64) + 0.5
    beats = np.floor(np.interp(middles, new, old))
    intervals = np.asarray(tempo_map.time_s(beats + 1)) - np.asarray(tempo_map.time_s(beats))
    # reach[k, i]: how much of interval i lies before stop k
    reach = np.clip(new[1:, None] - np.arange(first, last)[None, :], 0.0, 1.0) * intervals
    missing = at_s[1:] - at_s[0] - reach.sum(axis=1)
    renewed = [stop.is_new for stop in stops[1:]]
    composed = _inside(middles, new, renewed)
    limits = np.where(composed, RENEWED_BEND * max_bend, max_bend)
    bend = _within(limits, _even(reach, missing), _soft(reach, missing))
    beats_s = at_s[0] + np.concatenate([[0.0], np.cumsum(intervals * (1 + bend))])
    stays, anew = (float(np.abs(bend[where]).max(initial=0.0)) for where in (~composed, composed))
    return Bent(beats_s, stays, anew)


def _inside(middles: FloatArray, stops: FloatArray, renewed: Sequence[bool]) -> NDArray[np.bool_]:
    """Which beats lie between two stops whose beats are composed again."""
    return np.asarray(renewed)[np.clip(np.searchsorted(stops, middles) - 1, 0, len(renewed) - 1)]


def _soft(reach: FloatArray, missing: FloatArray) -> FloatArray:
    """The bend of least change from beat to beat."""
    count = reach.shape[1]
    bands = [np.full(count - 1, -1.0), np.full(count, 2.0 + _EVENNESS), np.full(count - 1, -1.0)]
    cost = sparse.diags(bands, [-1, 0, 1])
    system = sparse.bmat([[cost, sparse.csr_matrix(reach.T)], [sparse.csr_matrix(reach), None]], format="csc")
    solved = spsolve(system, np.concatenate([np.zeros(count), missing]))
    return np.asarray(np.atleast_1d(solved)[:count])


def _even(reach: FloatArray, missing: FloatArray) -> FloatArray:
    """The same bend for all beats between two stops, corrected where a stop parts a beat."""
    spans = np.diff(reach, axis=0, prepend=0.0)
    lengths = spans.sum(axis=1)
    shares = np.diff(missing, prepend=0.0) / lengths
    weights = spans / np.maximum(spans.sum(axis=0), 1e-12)
    bend = shares @ weights
    correction: FloatArray = np.linalg.lstsq(reach, missing - reach @ bend, rcond=None)[0]
    return np.asarray(bend + correction)


def _within(limit: FloatArray, even: FloatArray, soft: FloatArray) -> FloatArray:
    """As much of the soft bend as stays within the limits."""
    ahead = soft - even
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(ahead > 0, limit - even, limit + even) / np.abs(ahead)
    share = float(np.clip(np.nanmin(np.where(ahead == 0, np.inf, room), initial=1.0), 0.0, 1.0))
    return even + share * ahead
