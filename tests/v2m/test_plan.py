"""The beats of a programme: whose wish for the tempo counts, and what is counted as a cut that was met."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from v2m.analysis import Analysis
from v2m.curves import curve_from_cuts
from v2m.hits import find_hits
from v2m.plan import TempoWish, plan_beats, plan_takes, sch_of_beats
from v2m.prompt.words import read_prompt
from v2m.tempo import TempoSettings
from v2m.timeline import Cut, Shot, Timeline

LENGTH_S = 40


def analysis_of(*cuts: Cut) -> Analysis:
    """A programme of 40 s of which only the cuts are known."""
    bounds = [Fraction(0), *(cut.time_s for cut in cuts), Fraction(LENGTH_S)]
    shots = tuple(Shot(start, end - start) for start, end in pairwise(bounds))
    timeline = Timeline(Fraction(24), Fraction(LENGTH_S), shots, cuts)
    return Analysis(timeline, curve_from_cuts(cuts, LENGTH_S, rate_hz=25.0), find_hits(timeline), ())


EDIT = analysis_of(*(Cut(Fraction(frame, 24)) for frame in (61, 170, 233, 402, 555, 801)))


@pytest.mark.parametrize(
    ("prompt", "wish", "low", "high"),
    [
        ("jazz, 118 BPM", TempoWish(), 118, 118),
        ("jazz, 118 BPM", TempoWish(bpm=90), 90, 90),
        ("drum and bass", TempoWish(), 145, 178),
        ("slow ambient", TempoWish(), 60, 67.5),
    ],
)
def test_the_flag_counts_more_than_the_words_and_the_words_more_than_the_cuts(
    prompt: str, wish: TempoWish, low: float, high: float
) -> None:
    assert low <= plan_beats(EDIT, read_prompt(prompt), wish).nominal_bpm <= high


@pytest.mark.slow
def test_the_freedom_is_the_users_even_where_it_is_none() -> None:
    steady = plan_beats(EDIT, read_prompt("rock"), TempoWish(freedom=0.0)).tempo_map
    assert np.ptp(np.diff(steady.beats_s)) < 1e-5
    usual = TempoWish(freedom=TempoSettings.freedom)
    assert plan_beats(EDIT, read_prompt("rock"), TempoWish()) == plan_beats(EDIT, read_prompt("rock"), usual)


def test_bars_are_as_long_as_the_words_say() -> None:
    assert plan_beats(EDIT, read_prompt("a piece in 3/4"), TempoWish()).tempo_map.beats_per_bar == 3
    assert plan_beats(EDIT, read_prompt("rock"), TempoWish()).tempo_map.beats_per_bar == 4


def test_a_dissolve_is_met_in_its_middle() -> None:
    seam, offset = Fraction(10), Fraction(1, 2)
    analysis = analysis_of(Cut(seam, "dissolve", Fraction(2), offset), Cut(Fraction(20)))
    assert sch_of_beats(analysis, (10.5, 20.0)).value == 1
    assert sch_of_beats(analysis, (10.0, 20.0)).value == 0.5
    assert sch_of_beats(analysis, (10.5, 20.0)).chance == pytest.approx(2 * 0.1 * 2 / LENGTH_S)
    assert sch_of_beats(analysis_of(), (1.0,)).value is None


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["rock", "rock, 120 BPM"])
def test_every_second_take_goes_by_other_beats_at_a_tempo_that_was_asked_for(prompt: str) -> None:
    brief = read_prompt(prompt)
    frames = (40, 61, 96, 133, 170, 201, 233, 262, 330, 351, 402, 447, 470, 555, 581, 640, 700, 729, 801, 850)
    dense = analysis_of(*(Cut(Fraction(frame, 24)) for frame in frames))
    usual, bold = plan_takes(dense, brief, TempoWish(), 4)
    assert usual == plan_beats(dense, brief, TempoWish())
    assert bold.tempo_map != usual.tempo_map
    assert bold.tempo_map.largest_step <= 0.03
    if brief.bpm:
        beats_s = bold.tempo_map.beats_s
        assert 60 * (len(beats_s) - 1) / (beats_s[-1] - beats_s[0]) == pytest.approx(brief.bpm, rel=0.03)


def test_one_take_and_steady_clicks_have_one_plan() -> None:
    brief = read_prompt("rock")
    assert len(plan_takes(EDIT, brief, TempoWish(), 1)) == 1
    assert len(plan_takes(EDIT, brief, TempoWish(freedom=0.0), 4)) == 1
