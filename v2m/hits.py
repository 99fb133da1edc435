"""Hits: the moments that the music must mark, each with a weight and a reason.

Conventions: times are exact, from the first frame of the programme; weights run from 0 to 1. A novelty
signal is a pair of arrays (times_s, values): how much the picture changes into the frame at that time.
Sources: hit points and streamers of film scoring; the robust threshold is median + k·MAD (Hampel 1974).

What weighs how much, before merging:
    marker   1 strong, 0.9 plain, 0.5 soft     the editor's word: name before colour
    end      0.8                               so that the ending lands
    cut      0.5 to 0.9                        how much changes there, how long the picture held before
    dissolve 0.7 of a cut, fade 0.6            the eye places them within their width
    visual   0.3 to 0.45                       a moment inside a shot: uncut footage has only those
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from v2m.curves import FloatArray
from v2m.errors import InputError, UsageError
from v2m.timebase import float_to_fraction, on_frame
from v2m.timeline import Cut, Marker, Timeline

HitKind = Literal["cut", "dissolve", "fade", "marker", "visual", "end"]
MarkerRole = Literal["strong", "hit", "soft", "ignore", "silence"]
"""silence: no hit here, not even the cut's own."""


@dataclass(frozen=True)
class Hit:
    """A moment to be marked."""

    id: str
    """Stable while its cause stays: the marker's id, else kind and order (`cut-3`)."""

    time_s: Fraction
    """Exact, from the first frame of the programme."""

    kind: HitKind
    weight: float
    """0..1: how much it matters; 1 is a strong marker of the editor's, 0.9 a cut to a wholly new picture."""

    reason: str = ""


@dataclass(frozen=True)
class HitSettings:
    """Which moments become hits, and how much each kind weighs."""

    strong_colors: tuple[str, ...] = ("red",)
    """Marker colours that mean a strong hit. A marker's name, where it says more, goes before its colour."""

    soft_colors: tuple[str, ...] = ()
    ignore_colors: tuple[str, ...] = ()
    """Marker colours that the editor keeps for notes."""

    marker_weight: float = 0.9
    end_weight: float = 0.8
    """0 leaves the end of the programme unmarked."""

    visual: bool = True
    """Whether moments inside shots are looked for, where a novelty signal is given."""

    visual_threshold_mad: float = 12.0
    """How far a moment stands out of its shot, in median absolute deviations: 12 is 5 sigma of noise."""

    visual_gap_s: float = 1.0
    """Least distance of a visual hit from cuts and from other visual hits."""

    visual_every_s: float = 2.5
    """At most one visual hit for so many seconds of a shot."""

    def __post_init__(self) -> None:
        """Refuse weights and distances that mean nothing.

        Raises:
            UsageError: a weight is outside 0..1, or a distance or threshold is not positive.
        """
        for name in ("marker_weight", "end_weight"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"The {name.replace('_', ' ')} is {getattr(self, name)}, expected 0 to 1.")
        for name in ("visual_threshold_mad", "visual_gap_s", "visual_every_s"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)}, expected a positive number.")


MARKER_WORDS: Final[tuple[tuple[str, MarkerRole], ...]] = (
    (r"^\s*v2m\b", "ignore"),  # our own: hits shown in the editor, wishes noted there
    (r"\bno[ -]?(hit|accent)\b", "silence"),
    (r"\b(ignore|todo|fixme)\b", "ignore"),
    (r"\b(soft|light|maybe)\b", "soft"),
    (r"!|\b(drop|strong|big|accent)\b", "strong"),
    (r"\bhit\b", "hit"),
)
"""What the words of a marker's name mean, whatever its colour; the first line that matches decides."""

_STRONG_WEIGHT = 1.0
_SOFT_WEIGHT = 0.5
_CUT_WEIGHT = 0.5
_CHANGE_WEIGHT = 0.25
_HOLD_WEIGHT = 0.15
"""A cut weighs 0.5; 0.25 more for a wholly new picture, 0.15 more after a long hold: 0.9 at most."""

_SOFTENED: Final = {"cut": 1.0, "dissolve": 0.7, "fade": 0.6}
_VISUAL_WEIGHT = 0.3
_VISUAL_SPAN = 0.15

_SHORT_HOLD_S, _LONG_HOLD_S = 0.5, 8.0
"""Shots of a burst and shots that linger; the weight runs with the logarithm between them."""

_RANK: Final = {"marker": 0, "cut": 1, "dissolve": 2, "fade": 2, "end": 3, "visual": 4}
"""Of two hits within a frame the lower rank gives id, kind and reason."""


