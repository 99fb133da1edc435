"""Chords, scales and voicings: the rules that hold them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_training.compose.harmony import (
    HARMONY_RANGE,
    SCALES,
    nearest_pitch,
    parse_chord,
    scale_under,
    voice,
)
from v2m_training.compose.progressions import CADENCES, COLOURS, HOMES, progressions

KINDS = ("pop", "soul", "jazz", "film", "still", "power", "one")
NUMERALS = sorted(
    {numeral for kind in KINDS for mode in SCALES for loop in progressions(kind, mode) for numeral in loop}
    | {numeral for table in (CADENCES, COLOURS) for numerals in table.values() for numeral in numerals}
    | set(HOMES.values())
)


@pytest.mark.parametrize(
    ("numeral", "classes"),
    [
        ("I", (0, 4, 7)),
        ("ii7", (2, 5, 9, 0)),
        ("V7", (7, 11, 2, 5)),
        ("bVImaj7", (8, 0, 3, 7)),
        ("viio7", (11, 2, 5, 9)),
        ("IVadd9", (5, 9, 0, 7)),
        ("V7sus4", (7, 0, 2, 5)),
        ("i5", (0, 7)),
    ],
)
def test_a_numeral_names_its_tones(numeral: str, classes: tuple[int, ...]) -> None:
    assert parse_chord(numeral).pitch_classes == classes


@pytest.mark.parametrize("numeral", ["", "H", "IX", "I13", "b", "Iv?"])
def test_what_is_no_numeral_is_refused(numeral: str) -> None:
    with pytest.raises(ValueError, match="no Roman numeral"):
        parse_chord(numeral)


@given(st.lists(st.sampled_from(NUMERALS), min_size=2, max_size=12), st.floats(57, 66))
def test_voicings_stay_in_range_and_hold_the_chord(numerals: list[str], centre: float) -> None:
    previous: tuple[int, ...] = ()
    for numeral in numerals:
        chord = parse_chord(numeral)
        pitches = voice(chord, previous, centre)
        assert all(HARMONY_RANGE[0] <= pitch <= HARMONY_RANGE[1] for pitch in pitches)
        assert list(pitches) == sorted(set(pitches))
        sounding = {pitch % 12 for pitch in pitches}
        assert sounding <= set(chord.pitch_classes)
        assert len(sounding) >= min(4, len(chord.tones))
        previous = pitches


def test_voices_move_little_from_chord_to_chord() -> None:
    previous = voice(parse_chord("I"), (), 61)
    for numeral in ("vi", "IV", "V", "I"):
        following = voice(parse_chord(numeral), previous, 61)
        moves = [min(abs(pitch - old) for old in previous) for pitch in following]
        assert max(moves) <= 3
        previous = following


@given(st.sampled_from(sorted(SCALES)), st.sampled_from(NUMERALS))
def test_the_scale_under_a_chord_holds_its_tones(mode: str, numeral: str) -> None:
    chord = parse_chord(numeral)
    assert set(chord.pitch_classes) <= set(scale_under(mode, chord))


def test_the_scale_bends_to_a_borrowed_chord() -> None:
    assert 8 in scale_under("major", parse_chord("iv"))
    assert 9 not in scale_under("major", parse_chord("iv"))


@given(st.sets(st.integers(0, 11), min_size=1), st.floats(40, 80))
def test_the_nearest_pitch_is_the_nearest(classes: set[int], target: float) -> None:
    found = nearest_pitch(classes, target, 36, 96)
    assert found % 12 in classes
    assert abs(found - target) == min(abs(p - target) for p in range(36, 97) if p % 12 in classes)
