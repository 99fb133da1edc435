"""What the pace of the cutting asks for, where nobody said anything."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.prompt.pace import prompt_from_pace
from v2m.prompt.words import read_prompt
from v2m.timeline import Cut, Shot, Timeline


def cut_every(shot_s: Fraction, count: int = 20) -> Timeline:
    shots = tuple(Shot(k * shot_s, shot_s) for k in range(count))
    cuts = tuple(Cut(k * shot_s) for k in range(1, count))
    return Timeline(Fraction(24), count * shot_s, shots, cuts)


@given(st.integers(1, 24 * 600))
def test_every_pace_has_words_that_the_model_knows(frames: int) -> None:
    brief = read_prompt(prompt_from_pace(cut_every(Fraction(frames, 24))))
    assert brief.terms
    assert brief.unknown == ()


def test_quicker_cutting_asks_for_more_energy() -> None:
    paces = [prompt_from_pace(cut_every(Fraction(shot_s))) for shot_s in ("0.5", "2", "4", "10", "60")]
    assert len(set(paces)) == 5
    energy = [level(text) for text in paces]
    assert energy == sorted(energy, reverse=True)
    assert all("drums" in text for text in paces[:2])


def level(text: str) -> int:
    return next(i for i, word in enumerate(("low energy", "medium energy", "high energy")) if word in text)


@pytest.mark.parametrize("length_s", [3, 300])
def test_one_uncut_shot_has_the_pace_of_its_length(length_s: int) -> None:
    one = cut_every(Fraction(length_s), count=1)
    assert prompt_from_pace(one) == prompt_from_pace(cut_every(Fraction(length_s)))