def find_hits(
    timeline: Timeline,
    novelty: tuple[FloatArray, FloatArray] | None = None,
    settings: HitSettings | None = None,
) -> tuple[Hit, ...]:
    """The hits of a programme in order of time, at least a frame apart, with distinct ids.

    Args:
        timeline: the programme.
        novelty: times_s (n,) rising and values (n,), where the picture was looked at; without it every cut
            changes as much as any other, and there are no visual hits.
        settings: weights, marker colours, thresholds.

    Raises:
        InputError: the novelty arrays differ in length, do not rise in time, or are not finite.
    """
    settings = settings or HitSettings()
    if novelty is not None:
        novelty = _checked(*novelty)
    hits = [*_cut_hits(timeline, novelty), *_end_hits(timeline, settings)]
    silences: list[Marker] = []
    for marker in timeline.markers:
        role = marker_role(marker, settings)
        if role == "silence":
            silences.append(marker)
        elif role != "ignore" and 0 <= marker.time_s <= timeline.duration_s:
            hits.append(_marker_hit(marker, role, settings))
    if novelty is not None and settings.visual:
        hits.extend(_visual_hits(timeline, novelty, settings))
    return _with_distinct_ids(_merged(_silenced(hits, silences, timeline), 1 / timeline.rate))


def marker_role(marker: Marker, settings: HitSettings | None = None) -> MarkerRole:
    """What a marker asks for: by the words of its name, else by its colour, else a plain hit."""
    settings = settings or HitSettings()
    color = marker.color.strip().lower()
    strong = color in map(str.lower, settings.strong_colors)
    for pattern, role in MARKER_WORDS:
        if re.search(pattern, marker.name, re.IGNORECASE):
            return "strong" if role == "hit" and strong else role  # "hit" in red loses nothing of the red
    by_color: tuple[tuple[tuple[str, ...], MarkerRole], ...] = (
        (settings.ignore_colors, "ignore"),
        (settings.soft_colors, "soft"),
        (settings.strong_colors, "strong"),
    )
    return next((role for colors, role in by_color if color in map(str.lower, colors)), "hit")


