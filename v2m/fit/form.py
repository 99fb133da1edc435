"""The form of a track on its beats: bars, sections, big moments, and which bars can follow which.

Conventions: arrays run by beat; features are standardised over the track; a moment's strength is 0..1, 1 the
biggest of its track; likeness of two bars is 0 (unlike) to 1 (the same).

Bars are counted from the beats where bass attacks and changes of harmony fall (Klapuri, Eronen & Astola 2006
use the same cues). Sections begin where a checkerboard along the diagonal of the beats' self-similarity
peaks (Foote 2000). A moment is big where a section begins with more sound than came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from v2m.curves import FloatArray
from v2m.fit.pulse import Pulse
from v2m.fit.spectrum import HOP, LISTENED_HZ, Features, Spectrum

IntArray = NDArray[np.int64]

_METRES: Final = (4, 3)
"""Beats of a bar that are told apart; bars of six are two of three, bars of two are halves of four."""

_THREE_MARGIN: Final = 0.15
"""By how much bars of three must fit better (in standard deviations of the cues): most music counts four."""

_START_BONUS: Final = 0.35
"""For counting bars from the first beat where the track's sound begins on it: files are cut at bars."""

_KERNEL_BARS: Final = 4
"""Half width of the checkerboard: sections are told apart from what four bars before and behind have."""

_SECTION_GAP_BARS: Final = 4
_SECTION_DEVIATIONS: Final = 0.75
"""How far a peak of novelty stands out, in standard deviations."""

_LIKE_SCALE: Final = 1.5
"""Distance of standardised features, a feature, at which two bars are 1/e alike."""


@dataclass(frozen=True)
class Form:
    """What stands on the beats of a track."""

    beats_per_bar: int
    first_downbeat: int
    """Index of the first beat that begins a bar, below `beats_per_bar`."""

    sections: tuple[int, ...]
    """Beats that sections begin on, each the first of a bar."""

    moments: FloatArray  # (n,)
    """By beat 0..1: how big a moment is there; 0 nearly everywhere."""

    likeness: FloatArray  # (bars, bars)
    """How well the music goes on at bar d2 in place of bar d1, from 0 to 1; bars in order."""

    @property
    def downbeats(self) -> range:
        """Indices of the beats that begin bars."""
        return range(self.first_downbeat, len(self.moments), self.beats_per_bar)


def find_form(spectrum: Spectrum, pulse: Pulse) -> Form:
    """The form of a track."""
    cues = _cues(spectrum, pulse.beats_s)
    per_bar, first = _bars(cues, is_loop=pulse.is_loop)
    downbeats = np.arange(first, len(pulse.beats_s), per_bar)
    texture = np.concatenate([cues.timbre, cues.harmony], axis=1)
    bars = _by_bar(texture, downbeats, per_bar)
    sections = _on_rises(_sections(bars, downbeats), cues.loudness_db, per_bar)
    moments = _moments(cues.loudness_db, sections, per_bar)
    likeness = _likeness(texture, downbeats, per_bar)
    if pulse.is_loop and downbeats[-1] == len(pulse.beats_s) - 1:
        likeness[-1, 0] = 1.0  # its start was made to follow on its end
    return Form(per_bar, first, sections, moments, likeness)


@dataclass(frozen=True)
class _Cues:
    """What is heard from each beat to the next, (n, …); the last goes to the end of the track."""

    bass_attack: FloatArray
    harmony: FloatArray  # (n, 12), standardised
    timbre: FloatArray  # (n, 13), standardised
    loudness_db: FloatArray


def _cues(spectrum: Spectrum, beats_s: FloatArray) -> _Cues:
    hops = spectrum.mel.shape[1]
    starts = np.clip(np.round(beats_s * LISTENED_HZ / HOP).astype(int), 0, hops - 1)
    ends = np.append(starts[1:], hops)
    bass = spectrum.bass
    attack = np.array([np.diff(bass[max(0, f - 3) : f + 4]).max(initial=0.0) for f in starts])
    power = _means(spectrum.mel.sum(axis=0, keepdims=True), starts, ends)[:, 0]
    return _Cues(
        bass_attack=_standard(attack[:, None])[:, 0],
        harmony=_standard(_means(spectrum.chroma, starts, ends)),
        timbre=_standard(_means(spectrum.timbre, starts, ends)),
        loudness_db=10 * np.log10(power + 1e-10),
    )


def _means(values: Features, starts: IntArray, ends: IntArray) -> FloatArray:
    """Means of (features, frames) from each start to its end, (n, features)."""
    spans = zip(starts, np.maximum(ends, starts + 1), strict=True)
    return np.array([values[:, start:end].mean(axis=1) for start, end in spans], np.float64)


