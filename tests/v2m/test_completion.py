"""Prompts that say little are completed by what is typical, and never against the user's words."""

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.prompt.completion import completed_terms
from v2m.prompt.vocabulary import TERM_INDEX, TERMS
from v2m.prompt.words import STYLE_BPM, read_prompt

CATEGORY = {term.name: term.category for term in TERMS}


@given(st.sampled_from(sorted(STYLE_BPM)), st.integers(0, 2**31))
def test_a_bare_style_gets_a_full_description(style: str, seed: int) -> None:
    terms = completed_terms(read_prompt(style), seed)
    categories = [CATEGORY[name] for name in terms]
    assert style in terms
    assert {"energy", "tempo", "mode", "metre", "instrument"} <= set(categories)
    for single in ("style", "energy", "tempo", "mode", "metre"):
        assert categories.count(single) == 1, single


@given(st.lists(st.sampled_from([term.name for term in TERMS]), max_size=6), st.integers(0, 99))
def test_the_users_words_stay_and_are_not_contradicted(words: list[str], seed: int) -> None:
    brief = read_prompt(", ".join(words))
    terms = completed_terms(brief, seed)
    assert {name for name in brief.terms if CATEGORY[name] != "metre"} <= set(terms)
    for category in ("energy", "tempo", "mode", "drums", "density", "form"):
        said = set(brief.named(category))
        if said:
            assert {name for name in terms if CATEGORY[name] == category} == said


def test_takes_differ_where_the_words_leave_room() -> None:
    assert len({completed_terms(read_prompt("rock"), seed) for seed in range(10)}) >= 3


@pytest.mark.parametrize(
    ("prompt", "metre"), [("folk in 3/4", "3/4"), ("folk", "4/4"), ("a waltz for piano", "3/4")]
)
def test_the_metre_is_the_one_that_is_counted(prompt: str, metre: str) -> None:
    for seed in range(5):
        named = [name for name in completed_terms(read_prompt(prompt), seed) if CATEGORY[name] == "metre"]
        assert named == [metre]


def test_the_table_knows_every_style_and_only_known_terms() -> None:
    table = json.loads((resources.files("v2m.prompt") / "typical_terms.json").read_text("utf-8"))
    assert set(table) == set(STYLE_BPM)
    assert all(name in TERM_INDEX for sets in table.values() for terms in sets for name in terms)
