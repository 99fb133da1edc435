"""Real players put the music where it belongs; the whole table is printed by `benchmarks/placement.py`."""

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from placement import (
    DIALOGUE,
    DIALOGUE_FRAME,
    FIRST_CLICK,
    MUSIC,
    PULSE,
    RATES,
    Case,
    cases,
    landing,
    play_by_blender,
    play_by_melt,
    scored,
)

from v2m.timebase import frame_to_sample


@pytest.fixture
def melt() -> None:
    if shutil.which("melt") is None:
        pytest.skip("melt, which plays the projects, is not installed")


@pytest.mark.slow
@pytest.mark.usefixtures("melt")
@pytest.mark.parametrize("case", list(cases(quick=True)), ids=str)
@pytest.mark.parametrize("player", ["mlt", "kdenlive"])
def test_melt_plays_the_music_within_a_sample_and_beside_other_sound(
    player: str, case: Case, tmp_path: Path
) -> None:
    found = landing(player, case, *play_by_melt(scored(case, tmp_path, player), case))
    assert found.fits, found
    assert abs(found.lost) <= 1, found


@pytest.mark.slow
@pytest.mark.usefixtures("melt")
def test_two_hours_do_not_drift(tmp_path: Path) -> None:
    case = Case(Fraction(30000, 1001), 215_700, hours=1, drop_frame=True, long=True)
    found = landing("mlt", case, *play_by_melt(scored(case, tmp_path, "mlt"), case))
    assert found.fits, found


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_blender_plays_the_music_within_a_sample(
    rate: Fraction, blender_python: Path, tmp_path: Path
) -> None:
    """As the add-on places it, in a file that was saved and opened again."""
    case = Case(rate, 37, hours=1, rest=23)
    found = landing(
        "blender", case, *play_by_blender(scored(case, tmp_path, "otio"), case, str(blender_python))
    )
    print(found)
    assert found.fits, found


def test_what_is_out_of_place_or_silent_is_noticed() -> None:
    case = Case(Fraction(24), 37)
    start = frame_to_sample(37, case.rate)
    last = frame_to_sample(case.frames - 10, case.rate)
    dialogue = frame_to_sample(DIALOGUE_FRAME, case.rate)

    def mix(*clicks: tuple[int, float]) -> np.ndarray:
        sound = np.zeros(frame_to_sample(case.frames, case.rate))
        for sample, level in clicks:
            sound[sample : sample + PULSE] = level
        return sound

    right = ((start + FIRST_CLICK, MUSIC), (last, MUSIC), (dialogue, DIALOGUE), (start, MUSIC))
    assert landing("p", case, mix(*right), 0).fits
    assert landing("p", case, mix(*right), 2).errors == (2, 2)
    assert not landing("p", case, mix(*right), 2).fits
    assert landing("p", case, mix(*right), 0).lost == 0
    assert landing("p", case, mix(*right[:3]), 0).lost > 1000
    assert not landing("p", case, mix(*right[:2]), 0).fits, "the dialogue is silenced"
    assert not landing("p", case, mix(right[2]), 0).fits, "the music is silenced"
    assert not landing("p", case, mix(), 0).fits
    assert not landing("p", replace(case, rest=1), mix(*right), 0).fits, "it ended a frame before"
