"""Prompts that say little are completed by what is typical, and never against the user's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.prompt.completion import completed_terms, typical
from v2m.prompt.tempo_words import STYLE_BPM
from v2m.prompt.vocabulary import CATEGORY_OF, IMPLIED, TERM_INDEX, TERMS
from v2m.prompt.words import read_prompt


@given(st.sampled_from(sorted(STYLE_BPM)), st.integers(0, 2**31))
def test_a_bare_style_gets_a_full_description(style: str, seed: int) -> None:
    terms = completed_terms(read_prompt(style), seed)
    categories = [CATEGORY_OF[name] for name in terms]
    assert style in terms
    assert {"energy", "tempo", "mode", "metre", "instrument"} <= set(categories)
    for single in ("style", "mode", "metre"):
        assert categories.count(single) == 1, single


@given(st.lists(st.sampled_from([term.name for term in TERMS]), max_size=6), st.integers(0, 99))
def test_the_users_words_stay_and_are_not_contradicted(words: list[str], seed: int) -> None:
    brief = read_prompt(", ".join(words))
    terms = completed_terms(brief, seed)
    assert set(brief.terms) & typical().known <= set(terms)
    assert set(terms) <= typical().known
    for category in ("energy", "tempo", "mode", "density", "form"):
        said = set(brief.named(category))
        if said:
            assert {name for name in terms if CATEGORY_OF[name] == category} <= said


@given(st.lists(st.sampled_from([term.name for term in TERMS]), min_size=1, max_size=4), st.integers(0, 99))
def test_what_is_denied_is_never_filled_in(words: list[str], seed: int) -> None:
    brief = read_prompt(", ".join(f"no {word}" for word in words if not word.startswith("no ")))
    assert not set(completed_terms(brief, seed)) & set(brief.excluded) - {brief.style}


@given(st.sampled_from(("no drums", "only piano", "strings only", "drumless")), st.integers(0, 99))
def test_nothing_is_filled_in_that_may_not_sound(prompt: str, seed: int) -> None:
    terms = set(completed_terms(read_prompt(prompt), seed))
    assert "drums" not in terms
    assert not [name for name in terms if "drums" in IMPLIED[name]]
    if prompt == "only piano":
        assert {name for name in terms if CATEGORY_OF[name] == "instrument"} == {"piano"}


def test_the_planned_tempo_has_the_word_of_its_number() -> None:
    terms = completed_terms(read_prompt("slow rock"), 0, bpm=140.0)
    assert {name for name in terms if CATEGORY_OF[name] == "tempo"} == {"fast"}


def test_takes_differ_where_the_words_leave_room() -> None:
    assert len({completed_terms(read_prompt("rock"), seed) for seed in range(10)}) >= 3


@pytest.mark.parametrize("step", [1, 16])
def test_a_planned_tempo_does_not_choose_the_description(step: int) -> None:
    # 110 is faster than lo-fi is: were it the user's word, one odd piece would be described again and again
    described = {completed_terms(read_prompt("lo-fi"), step * take, bpm=110.0) for take in range(8)}
    assert len(described) >= 6


def test_a_style_known_by_its_drums_has_them_unless_denied() -> None:
    for seed in range(16):
        assert "drums" in completed_terms(read_prompt("hip-hop"), seed)
        assert "no drums" in completed_terms(read_prompt("hip-hop, no drums"), seed)
    assert any("no drums" in completed_terms(read_prompt("ambient"), seed) for seed in range(16))


@pytest.mark.parametrize(
    ("prompt", "metre"), [("folk in 3/4", "3/4"), ("folk", "4/4"), ("a waltz for piano", "3/4")]
)
def test_the_metre_is_the_one_that_is_counted(prompt: str, metre: str) -> None:
    for seed in range(5):
        terms = completed_terms(read_prompt(prompt), seed)
        assert [name for name in terms if CATEGORY_OF[name] == "metre"] == [metre]


def test_the_table_knows_every_style_and_only_known_terms() -> None:
    table = typical()
    assert set(table.styles) == set(STYLE_BPM)
    assert table.known <= set(TERM_INDEX)
    assert {name for sets in table.styles.values() for terms in sets for name in terms} <= table.known
