"""A judge of genre: multinomial logistic regression on what notes show, learned from composed pieces.

It sees groove histograms of the kit, the bass and the chords over a bar, rates and lengths of each part,
its instrument, swing, pitch classes over the tonic, loudness, metre and, where told, tempo. It knows nothing
of the model that it judges. Pieces that it learns from and those that it is tried on have different seeds,
and both are accented at the hits of programmes, as music is delivered (`programmes.as_delivered`): some hits
lie off the beat, and a judge that never saw a stroke there takes one for another style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from programmes import as_delivered, each
from scipy.optimize import minimize
from v2m_training.compose import STYLE_NAMES, compose

from v2m.codecs.arrangement import DRUM_VOICES, PARTS, PITCHED_PARTS, STEPS_PER_BEAT, Arrangement, Note, Part
from v2m.codecs.programs import DEFAULT_PROGRAMS, PROGRAM_TABLES

FloatArray = NDArray[np.float64]

CHANCE = 1 / len(STYLE_NAMES)
_STEPS = 16
"""Of the bar; one of three beats has its first 12."""

_KIT_GROUPS = (
    ("kick", "big drum"),
    ("snare", "clap", "rim"),
    ("closed hat", "open hat", "ride", "shaker"),
    ("low tom", "high tom"),
)
_RIDGE = 1e-2
"""Weight of the squared coefficients: 3e-3 and 3e-2 are as good, with 40 pieces of a style and with 120."""

LEARNED_FROM, TRIED_ON = 80, 20
"""Pieces of each style. With half as many it is right about pieces it never saw 3 times in 100 less."""

_FIRST_LEARNED, _FIRST_TRIED = 3_000_000, 4_000_000
"""Seeds that no corpus begins with, and far apart."""


def features(music: Arrangement, bpm: float | None) -> FloatArray:
    """(f,) of a piece whose beat 0 is a downbeat; without its tempo where that is None."""
    parts = {part: [note for note in music.notes if note.part == part] for part in PARTS}
    return np.concatenate(
        [
            [] if bpm is None else [np.log2(bpm)],
            [music.beats_per_bar == beats for beats in (2, 3, 4)],
            *(_groove(music, _struck(parts["drums"], voices)) for voices in _KIT_GROUPS),
            *(_groove(music, parts[part]) for part in ("bass", "harmony")),
            _swing(music.notes),
            *(_habits(parts[part], music.beat_count) for part in PARTS),
            *(_instrument(music, part, parts[part]) for part in PARTS),
            _classes(music, parts),
        ]
    ).astype(np.float64)


def from_downbeat(music: Arrangement, first_downbeat: int) -> Arrangement:
    """The same with a downbeat at beat 0, where that of composed pieces is; a plan may begin within a bar."""
    before = -first_downbeat % music.beats_per_bar
    notes = tuple(replace(note, start_beat=note.start_beat + before) for note in music.notes)
    return replace(music, beat_count=music.beat_count + before, notes=notes)


def _struck(notes: Sequence[Note], voices: Sequence[str]) -> list[Note]:
    keys = {DRUM_VOICES[voice] for voice in voices}
    return [note for note in notes if note.pitch in keys]


def _groove(music: Arrangement, notes: Sequence[Note]) -> FloatArray:
    """Attacks a bar at each sixteenth of it, the loud ones more."""
    bar = music.beats_per_bar * STEPS_PER_BEAT
    steps = np.array([round(note.start_beat * STEPS_PER_BEAT) % bar for note in notes], np.int64)
    weights = np.array([note.velocity / 127 for note in notes])
    histogram = np.bincount(steps % _STEPS, weights, minlength=_STEPS)
    return np.asarray(histogram * music.beats_per_bar / music.beat_count)


def _swing(notes: Sequence[Note]) -> FloatArray:
    """How late, in sixteenths, off-beat eighths and sixteenths come."""
    places = np.array([note.start_beat * STEPS_PER_BEAT for note in notes])
    steps = np.round(places).astype(np.int64)
    late = places - steps
    return np.array(
        [late[chosen].mean() if chosen.any() else 0.0 for chosen in (steps % 4 == 2, steps % 2 == 1)]
    )


def _habits(notes: Sequence[Note], beats: int) -> FloatArray:
    """Whether a part plays, strokes a beat, tones a stroke, length of its notes and loudness."""
    if not notes:
        return np.zeros(5)
    strokes = len({round(note.start_beat * 12) for note in notes})
    lengths = np.array([note.duration_beats for note in notes])
    loudness = np.mean([note.velocity for note in notes]) / 127
    return np.array([1.0, strokes / beats, len(notes) / strokes, np.log2(lengths + 0.1).mean(), loudness])


def _instrument(music: Arrangement, part: Part, notes: Sequence[Note]) -> FloatArray:
    """One of those that the part may have; none where it is silent."""
    program = music.programs.get(part, DEFAULT_PROGRAMS[part])
    return np.array([bool(notes) and program == known for known in PROGRAM_TABLES[part]], np.float64)


def _classes(music: Arrangement, parts: dict[Part, list[Note]]) -> FloatArray:
    over = [(note.pitch - music.tonic) % 12 for part in PITCHED_PARTS for note in parts[part]]
    return np.bincount(over, minlength=12) / max(1, len(over))


@dataclass(frozen=True)
class GenreJudge:
    """A classifier that was learned."""

    mean: FloatArray  # (f,)
    scale: FloatArray  # (f,)
    weights: FloatArray  # (f + 1, k)
    with_tempo: bool

    def names(self, music: Sequence[Arrangement], bpm: Sequence[float]) -> list[str]:
        """The style that each piece is taken for."""
        return [STYLE_NAMES[k] for k in self.shares(music, bpm).argmax(axis=1)]

    def shares(self, music: Sequence[Arrangement], bpm: Sequence[float]) -> FloatArray:
        """How likely each piece is of each style, (n, k)."""
        rows = [
            features(piece, tempo if self.with_tempo else None)
            for piece, tempo in zip(music, bpm, strict=True)
        ]
        scores = _with_one((np.array(rows) - self.mean) / self.scale) @ self.weights
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def learn(examples: Sequence[tuple[Arrangement, float, str]], *, with_tempo: bool) -> GenreJudge:
    """A judge from (music, beats a minute, style)."""
    rows = np.array([features(music, bpm if with_tempo else None) for music, bpm, _ in examples])
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale < 1e-6] = 1.0  # what never varies tells nothing, and must not be blown up
    inputs = _with_one((rows - mean) / scale)
    target = np.array([[style == name for name in STYLE_NAMES] for _, _, style in examples], np.float64)

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(inputs.shape[1], -1)
        scores = inputs @ weights
        scores -= scores.max(axis=1, keepdims=True)
        log_shares = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        gradient = inputs.T @ (np.exp(log_shares) - target) / len(inputs) + 2 * _RIDGE * weights
        return float(
            -(target * log_shares).sum() / len(inputs) + _RIDGE * (weights**2).sum()
        ), gradient.ravel()

    start = np.zeros(inputs.shape[1] * len(STYLE_NAMES))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return GenreJudge(mean, scale, found.x.reshape(inputs.shape[1], -1), with_tempo)


def _with_one(rows: FloatArray) -> FloatArray:
    return np.hstack([rows, np.ones((len(rows), 1))])


Example = tuple[Arrangement, float, str]
"""Music, beats a minute, style."""


def composed_example(seed_and_style: tuple[int, str]) -> Example:
    """A composed piece as it would be delivered."""
    piece = compose(*seed_and_style)
    return as_delivered(piece, seed_and_style[0]), piece.bpm, piece.style


def learned_judges(seed: int, workers: int) -> tuple[GenreJudge, GenreJudge, list[Example]]:
    """Judges with and without the tempo, and pieces that they have not seen, styles in turn."""
    wanted = [
        (first + 10_000 * seed + i, style)
        for first, count in ((_FIRST_LEARNED, LEARNED_FROM), (_FIRST_TRIED, TRIED_ON))
        for i in range(count)
        for style in STYLE_NAMES
    ]
    examples = each(composed_example, wanted, workers)
    seen, unseen = examples[: LEARNED_FROM * len(STYLE_NAMES)], examples[LEARNED_FROM * len(STYLE_NAMES) :]
    return learn(seen, with_tempo=True), learn(seen, with_tempo=False), unseen


def accuracy(judge: GenreJudge, examples: Sequence[Example]) -> list[bool]:
    """Which pieces are taken for what they are."""
    found = judge.names([music for music, _, _ in examples], [bpm for _, bpm, _ in examples])
    return [name == style for name, (_, _, style) in zip(found, examples, strict=True)]
