"""What the words say for certain about who plays, held against the score, whatever the model composed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.codecs.accents import accent_hits
from v2m.codecs.arrangement import DRUM_VOICES, PARTS, Arrangement, Note, Part
from v2m.codecs.latents import decode, encode
from v2m.codecs.programs import PROGRAM_TABLES
from v2m.prompt.casting import cast, silent_parts
from v2m.prompt.instruments import instrument_words
from v2m.prompt.vocabulary import TERMS
from v2m.prompt.words import read_prompt

INSTRUMENTS = [term.name for term in TERMS if term.category == "instrument"]
BEATS = 16


def music(programs: dict[Part, int], beats_per_bar: int = 4) -> Arrangement:
    """Two notes a beat in every part that has a program."""
    pitches: dict[Part, tuple[int, ...]] = {
        "drums": (36, 42), "bass": (36,), "harmony": (60, 64, 67), "lead": (76,), "extras": (72,),
    }  # fmt: skip
    notes = [
        Note(part, step / 2, 0.5, pitch, 80)
        for step in range(2 * BEATS)
        for part in PARTS
        if part in programs
        for pitch in pitches[part]
    ]
    return Arrangement(BEATS, tuple(notes), 0, beats_per_bar, programs)


def heard(played: Arrangement) -> set[str]:
    """The words for everybody who sounds."""
    sounding = {note.part for note in played.notes}
    return {word for part in sounding for word in instrument_words(part, played.programs[part])}


@st.composite
def composed(draw: st.DrawFn) -> Arrangement:
    """Any parts playing any instruments."""
    parts = draw(st.sets(st.sampled_from(PARTS), min_size=1))
    return music({part: draw(st.sampled_from(PROGRAM_TABLES[part])) for part in PARTS if part in parts})


@pytest.mark.slow
@given(composed(), st.sampled_from(INSTRUMENTS))
def test_an_instrument_that_is_asked_for_sounds(given_music: Arrangement, name: str) -> None:
    if {note.part for note in given_music.notes} == {"drums"}:
        return  # a beat alone has no tones that another could double
    assert name in heard(cast(given_music, read_prompt(f"with {name}")))


@given(composed(), st.sampled_from(INSTRUMENTS))
def test_an_instrument_that_is_denied_never_sounds(given_music: Arrangement, name: str) -> None:
    assert name not in heard(cast(given_music, read_prompt(f"no {name}")))


@given(composed(), st.sampled_from(("drums", "bass", "melody")))
def test_a_part_that_is_denied_never_sounds(given_music: Arrangement, name: str) -> None:
    brief = read_prompt(f"rock without {name}")
    played = cast(given_music, brief)
    silent = {"drums": "drums", "bass": "bass", "melody": "lead"}[name]
    assert silent_parts(brief) == {silent}
    assert all(note.part != silent for note in played.notes)
    struck = accent_hits(played, [(4.0, 1.0, "cut"), (9.5, 0.9, "marker")], silent_parts(brief))
    assert all(note.part != silent for note in struck.notes)


@given(composed(), st.sampled_from(("piano", "strings", "flute", "harp", "acoustic guitar", "cello")))
def test_only_means_nobody_else(given_music: Arrangement, name: str) -> None:
    brief = read_prompt(f"{name} only")
    played = cast(given_music, brief)
    assert all(
        set(brief.only) & set(instrument_words(part, program)) for part, program in played.programs.items()
    )
    if {note.part for note in given_music.notes} != {"drums"}:
        assert name in heard(played)


@settings(max_examples=40)
@given(composed(), st.lists(st.sampled_from(INSTRUMENTS), min_size=1, max_size=3), st.booleans())
def test_casting_twice_changes_nothing_more(given_music: Arrangement, names: list[str], alone: bool) -> None:
    brief = read_prompt(("only " if alone else "with ") + " and ".join(names))
    once = cast(given_music, brief)
    assert cast(once, brief) == once


@given(composed())
def test_a_prompt_that_names_nobody_changes_nothing(given_music: Arrangement) -> None:
    assert cast(given_music, read_prompt("tense trailer in D minor")) == given_music


def test_two_instruments_get_two_parts() -> None:
    played = cast(music({"harmony": 0, "lead": 0, "extras": 0}), read_prompt("violin, cello and piano"))
    assert {"violin", "cello", "piano"} <= heard(played)


def test_a_narrow_word_is_played_as_such() -> None:
    played = cast(
        music({"drums": 0, "bass": 33, "harmony": 0}), read_prompt("jazz with brushes, fretless bass")
    )
    assert played.programs["drums"] == 40
    assert played.programs["bass"] == 35


def test_drum_voices_are_denied_by_name() -> None:
    played = cast(music({"drums": 0}), read_prompt("techno, no hi-hats"))
    assert {note.pitch for note in played.notes} == {DRUM_VOICES["kick"]}


@pytest.mark.parametrize("beats_per_bar", [2, 3, 4])
def test_missing_drums_keep_a_plain_beat(beats_per_bar: int) -> None:
    played = cast(music({"harmony": 0}, beats_per_bar), read_prompt("rock with drums"))
    kicks = [note.start_beat for note in played.notes if note.pitch == DRUM_VOICES["kick"]]
    assert set(range(0, BEATS, beats_per_bar)) <= set(kicks)


@settings(max_examples=25)
@given(composed(), st.sampled_from(INSTRUMENTS))
def test_what_is_cast_fits_the_codec(given_music: Arrangement, name: str) -> None:
    played = cast(given_music, read_prompt(name))
    again = decode(encode(played), played.tonic, played.beats_per_bar)
    assert again.programs == played.programs
    assert {note.part for note in again.notes} == {note.part for note in played.notes}
