"""What holds of every composed piece, asked through `compose` alone."""

import os
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from v2m_training.compose import STYLE_NAMES, Piece, compose

from tests.v2m_training.composed import composed
from v2m.codecs.arrangement import DRUM_VOICES, PARTS, STEPS_PER_BEAT
from v2m.codecs.latents import decode, encode
from v2m.codecs.layout import pitch_range
from v2m.codecs.programs import PROGRAM_TABLES
from v2m.prompt.vocabulary import TERM_INDEX, TERMS

SEEDS = st.integers(0, 10_000)
STYLES = st.sampled_from(STYLE_NAMES)
CATEGORY = {term.name: term.category for term in TERMS}


@pytest.mark.slow
@given(seed=SEEDS, style=STYLES)
def test_a_piece_fits_the_codec(seed: int, style: str) -> None:
    piece = compose(seed, style)
    music = piece.arrangement
    assert 96 <= music.beat_count <= 160
    assert music.beat_count % music.beats_per_bar == 0
    order = [(note.start_beat, PARTS.index(note.part), note.pitch) for note in music.notes]
    assert order == sorted(order)
    for note in music.notes:
        assert 0 <= note.start_beat < music.beat_count
        assert note.duration_beats > 0
        assert 1 <= note.velocity <= 127
        if note.part == "drums":
            assert note.pitch in DRUM_VOICES.values()
        else:
            assert note.pitch in pitch_range(note.part, music.tonic)
    assert all(program in PROGRAM_TABLES[part] for part, program in music.programs.items())


@settings(max_examples=15)
@given(seed=SEEDS, style=STYLES)
def test_latents_hold_a_piece_whole(seed: int, style: str) -> None:
    music = compose(seed, style).arrangement
    read = decode(encode(music), music.tonic, music.beats_per_bar)
    grid = {(note.part, round(note.start_beat * STEPS_PER_BEAT), note.pitch) for note in music.notes}
    assert grid == {(n.part, round(n.start_beat * STEPS_PER_BEAT), n.pitch) for n in read.notes}


@pytest.mark.slow
@settings(max_examples=25)
@given(seed=SEEDS, style=STYLES)
def test_lines_sound_one_note_at_a_time(seed: int, style: str) -> None:
    for part in ("bass", "lead", "extras"):
        line = [note for note in compose(seed, style).arrangement.notes if note.part == part]
        for note, following in pairwise(line):
            assert note.start_beat + note.duration_beats <= following.start_beat + 1e-9


@settings(max_examples=25)
@given(seed=SEEDS, style=STYLES)
def test_terms_are_known_and_true(seed: int, style: str) -> None:
    piece = compose(seed, style)
    terms = piece.terms
    assert set(terms) <= set(TERM_INDEX)
    assert len(set(terms)) == len(terms)
    sounding = {note.part for note in piece.arrangement.notes}
    assert ("drums" in terms) == ("drums" in sounding)
    assert ("no drums" in terms) != ("drums" in terms)
    assert ("3/4" in terms) == (piece.beats_per_bar == 3)
    assert set(piece.arrangement.programs) >= sounding
    for category in ("style", "energy", "tempo", "mode", "metre", "form"):
        assert any(CATEGORY[term] == category for term in terms), category
    assert piece.facts.metre in terms


def test_a_seed_is_a_piece() -> None:
    assert compose(5) == compose(5)
    assert compose(5) != compose(6)
    drawn = compose(5)
    assert compose(5, drawn.style) == drawn


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_is_the_same_piece_in_every_process(hash_seed: str) -> None:
    script = "from v2m_training.compose import compose; p = compose(11); print(p.arrangement.notes, p.terms)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    piece = compose(11)
    assert done.stdout.strip() == f"{piece.arrangement.notes} {piece.terms}"


def test_an_unknown_style_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="polka"):
        compose(1, "polka")


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLE_NAMES)
def test_pitches_belong_to_the_key_or_to_a_borrowed_chord(style: str) -> None:
    from v2m_training.compose.harmony import SCALES

    inside = total = 0
    for seed in range(6):
        piece = composed(seed, style)
        for note in piece.arrangement.notes:
            if note.part != "drums":
                total += 1
                inside += (note.pitch - piece.arrangement.tonic) % 12 in SCALES[piece.mode]
    # jazz lives on secondary dominants and turnarounds
    assert inside / total > (0.75 if style == "jazz" else 0.88)


def _loudest_at(piece: Piece, beat: float) -> int:
    return max((note.velocity for note in piece.arrangement.notes if note.start_beat == beat), default=0)


@pytest.mark.parametrize("style", STYLE_NAMES)
def test_events_stand_out_from_what_goes_on(style: str) -> None:
    for seed in range(4):
        piece = composed(seed, style)
        marked = {beat for beat, _ in piece.events}
        steady = [note.velocity for note in piece.arrangement.notes if note.start_beat not in marked]
        for beat, strength in piece.events:
            assert 0.3 <= strength <= 1.0
            if strength >= 0.5:
                assert _loudest_at(piece, beat) > max(steady, default=0) - 8
                assert _loudest_at(piece, beat) > sum(steady) / len(steady) + 20 if steady else True


@pytest.mark.slow
def test_events_fall_on_any_beat_and_some_pieces_have_none() -> None:
    pieces = [compose(seed) for seed in range(80)]
    phases = {beat % 4 for piece in pieces for beat, _ in piece.events if piece.beats_per_bar == 4}
    assert phases >= {0, 1, 2, 3}
    counts = [len(piece.events) for piece in pieces]
    assert min(counts) <= 1
    assert max(counts) >= 20


@pytest.mark.slow
def test_a_third_of_the_pieces_have_no_lead() -> None:
    without = [all(note.part != "lead" for note in compose(seed).arrangement.notes) for seed in range(100)]
    assert 0.22 < sum(without) / len(without) < 0.5


@pytest.mark.slow
def test_stronger_events_are_struck_harder_and_by_more() -> None:
    light, heavy = [], []
    for seed in range(60):
        piece = compose(seed)
        for beat, strength in piece.events:
            struck = sum(n.velocity**2 for n in piece.arrangement.notes if n.start_beat == beat)
            if strength < 0.42:
                light.append(struck)
            elif strength > 0.7:
                heavy.append(struck)
    assert sum(heavy) / len(heavy) > 1.5 * sum(light) / len(light)
