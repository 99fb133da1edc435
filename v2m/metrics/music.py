"""Whether notes make music: seven figures of an arrangement, to be read beside those of other music.

    scale consistency     share of pitched notes in the best of the 12 major scales, whose modes share it;
                          Mogren 2016 (C-RNN-GAN). 0..1; evenly random pitches give 0.58 and a little more
    pitch-class entropy   of the histogram of pitch classes, in bits; Wu and Yang 2020 (Jazz Transformer).
                          0 (one pitch class) to 3.58 (all alike)
    groove consistency    share of the sixteenths of neighbouring bars that agree whether anything begins
                          there, averaged over bars; Wu and Yang 2020, of neighbours as in MusPy. 0..1
    empty-bar rate        share of bars in which nothing sounds; Dong 2018 (MuseGAN). 0..1
    polyphony             pitches that sound together, averaged over the sixteenths with any; Dong 2020
                          (MusPy). 1 up
    phrase repetition     for each two bars of the tune, the Jaccard similarity to the two bars elsewhere that
                          are most like them, notes compared by place and pitch; averaged. 0..1
    voice leading         semitones that a voice moves from one chord to the next different one: the least
                          total movement, every tone led (Tymoczko 2006), over the voices. 0 up

Most have no best value: real music lies in a range, and a figure outside it is suspect. Conventions: beats
and bars of the arrangement, full bars alone; attacks count at their nearest sixteenth; drums have no pitch.
A figure is None where the music has nothing for it to look at.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import STEPS_PER_BEAT, Arrangement, Note
from v2m.errors import InputError

FloatArray = NDArray[np.float64]

_MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
_TUNE_PARTS: Final = ("lead", "extras", "harmony", "bass")
"""Who has the tune, or stands in for it where nobody has."""

_PHRASE_BARS: Final = 2
_PHRASE_ATTACKS: Final = 4
"""Two bars with fewer attacks are no phrase: one long note resembles every other."""


@dataclass(frozen=True)
class MusicFigures:
    """The figures of one piece; see the module for what each is."""

    scale_consistency: float | None
    pitch_class_entropy_bits: float | None
    groove_consistency: float | None
    empty_bar_rate: float | None
    polyphony: float | None
    phrase_repetition: float | None
    voice_leading_semitones: float | None

    def values(self) -> FloatArray:
        """(7,) in the order of `FIGURE_NAMES`, NaN for None."""
        return np.array([math.nan if value is None else value for value in astuple(self)])


FIGURE_NAMES: Final = tuple(field.name for field in fields(MusicFigures))


def music_figures(arrangement: Arrangement, first_downbeat: int = 0) -> MusicFigures:
    """Measure a piece.

    Args:
        arrangement: the piece.
        first_downbeat: beat at which its first bar begins; what lies before is left out.

    Raises:
        InputError: the arrangement has no length, or a note has no pitch, no length or no place.
    """
    validate(arrangement, first_downbeat)
    bars = _Bars.of(arrangement, first_downbeat)
    pitched = [note for note in bars.notes if note.part != "drums"]
    classes = np.bincount([note.pitch % 12 for note in pitched], minlength=12).astype(np.float64)
    return MusicFigures(
        scale_consistency=scale_consistency(classes),
        pitch_class_entropy_bits=entropy_bits(classes),
        groove_consistency=_groove_consistency(bars),
        empty_bar_rate=_empty_bar_rate(bars),
        polyphony=_polyphony(bars, pitched),
        phrase_repetition=_phrase_repetition(bars),
        voice_leading_semitones=_voice_leading(bars),
    )


def validate(arrangement: Arrangement, first_downbeat: int = 0) -> None:
    """Refuse what is no music on bars.

    Raises:
        InputError: the arrangement has no length, or a note has no pitch, no length or no place.
    """
    if arrangement.beat_count < 1 or arrangement.beats_per_bar < 1:
        raise InputError(
            f"The arrangement has {arrangement.beat_count} beats in bars of {arrangement.beats_per_bar}, "
            "expected one or more of each."
        )
    if not 0 <= first_downbeat < arrangement.beats_per_bar:
        raise InputError(
            f"The first downbeat is beat {first_downbeat}, expected one of the first bar, counted from 0."
        )
    for note in arrangement.notes:
        placed = math.isfinite(note.start_beat) and 0 < note.duration_beats < math.inf
        if not placed or not 0 <= note.pitch <= 127:
            raise InputError(f"{note} is no note, expected a finite place, a length and a pitch of 0-127.")


def scale_consistency(classes: FloatArray) -> float | None:
    """Share of notes in the best major scale.

    Args:
        classes: (12,) notes of each pitch class.
    """
    if not classes.sum():
        return None
    return float(max(np.roll(classes, -root)[list(_MAJOR)].sum() for root in range(12)) / classes.sum())


def entropy_bits(counts: FloatArray) -> float | None:
    """Shannon entropy of a histogram, None of an empty one."""
    shares = counts[counts > 0] / max(counts.sum(), 1e-300)
    return float(-(shares * np.log2(shares)).sum()) + 0.0 if len(shares) else None  # never -0.0


@dataclass(frozen=True)
class _Bars:
    """The full bars of a piece, and the notes that begin in them, counted from the first."""

    notes: tuple[Note, ...]
    starts: NDArray[np.int64]
    """(n,) sixteenth of each note."""

    ends: NDArray[np.int64]
    """(n,) sixteenth after its last, one later than the start at least."""

    count: int
    steps: int
    """Sixteenths in a bar."""

    @classmethod
    def of(cls, arrangement: Arrangement, first_downbeat: int) -> _Bars:
        count = (arrangement.beat_count - first_downbeat) // arrangement.beats_per_bar
        steps = arrangement.beats_per_bar * STEPS_PER_BEAT
        placed = [
            (note, start, round((note.start_beat + note.duration_beats - first_downbeat) * STEPS_PER_BEAT))
            for note in arrangement.notes
            if 0 <= (start := round((note.start_beat - first_downbeat) * STEPS_PER_BEAT)) < count * steps
        ]
        starts = np.array([start for _, start, _ in placed], np.int64)
        ends = np.array([end for _, _, end in placed], np.int64)
        return cls(tuple(note for note, _, _ in placed), starts, np.maximum(ends, starts + 1), count, steps)

    def attacks(self, *parts: str) -> NDArray[np.bool_]:
        """(bar, sixteenth, pitch): where a note of some parts begins."""
        roll = np.zeros((self.count * self.steps, 128), bool)
        chosen = [i for i, note in enumerate(self.notes) if note.part in parts]
        roll[self.starts[chosen], [self.notes[i].pitch for i in chosen]] = True
        return roll.reshape(self.count, self.steps, 128)


def _groove_consistency(bars: _Bars) -> float | None:
    if bars.count < 2 or not bars.notes:
        return None
    onsets = np.zeros((bars.count, bars.steps), bool)
    onsets[np.divmod(bars.starts, bars.steps)] = True
    return float((onsets[1:] == onsets[:-1]).mean())


def _empty_bar_rate(bars: _Bars) -> float | None:
    if not bars.count:
        return None
    sounding = np.zeros(bars.count, bool)
    for start, end in zip(bars.starts, bars.ends, strict=True):
        sounding[start // bars.steps : -(-end // bars.steps)] = True
    return float(1 - sounding.mean())


def _polyphony(bars: _Bars, pitched: list[Note]) -> float | None:
    roll = np.zeros((bars.count * bars.steps, 128), bool)
    for note, start, end in zip(bars.notes, bars.starts, bars.ends, strict=True):
        if note.part != "drums":
            roll[start:end, note.pitch] = True
    together = roll.sum(axis=1)
    return float(together[together > 0].mean()) if pitched else None


def _phrase_repetition(bars: _Bars) -> float | None:
    playing = {note.part for note in bars.notes}
    tune = next((part for part in _TUNE_PARTS if part in playing), None)
    if tune is None or bars.count < 2 * _PHRASE_BARS:
        return None
    attacks = bars.attacks(tune).reshape(bars.count, -1)
    first = np.arange(bars.count - _PHRASE_BARS + 1)
    phrases = np.concatenate([attacks[first + i] for i in range(_PHRASE_BARS)], axis=1).astype(np.float64)
    sizes = phrases.sum(axis=1)
    shared = phrases @ phrases.T
    similarity = shared / np.maximum(sizes[:, None] + sizes[None, :] - shared, 1)
    similarity[np.abs(first[:, None] - first[None, :]) < _PHRASE_BARS] = -1  # they share a bar
    full = sizes >= _PHRASE_ATTACKS
    best = similarity.max(axis=1)[full]
    best = best[best >= 0]
    return float(best.mean()) if len(best) else None


def _voice_leading(bars: _Bars) -> float | None:
    chords = _chords(bars)
    moves = [voice_leading_semitones(a, b) for a, b in pairwise(chords) if a != b]
    return float(np.mean(moves)) if moves else None


def _chords(bars: _Bars) -> list[tuple[int, ...]]:
    """What the harmony strikes in each half bar of four beats, or each other bar; two tones at least."""
    spans = 2 if bars.steps == 4 * STEPS_PER_BEAT else 1
    struck = bars.attacks("harmony").reshape(bars.count * spans, bars.steps // spans, 128)
    chords = [tuple(np.flatnonzero(span.max(axis=0)).tolist()) for span in struck]
    return [chord for chord in chords if len(chord) > 1]


def voice_leading_semitones(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Semitones a voice of the least voice leading between two chords; a tone may part in two or take in two.

    Voices need not cross (Tymoczko 2006), so over rising pitches the least is found step by step.

    Args:
        one: pitches.
        other: pitches.

    Raises:
        InputError: a chord has no tones.
    """
    if not one or not other:
        raise InputError("A chord without tones leads nowhere, expected one tone or more in each.")
    a, b = sorted(one), sorted(other)
    best: list[list[tuple[int, int]]] = []  # (semitones, voices) that lead a[: i + 1] to b[: j + 1]
    for i in range(len(a)):
        row: list[tuple[int, int]] = []
        for j in range(len(b)):
            ways = [best[i - 1][j]] if i else []
            ways += [row[j - 1]] if j else []
            ways += [best[i - 1][j - 1]] if i and j else []
            semitones, voices = min(ways, default=(0, 0))
            row.append((semitones + abs(a[i] - b[j]), voices + 1))
        best.append(row)
    semitones, voices = best[-1][-1]
    return semitones / voices
