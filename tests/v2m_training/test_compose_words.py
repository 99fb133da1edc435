"""The words of composed pieces: known, true of the notes, and understood when a user writes them."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from v2m_training.batches import _kept_terms
from v2m_training.compose import STYLE_NAMES, Piece, compose
from v2m_training.compose.derived_words import RULES, derived_words
from v2m_training.compose.listening import Listening
from v2m_training.compose.styles import STYLES

from v2m.codecs.arrangement import DRUM_VOICES, Arrangement, Note
from v2m.prompt.instruments import instrument_words
from v2m.prompt.tempo_words import STYLE_BPM, tempo_words
from v2m.prompt.vocabulary import CATEGORY_OF, IMPLIED, TERM_INDEX
from v2m.prompt.words import read_prompt

PIECES_A_STYLE = 4


@cache
def pieces() -> tuple[Piece, ...]:
    """Some of every style."""
    return tuple(compose(seed, style) for style in STYLE_NAMES for seed in range(PIECES_A_STYLE))


@pytest.mark.slow
def test_terms_are_known_ordered_and_never_without_what_they_imply() -> None:
    for piece in pieces():
        assert list(piece.terms) == sorted(set(piece.terms), key=TERM_INDEX.__getitem__)
        for name in piece.terms:
            assert set(IMPLIED[name]) <= set(piece.terms), name


@pytest.mark.slow
def test_every_word_that_training_writes_is_understood() -> None:
    for name in {name for piece in pieces() for name in piece.terms}:
        brief = read_prompt(name)
        assert name in brief.terms
        assert brief.unknown == ()


@pytest.mark.parametrize("category", [pytest.param("style", marks=pytest.mark.slow), "mode", "metre"])
def test_some_things_are_said_once(category: str) -> None:
    for piece in pieces():
        assert sum(CATEGORY_OF[name] == category for name in piece.terms) == 1


def test_instruments_are_those_that_sound() -> None:
    for piece in pieces():
        music = piece.arrangement
        sounding = {note.part for note in music.notes}
        heard = {word for part in sounding for word in instrument_words(part, music.programs[part])}
        said = {name for name in piece.terms if CATEGORY_OF[name] == "instrument"}
        assert said == {word for word in heard if CATEGORY_OF[word] == "instrument"}
        assert ("drums" in piece.terms, "no drums" in piece.terms) == (
            "drums" in sounding,
            "drums" not in sounding,
        )
        assert ("bass" in piece.terms, "no bass" in piece.terms) == (
            "bass" in sounding,
            "bass" not in sounding,
        )
        assert ("melody" in piece.terms) == ("lead" in sounding)


def test_tempo_words_are_those_of_the_number() -> None:
    for piece in pieces():
        assert {name for name in piece.terms if CATEGORY_OF[name] == "tempo"} == set(tempo_words(piece.bpm))


def test_styles_are_asked_for_at_tempi_that_were_composed() -> None:
    assert set(STYLE_BPM) == set(STYLES)
    for name, (low, high) in STYLE_BPM.items():
        slowest, fastest = STYLES[name].bpm
        assert slowest <= low < high <= fastest, name


def test_most_words_are_heard_often_enough_to_be_learned() -> None:
    counts = Counter(name for piece in pieces() for name in piece.terms)
    assert len(counts) >= 170
    assert all(
        counts[name] for name in TERM_INDEX if CATEGORY_OF[name] in ("style", "energy", "mode", "metre")
    )
    # no word but these is true of nearly everything: it would say nothing
    usual = {name for name, count in counts.items() if count > 0.7 * len(pieces())}
    assert usual <= {"4/4", "bass", "drums", "melody"}


def test_derived_words_keep_what_they_imply() -> None:
    for rule in RULES:
        assert rule.mentioned <= set(TERM_INDEX), rule.word
        assert rule.word in TERM_INDEX
    assert derived_words(["epic", "major", "high energy"]) == ("heroic",)
    assert derived_words(["epic", "major", "low energy"]) == ()


def beat_of(voices: dict[str, tuple[float, ...]], bars: int = 4) -> Listening:
    """A drum pattern, a bar of four beats repeated."""
    notes = [
        Note("drums", 4 * bar + beat, 0.25, DRUM_VOICES[voice], 90)
        for bar in range(bars)
        for voice, beats in voices.items()
        for beat in beats
    ]
    notes.sort(key=lambda note: note.start_beat)
    return Listening(Arrangement(4 * bars, tuple(notes), programs={"drums": 0}))


def test_grooves_are_heard_in_the_strokes() -> None:
    house = beat_of({"kick": (0, 1, 2, 3), "clap": (1, 3)})
    assert house.beats_struck(("kick",), range(4)) == 1
    assert house.voice_rate("clap") == pytest.approx(0.5)
    half = beat_of({"kick": (0,), "snare": (2,)})
    assert half.beats_struck(("snare",), (2,)) == 1
    assert half.beats_struck(("snare",), (1, 3)) == 0
    assert beat_of({"kick": (0, 0.75), "snare": (1, 2.25)}).broken_share == pytest.approx(0.5)


def line(*steps: tuple[float, float, int], part: str = "bass") -> Listening:
    """A part of (start, length, pitch)."""
    notes = tuple(Note(part, start, length, pitch, 80) for start, length, pitch in steps)  # type: ignore[arg-type]
    return Listening(Arrangement(int(notes[-1].start_beat) + 1, notes))


def test_lines_are_heard_as_they_go() -> None:
    walking = line(*((float(beat), 1.0, 36 + beat % 5) for beat in range(16)))
    assert walking.walks == 1
    assert walking.syncopation == 0
    drone = line(*((4.0 * bar, 4.0, 36) for bar in range(4)))
    assert drone.bass_home == 1
    pushed = line(*((beat + 0.5, 1.0, 40) for beat in range(12)))
    assert pushed.syncopation > 0.8
    riff = line(
        *((4 * bar + at, 0.5, pitch) for bar in range(4) for at, pitch in ((0, 60), (1, 64))), part="extras"
    )
    assert riff.repeats("extras") == 1


def test_beginnings_drops_and_endings_are_heard() -> None:
    thin = [(4.0 * bar, 1.0, 60) for bar in range(4)]
    full = [(16 + step / 4, 0.25, 60 + step % 5) for step in range(64)]
    assert line(*thin, *full).drops
    assert not line(*full).drops
    ending = Arrangement(16, (Note("harmony", 0.0, 4.0, 60, 90), Note("harmony", 12.0, 4.0, 60, 90)))
    assert Listening(ending).ends
    swell = [Note("lead", float(beat), 1.0, 70, 60 + 10 * beat) for beat in range(5)]
    assert Listening(Arrangement(8, tuple(swell))).swells
    assert not Listening(Arrangement(8, tuple(swell[:4]))).swells


def test_pieces_lend_batches_few_words_and_many_in_no_order() -> None:
    rng = np.random.default_rng(0)
    terms = np.arange(30)
    kept = [_kept_terms(rng, terms) for _ in range(600)]
    assert all(set(some) <= set(terms) and len(set(some)) == len(some) for some in kept)
    sizes = np.array([len(some) for some in kept])
    assert 0.2 < np.mean(sizes == 30) < 0.4
    assert 0.25 < np.mean((sizes >= 1) & (sizes <= 5)) < 0.5
    assert np.mean((sizes > 5) & (sizes < 30)) > 0.2