def _standard(values: FloatArray) -> FloatArray:
    scale = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(scale > 1e-9, scale, 1.0))


def _bars(cues: _Cues, *, is_loop: bool) -> tuple[int, int]:
    """Beats of a bar, and the first that begins one; a loop is whole bars where it can be."""
    change = np.linalg.norm(np.diff(cues.harmony, axis=0, prepend=cues.harmony[:1]), axis=1)
    weight = cues.bass_attack + _standard(change[:, None])[:, 0]
    if is_loop and (whole := [metre for metre in _METRES if (len(weight) - 1) % metre == 0]):
        return whole[0], 0
    best, most = (4, 0), -np.inf
    for metre in _METRES:
        margin = _THREE_MARGIN if metre == 3 else 0.0
        for first in range(min(metre, len(weight))):
            on = weight[first::metre].mean() - margin + (_START_BONUS if first == 0 else 0.0)
            if on > most + 1e-9:
                best, most = (metre, first), on
    return best


def _by_bar(values: FloatArray, downbeats: IntArray, per_bar: int) -> FloatArray:
    return np.array([values[beat : beat + per_bar].mean(axis=0) for beat in downbeats])


def _sections(bars: FloatArray, downbeats: IntArray) -> tuple[int, ...]:
    """Beats on which sections begin, the track's first bar among them."""
    if len(bars) < 2 * _SECTION_GAP_BARS:
        return tuple(downbeats[:1].tolist())
    novelty = _foote(bars)
    inner = np.arange(1, len(novelty) - 1)
    peaks = inner[(novelty[inner] >= novelty[inner - 1]) & (novelty[inner] > novelty[inner + 1])]
    high = peaks[novelty[peaks] > novelty.mean() + _SECTION_DEVIATIONS * novelty.std()]
    chosen = [0]
    for bar in sorted(high.tolist(), key=lambda bar: -novelty[bar]):
        if all(abs(bar - other) >= _SECTION_GAP_BARS for other in chosen):
            chosen.append(bar)
    return tuple(int(downbeats[bar]) for bar in sorted(chosen))


def _foote(bars: FloatArray) -> FloatArray:
    """How much the bars from here on differ from those before, and each side from itself not."""
    likeness = np.exp(-cdist(bars, bars) / np.sqrt(bars.shape[1]))
    novelty = np.zeros(len(bars))
    for at in range(1, len(bars)):
        size = min(_KERNEL_BARS, at, len(bars) - at)
        before, behind = slice(at - size, at), slice(at, at + size)
        alike = (likeness[before, before].mean() + likeness[behind, behind].mean()) / 2
        novelty[at] = (alike - likeness[before, behind].mean()) * size / _KERNEL_BARS
    return novelty


def _on_rises(sections: tuple[int, ...], loudness_db: FloatArray, per_bar: int) -> tuple[int, ...]:
    """Each section from the bar line, of its own and its neighbours, at which the loudness changes most."""
    moved = set(sections[:1])
    for beat in sections[1:]:
        lines = [
            b for b in (beat, beat - per_bar, beat + per_bar) if per_bar <= b <= len(loudness_db) - per_bar
        ]
        steps = [
            abs(float(loudness_db[b : b + per_bar].mean() - loudness_db[b - per_bar : b].mean()))
            for b in lines
        ]
        moved.add(lines[int(np.argmax(steps))] if lines else beat)
    return tuple(sorted(moved))


def _moments(loudness_db: FloatArray, sections: tuple[int, ...], per_bar: int) -> FloatArray:
    """Sections that come in with more sound are big; those that come in softer a little."""
    moments = np.zeros(len(loudness_db))
    for beat in sections:
        before = loudness_db[max(0, beat - 2 * per_bar) : beat]
        behind = loudness_db[beat : beat + 2 * per_bar]
        rise = float(behind.mean() - before.mean()) if len(before) else 6.0  # the start rises from silence
        moments[beat] = np.clip(0.3 + 0.1 * rise, 0.1, 1.0)  # 7 dB more is as big as a drop gets
    return moments


def _likeness(texture: FloatArray, downbeats: IntArray, per_bar: int) -> FloatArray:
    """How alike the bars before each two bar lines are, and those behind, as far as there are."""
    behind = _by_bar(texture, downbeats, per_bar)
    before = np.array([texture[max(0, b - per_bar) : max(1, b)].mean(axis=0) for b in downbeats])
    scale = _LIKE_SCALE * np.sqrt(texture.shape[1])
    distance = [cdist(side, side) / scale for side in (before, behind)]
    if downbeats[0] < per_bar:
        distance[0][:, 0] = distance[0][0, :] = distance[1][:, 0].mean()
    return np.asarray(np.exp(-(distance[0] + distance[1]) / 2))