def _checked(times_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    times, changes = np.asarray(times_s, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if times.ndim != 1 or times.shape != changes.shape:
        raise InputError(
            f"Novelty has {times.shape} times and {changes.shape} values, expected one for each."
        )
    if not (np.isfinite(times).all() and np.isfinite(changes).all() and (np.diff(times) > 0).all()):
        raise InputError("Novelty must be finite, with times that rise strictly.")
    return times, changes


def _marker_hit(marker: Marker, role: MarkerRole, settings: HitSettings) -> Hit:
    weight = {"strong": _STRONG_WEIGHT, "soft": _SOFT_WEIGHT}.get(role, settings.marker_weight)
    words = " ".join(word for word in (role, marker.color.lower(), "marker", f"{marker.name!r}") if word)
    return Hit(marker.id, marker.time_s, "marker", weight, words if marker.name else words[:-3])


def _end_hits(timeline: Timeline, settings: HitSettings) -> list[Hit]:
    if settings.end_weight == 0:
        return []
    return [Hit("end", timeline.duration_s, "end", settings.end_weight, "end of the programme")]


# --- cuts -------------------------------------------------------------------------------------------


def _cut_hits(timeline: Timeline, novelty: tuple[FloatArray, FloatArray] | None) -> list[Hit]:
    """One hit a cut that lies inside the programme, at the middle of its transition."""
    cuts = sorted(timeline.cuts, key=lambda cut: cut.time_s)
    times = [min(max(cut.time_s + cut.center_offset_s, Fraction(0)), timeline.duration_s) for cut in cuts]
    changes = _changes(cuts, novelty, 1 / timeline.rate)
    holds = _holds([Fraction(0), *times, timeline.duration_s])
    return [
        Hit(
            id=f"{cut.kind}-{i + 1}",
            time_s=time,
            kind=cut.kind,
            weight=_cut_weight(cut, change, hold),
            reason=f"{cut.kind} after {float(held):.1f} s",
        )
        for i, (cut, time, change, (hold, held)) in enumerate(zip(cuts, times, changes, holds, strict=True))
        if 0 < time < timeline.duration_s
    ]


def _cut_weight(cut: Cut, change: float, hold: float) -> float:
    weight = _CUT_WEIGHT + _CHANGE_WEIGHT * change + _HOLD_WEIGHT * hold
    return round(weight * _SOFTENED[cut.kind], 3)


def _changes(
    cuts: Sequence[Cut], novelty: tuple[FloatArray, FloatArray] | None, frame_s: Fraction
) -> list[float]:
    """0..1 a cut: the most that the picture changes there, against the strong cuts of this programme.

    The 90th percentile is 1: a jump cut within one set-up stays low, and one freak flash scales nothing.
    """
    neutral = [0.5] * len(cuts)
    if novelty is None or not cuts:
        return neutral
    times, values = novelty
    most = []
    for cut in cuts:
        middle, half = cut.time_s + cut.center_offset_s, cut.width_s / 2 + frame_s * Fraction(3, 2)
        first, last = np.searchsorted(times, [float(middle - half), float(middle + half)])
        most.append(float(values[first:last].max()) if last > first else np.nan)
    full = float(np.nanpercentile(most, 90)) if np.isfinite(most).any() else 0.0
    if full <= 0:
        return neutral
    return [0.5 if np.isnan(change) else float(np.clip(change / full, 0, 1)) for change in most]


def _holds(bounds: Sequence[Fraction]) -> list[tuple[float, Fraction]]:
    """For each inner bound 0..1 for how long the picture holds, before it mostly, and the length before."""
    lengths = [after - before for before, after in pairwise(bounds)]
    scale = np.log(_LONG_HOLD_S / _SHORT_HOLD_S)
    held = np.log(np.maximum([float(length) for length in lengths], 1e-3) / _SHORT_HOLD_S) / scale
    held = np.clip(held, 0, 1)
    return [(float(0.7 * held[i] + 0.3 * held[i + 1]), lengths[i]) for i in range(len(lengths) - 1)]


# --- moments inside shots ----------------------------------------------------------------------------


def _visual_hits(
    timeline: Timeline, novelty: tuple[FloatArray, FloatArray], settings: HitSettings
) -> list[Hit]:
    """Frames that stand out of their shot, few rather than many."""
    times, values = novelty
    if len(times) < 3:
        return []
    bounds = [0.0, *sorted(float(shot.end_s) for shot in timeline.shots)]
    floor = _threshold(values, settings.visual_threshold_mad / 2)
    found: list[tuple[Fraction, float]] = []
    for start, end in pairwise(bounds):
        found += _moments(start, end, times, values, floor, timeline.rate, settings)
    found = [(time, height) for time, height in found if 0 < time < timeline.duration_s]
    return [
        Hit(f"visual-{i + 1}", time, "visual", round(_VISUAL_WEIGHT + _VISUAL_SPAN * height, 3), "stands out")
        for i, (time, height) in enumerate(found)
    ]


def _moments(
    start_s: float,
    end_s: float,
    times: FloatArray,
    values: FloatArray,
    floor: float,
    rate: Fraction,
    settings: HitSettings,
) -> list[tuple[Fraction, float]]:
    """The moments of one shot: frame, and 0..1 for how far it stands out; highest first served."""
    gap = settings.visual_gap_s
    first, last = np.searchsorted(times, [start_s + gap, end_s - gap])
    inner = np.arange(max(first, 1), min(last, len(times) - 1))
    if len(inner) < 3:
        return []
    threshold = max(_threshold(values[inner], settings.visual_threshold_mad), floor)
    peaks = inner[
        (values[inner] > threshold)
        & (values[inner] >= values[inner - 1])
        & (values[inner] > values[inner + 1])
    ]
    chosen: list[int] = []
    for peak in sorted(peaks.tolist(), key=lambda i: (-values[i], i)):
        if len(chosen) < (end_s - start_s) / settings.visual_every_s and all(
            abs(times[peak] - times[other]) >= gap for other in chosen
        ):
            chosen.append(peak)
    # Twice the threshold is as clear as a moment gets; beyond it the weight stays below a cut's.
    return [
        (on_frame(float_to_fraction(float(times[i])), rate), min(1.0, float(values[i] / threshold) - 1.0))
        for i in sorted(chosen)
    ]


def _threshold(values: FloatArray, mads: float) -> float:
    median = float(np.median(values))
    return median + mads * float(np.median(np.abs(values - median))) + 1e-9  # a still picture has no peaks


# --- one hit a moment --------------------------------------------------------------------------------


def _silenced(hits: Iterable[Hit], silences: Sequence[Marker], timeline: Timeline) -> list[Hit]:
    """The hits without those that a marker forbids: within a frame of it, or within its span."""
    frame_s = 1 / timeline.rate
    return [
        hit
        for hit in hits
        if hit.kind == "marker"
        or not any(m.time_s - frame_s <= hit.time_s <= m.time_s + m.duration_s + frame_s for m in silences)
    ]


def _merged(hits: Iterable[Hit], frame_s: Fraction) -> list[Hit]:
    """Hits within a frame of the first of them as one: the highest rank's, where the picture changes."""
    groups: list[list[Hit]] = []
    for hit in sorted(hits, key=lambda hit: (hit.time_s, _RANK[hit.kind])):
        if groups and hit.time_s - groups[-1][0].time_s <= frame_s:
            groups[-1].append(hit)
        else:
            groups.append([hit])
    return [_one(group) for group in groups]


def _one(group: Sequence[Hit]) -> Hit:
    chief = min(group, key=lambda hit: (_RANK[hit.kind], hit.time_s))
    seen = [hit for hit in group if hit.kind in ("cut", "end")]
    # A marker set a frame beside a cut means the cut: that is what is seen.
    time_s = seen[0].time_s if seen else chief.time_s
    return replace(chief, time_s=time_s, weight=max(hit.weight for hit in group))


def _with_distinct_ids(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    used: dict[str, int] = {}
    distinct = []
    for hit in hits:
        count = used[hit.id] = used.get(hit.id, 0) + 1
        distinct.append(hit if count == 1 else replace(hit, id=f"{hit.id}#{count}"))
    return tuple(distinct)
