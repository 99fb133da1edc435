"""What is composed again is joined without a trace, and fades keep the level."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from v2m.sound_take.edited import FADE, Region, cut_patch, fade_levelled, joined, place

RATE = Fraction(44100, 4096)


def noise(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, (count, 2)).astype(np.float32)


@given(st.integers(0, 40), st.integers(1, 10), st.integers(1, 12))
def test_a_patch_stands_where_its_frames_do_and_the_rest_stays(first: int, gone: int, count: int) -> None:
    old = noise(place(60, RATE), 1)
    region = Region(first, first + gone, count, 0.0, 0.0)
    new = noise(place(60 - gone + count, RATE), 2)
    whole = joined(old, cut_patch(new, region, RATE), region, RATE)
    begin, end = place(first, RATE), place(first + count, RATE)
    assert len(whole) == len(old) - (place(first + gone, RATE) - begin) + (end - begin)
    np.testing.assert_array_equal(whole[begin:end], new[begin:end])
    np.testing.assert_array_equal(whole[: max(0, begin - FADE)], old[: max(0, begin - FADE)])
    np.testing.assert_array_equal(whole[end + FADE :], old[place(first + gone, RATE) + FADE :])


def test_a_patch_of_the_same_sound_changes_nothing() -> None:
    old = noise(place(60, RATE), 1)
    region = Region(20, 28, 8, 0.0, 0.0)
    np.testing.assert_allclose(joined(old, cut_patch(old, region, RATE), region, RATE)[:], old, atol=1e-7)


def test_a_fade_keeps_the_level_of_like_and_unlike_sounds() -> None:
    share = (np.arange(2400) + 1) / 2401
    one, other = noise(2400, 3), noise(2400, 4)
    for there in (one, other):
        sound = {"music": one.copy()}
        fade_levelled(sound, slice(0, 2400), {"music": there}, share)
        middle = sound["music"][1000:1400]
        assert abs(middle.std() / 0.1 - 1) < 0.1
    same = {"music": one.copy()}
    fade_levelled(same, slice(0, 2400), {"music": one}, share)
    np.testing.assert_allclose(same["music"], one, atol=1e-6)
