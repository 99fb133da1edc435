"""Phrases that return: like noise at like places, music drawn together there, and tunes that come back."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from v2m.backbones.base import Commission
from v2m.backbones.phrases import EVENT_DEVIATIONS, PERIOD_BARS, PULL, SECTION_BARS, SHARED, Phrases
from v2m.backbones.sketch import Sketch
from v2m.codecs.layout import CHANNEL_NAMES, group_slices
from v2m.curves import EventCurve
from v2m.hits import Hit
from v2m.metrics.music import music_figures
from v2m.prompt.words import read_prompt
from v2m.stages import never_cancel
from v2m.tempo import TempoMap

BAR = 16
PERIOD = PERIOD_BARS * BAR
FOUR_SECTIONS = TempoMap.steady(120, 4 * SECTION_BARS * 2)
STILL = np.zeros((len(FOUR_SECTIONS.beats_s) - 1) * BAR // 4, np.float32)
PHRASES = Phrases.of(FOUR_SECTIONS, (), STILL, CHANNEL_NAMES)
LEAD, DRUMS = group_slices["lead"], group_slices["drums"]


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@given(st.integers(0, 2**64 - 1), st.integers(0, 900), st.integers(1, 100))
def test_noise_is_of_the_frame_and_not_of_the_window(seed: int, first: int, count: int) -> None:
    whole = PHRASES.noise(seed, 0, 1024)
    assert np.array_equal(PHRASES.noise(seed, first, count), whole[first : first + count])


def test_noise_is_standard_normal_and_alike_a_period_apart_in_all_parts_but_the_drums() -> None:
    noise = PHRASES.noise(3, 0, 1024)
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(1, abs=0.02)
    one, next_one = noise[:PERIOD], noise[PERIOD : 2 * PERIOD]
    assert correlation(one[:, LEAD], next_one[:, LEAD]) == pytest.approx(SHARED, abs=0.03)
    assert correlation(one[:, DRUMS], next_one[:, DRUMS]) == pytest.approx(0, abs=0.05)
    assert correlation(noise[:BAR, LEAD], noise[BAR : 2 * BAR, LEAD]) == pytest.approx(0, abs=0.15)


def test_sections_follow_each_other_as_a_a_b_a() -> None:
    section = SECTION_BARS * BAR
    a, again, bridge, home = (PHRASES.places[i * section : (i + 1) * section] for i in range(4))
    assert np.array_equal(a, again)
    assert np.array_equal(a, home)
    assert not set(bridge) & set(a)


def test_places_are_counted_from_the_first_downbeat() -> None:
    late = Phrases.of(TempoMap(FOUR_SECTIONS.beats_s, 4, first_downbeat=3), (), STILL, CHANNEL_NAMES)
    assert np.array_equal(late.places[12:300], PHRASES.places[:288])


def test_what_is_foreseen_is_drawn_to_what_was_composed_at_its_place() -> None:
    t, c = len(PHRASES.places), len(CHANNEL_NAMES)
    done = np.zeros((t, c), np.float32)
    done[:PERIOD] = 3.0
    is_open = np.ones((t, c), bool)
    is_open[:PERIOD] = False
    lead = PHRASES.lead(done, is_open, PERIOD, 2 * PERIOD, torch.device("cpu"))
    time, x = 0.25, torch.zeros(1, PERIOD, c)
    foreseen = (1 - time) * lead(x, torch.zeros_like(x), time)
    # the mean of 3, composed, and 0, foreseen, is 1.5
    assert foreseen[..., LEAD].numpy() == pytest.approx(1.5 * PULL)
    assert foreseen[..., DRUMS].abs().max() == 0


def test_a_place_that_comes_once_is_left_alone() -> None:
    t, c = len(PHRASES.places), len(CHANNEL_NAMES)
    nothing, is_open = np.zeros((t, c), np.float32), np.ones((t, c), bool)
    lead = PHRASES.lead(nothing, is_open, 0, PERIOD, torch.device("cpu"))
    velocity = torch.randn(1, PERIOD, c, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(lead(torch.ones_like(velocity), velocity, 0.5), velocity, atol=1e-6)


@pytest.mark.parametrize("is_hit", [True, False])
def test_the_beat_of_a_hit_and_of_a_peak_of_the_curve_is_free(is_hit: bool) -> None:
    hit = Hit("cut", Fraction(2 * 5), "cut", 0.7, "a cut")  # beat 20, whose places are 80-83
    curve = STILL.copy()
    curve[80:84] = 0 if is_hit else EVENT_DEVIATIONS
    bound = Phrases.of(FOUR_SECTIONS, (hit,) if is_hit else (), curve, CHANNEL_NAMES)
    t, c = len(bound.places), len(CHANNEL_NAMES)
    x = torch.ones(1, 2 * PERIOD, c)
    lead = bound.lead(np.zeros((t, c), np.float32), np.ones((t, c), bool), 0, 2 * PERIOD, torch.device("cpu"))
    x[0, 80:84] = 9.0
    drawn = lead(x, torch.zeros_like(x), 0.5)
    # it stays as loud as it is, and does not make its twin a period later louder
    assert drawn.abs().max() == 0
    x[0, 84] = 9.0
    assert lead(x, torch.zeros_like(x), 0.5)[0, PERIOD + 84, LEAD].min() > 0


@pytest.mark.slow
def test_tunes_come_back() -> None:
    duration_s = 32
    returning = []
    for seed, style in enumerate(("rock", "folk", "lo-fi")):
        commission = Commission(
            brief=read_prompt(style),
            tempo_map=TempoMap.steady(120, duration_s),
            duration_s=Fraction(duration_s),
            curve=EventCurve(25.0, np.zeros(25 * duration_s), "pixel", 0.7),
            hits=(),
            seeds=(seed,),
        )
        music = Sketch().compose(commission, lambda fraction: None, never_cancel)[0].arrangement
        returning.append(music_figures(music).phrase_repetition or 0.0)
    assert np.median(returning) > 0.35  # of independent noise 0.17
