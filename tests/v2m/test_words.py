"""Prompts as people write them: terms, directives, and what was not understood."""

import pytest

from v2m.prompt.vocabulary import TERMS
from v2m.prompt.words import STYLE_BPM, read_prompt


@pytest.mark.parametrize(
    ("prompt", "terms"),
    [
        ("warm lofi with Rhodes, no drums", {"lo-fi", "romantic", "electric piano", "no drums"}),
        ("Epic TRAILER; strings & brass", {"trailer", "epic", "strings", "brass"}),
        ("a waltz for solo piano", {"piano solo", "3/4"}),
        ("something nice", {"cinematic"}),
        ("", {"cinematic"}),
    ],
)
def test_terms_are_found_in_their_synonyms(prompt: str, terms: set[str]) -> None:
    assert set(read_prompt(prompt).terms) == terms


@pytest.mark.parametrize(
    ("prompt", "tonic", "bpm"),
    [
        ("trailer in D minor, 118 BPM", 2, 118.0),
        ("in Bb major at 92.5 bpm", 10, 92.5),
        ("synthwave in F#m", 6, None),
        ("key of E flat major", 3, None),
        ("in a club", None, None),
        ("drum and bass, 174 bpm", None, 174.0),
        ("200 beats per minute", None, 100.0),
    ],
)
def test_directives_are_read_exactly(prompt: str, tonic: int | None, bpm: float | None) -> None:
    brief = read_prompt(prompt)
    assert (brief.tonic, brief.bpm) == (tonic, bpm)


def test_unknown_words_are_named_once() -> None:
    assert read_prompt("glorfindel jazz, Glorfindel!").unknown == ("glorfindel",)


def test_tempo_words_move_the_range_within_the_style() -> None:
    slow, fast = read_prompt("slow rock").bpm_range, read_prompt("fast rock").bpm_range
    assert STYLE_BPM["rock"][0] <= slow[0] < slow[1] < fast[0] < fast[1] <= STYLE_BPM["rock"][1]


def test_every_style_has_a_tempo_and_every_phrase_one_meaning() -> None:
    assert set(STYLE_BPM) == {term.name for term in TERMS if term.category == "style"}
    phrases = [phrase for term in TERMS for phrase in (term.name, *term.synonyms)]
    assert len(phrases) == len(set(phrases))
