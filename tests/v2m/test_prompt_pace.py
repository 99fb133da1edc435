"""What pace, light, colour and motion ask for, where nobody said anything."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.frames.sheet import SheetGatherer
from v2m.frames.stills import sheet_pictures
from v2m.prompt.completion import typical
from v2m.prompt.pace import PictureLook, picture_look, prompt_from_pace
from v2m.prompt.words import read_prompt
from v2m.timeline import Cut, Shot, Timeline


def cut_every(shot_s: Fraction, count: int = 20) -> Timeline:
    shots = tuple(Shot(k * shot_s, shot_s) for k in range(count))
    cuts = tuple(Cut(k * shot_s) for k in range(1, count))
    return Timeline(Fraction(24), count * shot_s, shots, cuts)


PACES = ("0.5", "2", "4", "10", "60")
LOOKS = [
    PictureLook(light, colour, warmth, motion)
    for light, colour, warmth, motion in product(
        (0.1, 0.4, 0.7), (0.02, 0.3), (-0.2, 0, 0.2), (None, 0.001, 0.03, 0.1)
    )
]


@given(st.integers(1, 24 * 600), st.sampled_from([None, *LOOKS]))
def test_every_pace_and_look_has_words_that_the_model_knows(frames: int, look: PictureLook | None) -> None:
    brief = read_prompt(prompt_from_pace(cut_every(Fraction(frames, 24)), look))
    assert brief.unknown == ()
    assert set(brief.terms) <= typical().known
    assert len(brief.terms) >= 4


def test_quicker_cutting_asks_for_more_energy() -> None:
    paces = [prompt_from_pace(cut_every(Fraction(shot_s))) for shot_s in PACES]
    assert len(set(paces)) == 5
    energy = [level(text) for text in paces]
    assert energy == sorted(energy, reverse=True)
    assert all("drums" in text for text in paces[:2])


def level(text: str) -> int:
    return next(i for i, word in enumerate(("low energy", "medium energy", "high energy")) if word in text)


def test_motion_asks_for_more_energy_and_stillness_for_less() -> None:
    for shot_s in PACES:
        timeline = cut_every(Fraction(shot_s))
        still, usual, moving = (
            level(prompt_from_pace(timeline, PictureLook(0.4, 0.3, 0.0, motion)))
            for motion in (0.001, 0.03, 0.1)
        )
        assert still <= usual <= moving
    assert prompt_from_pace(cut_every(Fraction(4)), PictureLook(0.4, 0.3, 0.0, 0.1)).startswith("rock")


def test_light_and_colour_decide_the_mood() -> None:
    timeline = cut_every(Fraction(4))
    words = {look.tone: prompt_from_pace(timeline, look) for look in LOOKS if look.motion is None}
    assert words.keys() == {"dark", "grey", "cool", "plain", "warm", "bright"}
    assert len({words[tone] for tone in ("dark", "grey", "warm", "bright")}) == 4
    assert "minor" in words["dark"]
    assert "major" in words["bright"]


@pytest.mark.parametrize(
    ("colour", "tone"),
    [((12, 12, 40), "dark"), ((100, 100, 100), "grey"), ((140, 90, 60), "warm"), ((60, 90, 140), "cool"),
     ((250, 230, 200), "bright")],
)  # fmt: skip
def test_a_picture_of_one_colour_is_read_as_that(colour: tuple[int, int, int], tone: str) -> None:
    timeline = cut_every(Fraction(4), count=2)
    gatherer = SheetGatherer(8.0)
    times_s = np.arange(0, 8, 0.125)
    pictures = np.broadcast_to(np.array(colour, np.uint8), (len(times_s), 54, 96, 3))
    gatherer.push(times_s, pictures)
    sheet = gatherer.sheet(16 / 9)
    assert sheet is not None
    look = picture_look(timeline, sheet.times_s, sheet_pictures(sheet))
    assert look is not None
    assert look.tone == tone
    assert look.motion == pytest.approx(0, abs=0.01)


def test_only_movement_within_shots_is_motion() -> None:
    timeline = cut_every(Fraction(1), count=8)
    times_s = tuple(np.arange(0, 8, 0.25).tolist())
    cutting = np.zeros((32, 54, 96, 3), np.uint8)
    cutting[:] = (40 + 180 * ((np.arange(32) // 4) % 2))[:, None, None, None]
    shaking = np.random.default_rng(0).integers(0, 255, (32, 54, 96, 1), dtype=np.uint8).repeat(3, axis=3)
    still, moving = (picture_look(timeline, times_s, pictures) for pictures in (cutting, shaking))
    assert still is not None
    assert moving is not None
    assert still.motion == 0
    assert moving.motion is not None
    assert moving.motion > 0.1


def test_black_leader_says_nothing() -> None:
    timeline = cut_every(Fraction(4), count=1)
    black = np.zeros((8, 54, 96, 3), np.uint8)
    assert picture_look(timeline, tuple(range(8)), black) is None
    black[5:] = 200
    look = picture_look(timeline, tuple(range(8)), black)
    assert look is not None
    assert look.tone == "bright"
    assert look.motion is None


@pytest.mark.parametrize("length_s", [3, 300])
def test_one_uncut_shot_has_the_pace_of_its_length(length_s: int) -> None:
    one = cut_every(Fraction(length_s), count=1)
    assert prompt_from_pace(one) == prompt_from_pace(cut_every(Fraction(length_s)))
