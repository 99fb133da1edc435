"""Descriptions survive their files, answers are kept by all that was asked, and become prompts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.errors import InputError
from v2m.prompt.watching.description import Caption, Description, description_from_dict
from v2m.prompt.watching.instructions import excerpt, for_prompt, for_summary, tidy_prompt
from v2m.prompt.watching.remembered import Remembered, key_of

STEPS = ("transcript", "captions", "summary", "prompt")
TEXT = st.text(max_size=40)


@given(
    st.builds(
        Description,
        transcript=st.none() | TEXT,
        captions=st.none() | st.just(()) | st.builds(lambda t: (Caption(1.5, t),), TEXT),
        summary=st.none() | TEXT,
        prompt=st.none() | TEXT,
        models=st.dictionaries(st.sampled_from(STEPS), TEXT),
    )
)
def test_a_description_survives_its_file(description: Description) -> None:
    assert description_from_dict(json.loads(json.dumps(description.as_dict()))) == description


@pytest.mark.parametrize(
    "told",
    [[], {"words": "x"}, {"prompt": 3}, {"captions": [{"text": "x"}]}, {"captions": 3}, {"models": ["x"]},
     {"captions": [{"time_s": 1, "text": 2}]}],
)  # fmt: skip
def test_a_description_of_another_kind_is_refused(told: Any) -> None:
    with pytest.raises(InputError):
        description_from_dict(told)


def test_answers_are_kept_by_all_that_was_asked(tmp_path: Path) -> None:
    kept = Remembered(tmp_path)
    answers = iter("ab")
    key = key_of("x", np.zeros(3))
    assert kept.or_ask(key, lambda: next(answers)) == "a"
    assert kept.or_ask(key, lambda: next(answers)) == "a"
    assert kept.or_ask(key_of("x", np.zeros(3, np.float32)), lambda: next(answers)) == "b"
    next(tmp_path.glob(f"{key}.json")).write_text("{")
    assert kept.or_ask(key, lambda: "c") == "c"


def test_answers_are_made_prompts() -> None:
    assert tidy_prompt('\n**Prompt:** "Warm lo-fi, Rhodes"\nI hope this helps!') == "Warm lo-fi, Rhodes"
    assert len(tidy_prompt("word " * 500)) <= 400
    assert len(excerpt("x" * 100_000)) < 7000


def test_the_models_are_asked_about_what_was_seen_and_said() -> None:
    question = for_prompt("We are leaving.", "A train departs at night.")
    assert "We are leaving." in question
    assert "A train departs at night." in question
    assert "Nothing is said" in for_prompt("", "A train departs at night.")
    captions = (Caption(1.0, "A platform."), Caption(63.2, "An empty bench."))
    assert "1 s: A platform.\n63 s: An empty bench." in for_summary(captions)
