"""Pieces out of MIDI files: excerpts as long as composed pieces, with the facts and words true of them.

Conventions: what a file is called, and the folders it lies in, are read as a prompt: `jazz/calm piano.mid` is
jazz and calm. All other words are measured, as those of composed pieces are. A piece begins on a bar line.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Final

from v2m.codecs.arrangement import PARTS, Arrangement, Note, Part, Span
from v2m.codecs.programs import nearest_program
from v2m.errors import InputError, V2MError
from v2m.prompt.vocabulary import IMPLIED, TERM_INDEX, TERMS
from v2m.prompt.words import read_prompt
from v2m_training.compose.facts import BEATS_PER_BAR, Facts, Metre, Shape, touch_of
from v2m_training.compose.piece import Piece
from v2m_training.compose.words import describe_piece
from v2m_training.midi.key import estimate_key
from v2m_training.midi.reading import Stretch, read_stretches
from v2m_training.midi.roles import Cast, deal_parts

PIECE_BEATS: Final = 128
"""In the middle of what is composed, 96-160."""

_SHORTEST_PIECE_BEATS: Final = 64
"""What a training excerpt holds."""

_LEAST_NOTES_A_BEAT: Final = 0.5
"""Below it there is a rest with a few notes in it, not a piece."""

_SUFFIXES: Final = (".mid", ".midi")

_NAMED_CATEGORIES: Final = frozenset(("style", "mood"))
"""What a file's name is believed on; the rest is heard."""

_BLOCK_BEATS: Final = 16
_GROWN: Final = 1.8
_CONTRASTING: Final = 2.5
"""Of energies of blocks: the last over the first that is a build, the fullest over the thinnest."""


def read_folder(folder: Path) -> tuple[list[Piece], list[str]]:
    """The pieces of all MIDI files below a folder, in order of path, and a sentence for each passed over.

    Raises:
        InputError: the folder is not there, or no MIDI file in it is usable.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.", hint="Name a folder with MIDI files.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    pieces: list[Piece] = []
    passed_over: list[str] = []
    for path in paths:
        try:
            pieces += read_pieces(path, " ".join(path.relative_to(folder).with_suffix("").parts))
        except V2MError as error:
            passed_over.append(f"Passed over: {error.sentence()}")
    if not pieces:
        reason = passed_over[0] if passed_over else "It holds no file that ends in .mid or .midi."
        raise InputError(f"{folder} holds no usable MIDI file. {reason}")
    return pieces, passed_over


def read_pieces(path: Path, called: str = "") -> list[Piece]:
    """The pieces of one MIDI file.

    Args:
        path: the file.
        called: words about it, such as its name.

    Raises:
        InputError: it cannot be read, or has no stretch of music that is long enough.
    """
    words = _words_in(called)
    pieces = [piece for stretch in read_stretches(path) for piece in _excerpts(stretch, words)]
    if not pieces:
        raise InputError(
            f"{path.name} has no {_SHORTEST_PIECE_BEATS} beats of music in one metre, expected one or more."
        )
    return pieces


def _words_in(called: str) -> frozenset[str]:
    """The terms that a name holds, of the categories that names are believed on."""
    brief = read_prompt(re.sub(r"[\W\d_]+", " ", called))
    said = {what for _, what in brief.understood if what in IMPLIED}
    while broader := {broad for word in said for broad in IMPLIED[word]} - said:
        said |= broader
    return frozenset(term.name for term in TERMS if term.name in said and term.category in _NAMED_CATEGORIES)


def _excerpts(stretch: Stretch, words: frozenset[str]) -> list[Piece]:
    cast = deal_parts(stretch.tracks)
    tonic, mode = estimate_key(cast.notes)
    bar = BEATS_PER_BAR[stretch.metre]
    length = PIECE_BEATS // bar * bar
    pieces = []
    for first in range(0, stretch.beat_count, length):
        count = min(length, stretch.beat_count - first)
        music = _cut(cast, first, count, tonic, bar)
        if count >= _SHORTEST_PIECE_BEATS and len(music.notes) >= _LEAST_NOTES_A_BEAT * count:
            pieces.append(_piece(music, mode, stretch.metre, stretch.bpm, words))
    return pieces


def _cut(cast: Cast, first: int, count: int, tonic: int, beats_per_bar: int) -> Arrangement:
    """The music from a beat on, as an arrangement of its own; nothing rings past its end."""
    notes = tuple(
        Note(
            n.part,
            n.start_beat - first,
            min(n.duration_beats, first + count - n.start_beat),
            n.pitch,
            n.velocity,
        )
        for n in cast.notes
        if first <= n.start_beat < first + count
    )
    sounding = {note.part for note in notes}
    pedals = {part: _shifted(spans, first, count) for part, spans in cast.pedals.items() if part in sounding}
    return Arrangement(
        beat_count=count,
        notes=notes,
        tonic=tonic,
        beats_per_bar=beats_per_bar,
        programs={part: _program(cast, part) for part in PARTS if part in sounding},
        pedals={part: spans for part, spans in pedals.items() if spans},
    )


def _program(cast: Cast, part: Part) -> int:
    """As the codec will play it: words are of what sounds."""
    return nearest_program(part, cast.programs[part])


def _shifted(spans: Sequence[Span], first: int, count: int) -> tuple[Span, ...]:
    moved = ((max(0.0, start - first), min(float(count), end - first)) for start, end in spans)
    return tuple((start, end) for start, end in moved if start < end)


def _piece(music: Arrangement, mode: str, metre: Metre, bpm: float, words: frozenset[str]) -> Piece:
    styles = [term.name for term in TERMS if term.category == "style" and term.name in words]
    touch = touch_of(music)
    facts = Facts(
        style=styles[0] if styles else "",
        moods="",
        mode=mode,
        tonic=music.tonic,
        metre=metre,
        bpm=round(bpm, 1),
        swing=_swing(music, metre),
        shape=_shape(music),
        instruments=music.programs,
        attacks_per_beat=touch.attacks_per_beat,
        loudness=touch.loudness,
        staccato=touch.staccato,
        legato=touch.legato,
        missing=frozenset(PARTS) - frozenset(music.programs),
    )
    heard = describe_piece(random.Random(0), facts, music)  # noqa: S311 - there is no mood to draw
    return Piece(music, facts, tuple(sorted({*heard, *words}, key=TERM_INDEX.__getitem__)), ())


def _swing(music: Arrangement, metre: Metre) -> float:
    """Where the second eighths lie, of 4/4 and 3/4."""
    if metre == "6/8":
        return 0.5
    middles = [note.start_beat % 1 for note in music.notes if 0.4 < note.start_beat % 1 < 0.72]
    return round(median(middles), 2) if len(middles) >= music.beat_count / 4 else 0.5


def _shape(music: Arrangement) -> Shape:
    """How the energy runs, in blocks of four bars or so."""
    blocks = [0.0] * max(2, music.beat_count // _BLOCK_BEATS)
    for note in music.notes:
        index = int(note.start_beat * len(blocks) / music.beat_count)
        blocks[min(index, len(blocks) - 1)] += (note.velocity / 127) ** 2
    third = max(1, len(blocks) // 3)
    opening, closing = fmean(blocks[:third]), fmean(blocks[-third:])
    middle = fmean(blocks[third:-third]) if len(blocks) > 2 * third else (opening + closing) / 2
    if closing > _GROWN * opening and opening <= middle <= closing:
        return "building"
    return "contrasts" if max(blocks) > _CONTRASTING * (min(blocks) + 0.1) else "steady form"
