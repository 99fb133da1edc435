"""Planned beats keep their limits whatever the hits, and land on the hits where the wish allows."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from v2m.errors import InputError, UsageError
from v2m.hits import Hit
from v2m.metrics.sch import scene_cut_hit
from v2m.tempo import Plan, TempoMap, TempoSettings, plan_tempo
from v2m.tempo.nearness import CLOSE, WIDE
from v2m.tempo.passing import REACH_S, Passed, missed_share, passing_cost
from v2m.tempo.refine import Pins, refine
from v2m.tempo.segment import segment_form
from v2m.tempo.settings import TempoCosts, costs_about

RATE = 24


def hits_at(*times_s: float, weight: float = 0.7) -> tuple[Hit, ...]:
    times = [Fraction(round(time * RATE), RATE) for time in times_s]
    return tuple(Hit(f"cut-{i + 1}", time, "cut", weight) for i, time in enumerate(times))


def random_hits(
    seed: int, duration_s: float, shortest_s: float = 0.7, longest_s: float = 7.0
) -> tuple[Hit, ...]:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(shortest_s, longest_s, int(duration_s / shortest_s) + 1))
    hits = hits_at(*times[times < duration_s - 0.1])
    return tuple(
        replace(hit, weight=float(weight))
        for hit, weight in zip(hits, rng.uniform(0.5, 0.9, len(hits)), strict=True)
    )


def reached_weight(hits: tuple[Hit, ...], tempo_map: TempoMap, tolerance_s: float) -> float:
    """Independent of the plan's own account: distance of each hit to the nearest beat."""
    beats = np.array(tempo_map.beats_s)
    near = [hit.weight for hit in hits if np.abs(beats - float(hit.time_s)).min() <= tolerance_s]
    return sum(near) / sum(hit.weight for hit in hits)


def assert_within_limits(plan: Plan, duration_s: float, wish: TempoSettings) -> None:
    tempo_map = plan.tempo_map
    slow, fast = tempo_map.tempo_bpm
    assert tempo_map.beats_s[0] <= 0 < tempo_map.beats_s[1]
    assert tempo_map.beats_s[-2] < duration_s <= tempo_map.beats_s[-1]
    assert tempo_map.largest_step <= wish.max_step
    assert wish.bpm_range[0] - 1e-3 <= slow <= fast <= wish.bpm_range[1] + 1e-3


@settings(max_examples=12)  # a wish is planned several times over
@given(
    frames=st.lists(st.integers(0, 20 * RATE), max_size=20),
    weight=st.floats(0, 1),
    freedom=st.sampled_from([0.0, 0.05, 0.3, 0.6, 1.0]),
    wish_bpm=st.sampled_from([None, 60.0, 93.0, 180.0]),
    beats_per_bar=st.integers(1, 5),
)
def test_limits_hold_for_any_hits(
    frames: list[int], weight: float, freedom: float, wish_bpm: float | None, beats_per_bar: int
) -> None:
    wish = TempoSettings(wish_bpm=wish_bpm, freedom=freedom, beats_per_bar=beats_per_bar)
    hits = tuple(Hit(f"m{i}", Fraction(f, RATE), "marker", weight) for i, f in enumerate(frames))
    plan = plan_tempo(hits, 20.0, wish)
    assert_within_limits(plan, 20.0, wish)
    for hit in hits:
        time = float(hit.time_s)
        if hit.id in plan.assigned:
            position = plan.assigned[hit.id]
            assert (2 * position).is_integer()
            assert abs(float(plan.tempo_map.time_s(position)) - time) <= 0.0201
        else:
            assert hit.id in plan.missed
        on_beat = plan.assigned.get(hit.id, 0.5).is_integer()
        assert (hit.id in plan.offbeat) != on_beat
        assert plan.offbeat.get(hit.id, time) == time


@pytest.mark.parametrize("seed", [2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 1, 3))])
def test_most_hits_of_an_ordinary_edit_get_a_beat_exactly(seed: int) -> None:
    hits = random_hits(seed, 60.0)
    plan = plan_tempo(hits, 60.0)
    assert_within_limits(plan, 60.0, TempoSettings())
    assert reached_weight(hits, plan.tempo_map, 0.001) >= 0.85  # the mean over programmes is above 0.93


@pytest.mark.slow
def test_the_gain_over_chance_is_far_beyond_a_steady_click() -> None:
    planned, steady = [], []
    for seed in range(4):
        hits = random_hits(seed, 60.0)
        times = [float(hit.time_s) for hit in hits]
        planned.append(scene_cut_hit(times, plan_tempo(hits, 60.0).tempo_map.beats_s, 60.0).gain or 0.0)
        steady.append(scene_cut_hit(times, TempoMap.steady(108, 60.0).beats_s, 60.0).gain or 0.0)
    assert np.mean(planned) >= 0.85
    assert np.mean(steady) <= 0.2


def test_the_first_frame_gets_a_beat_where_nothing_speaks_against_it() -> None:
    assert 0.0 in plan_tempo(hits_at(3.1, 7.7), 12.0).tempo_map.beats_s
    assert 0.0 in plan_tempo((), 12.0).tempo_map.beats_s


def test_a_beat_on_the_first_frame_is_at_zero_and_not_at_minus_zero() -> None:
    for hits in ((), hits_at(3.1, 7.7), random_hits(0, 16.0)):
        beats_s = plan_tempo(hits, 16.0).tempo_map.beats_s
        assert str(beats_s[0]) == "0.0"


def test_no_freedom_is_a_steady_click_at_the_wished_tempo_in_the_best_phase() -> None:
    hits = hits_at(0.25, 1.25, 2.25, 5.0)
    plan = plan_tempo(hits, 8.0, TempoSettings(wish_bpm=120, freedom=0))
    np.testing.assert_allclose(np.diff(plan.tempo_map.beats_s), 0.5, atol=2e-6)
    assert plan.missed == ()
    assert set(plan.offbeat) == {"cut-4"}


@pytest.mark.slow
def test_more_freedom_reaches_more_and_bends_more() -> None:
    reached, bend = [], []
    for freedom in (0.0, 0.3, 1.0):
        plans = [
            (hits, plan_tempo(hits, 60.0, TempoSettings(wish_bpm=110, freedom=freedom)))
            for hits in (random_hits(seed, 60.0) for seed in range(4))
        ]
        reached.append(np.mean([reached_weight(hits, plan.tempo_map, 0.02) for hits, plan in plans]))
        bend.append(np.mean([np.ptp(np.log(np.diff(plan.tempo_map.beats_s))) for _, plan in plans]))
    assert reached[0] < reached[1] < reached[2]
    assert bend[0] < bend[1] < bend[2]


def test_a_light_hit_gives_way_to_a_heavy_one() -> None:
    # A third of a beat apart at any tempo allowed: one beat cannot serve both, nor can its middle.
    early, late = hits_at(6.0, 6.0 + 4 / RATE)
    for heavy, light in ((early, late), (late, early)):
        pair = sorted([replace(heavy, weight=1.0), replace(light, weight=0.3)], key=lambda hit: hit.time_s)
        plan = plan_tempo(pair, 12.0)
        assert plan.assigned[heavy.id].is_integer()
        assert light.id in plan.missed


@pytest.mark.slow
def test_a_flurry_is_passed_without_a_lurch() -> None:
    hits = hits_at(*np.arange(5.0, 7.0, 1 / RATE))
    plan = plan_tempo(hits, 12.0)
    assert_within_limits(plan, 12.0, TempoSettings())


def test_heavy_hits_begin_bars_where_they_are_free_to() -> None:
    hits = hits_at(11.3, 23.9, 37.1, 52.4, weight=1.0)
    plan = plan_tempo(hits, 60.0, TempoSettings(freedom=1.0))
    assert all(plan.tempo_map.is_downbeat(round(plan.assigned[hit.id])) for hit in hits)


@pytest.mark.parametrize(
    ("seed", "bpm"),
    [
        (4, 84.0),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((3, 110.0), (5, 132.0), (6, 118.0))),
    ],
)
def test_a_wish_is_kept_on_the_whole_and_a_range_never_left(seed: int, bpm: float) -> None:
    hits = random_hits(seed, 40.0, longest_s=4.0)
    wish = TempoSettings(wish_bpm=bpm, bpm_range=(70, 150))
    plan = plan_tempo(hits, 40.0, wish)
    assert_within_limits(plan, 40.0, wish)
    assert plan.nominal_bpm == bpm
    assert 60 / np.mean(np.diff(plan.tempo_map.beats_s)) == pytest.approx(bpm, rel=0.03)
    assert (
        reached_weight(hits, plan.tempo_map, 0.1)
        > scene_cut_hit([float(hit.time_s) for hit in hits], plan.tempo_map.beats_s, 40.0).chance + 0.15
    )


def test_the_same_question_has_the_same_answer_in_any_order() -> None:
    hits = random_hits(5, 30.0)
    assert plan_tempo(hits, 30.0) == plan_tempo(tuple(reversed(hits)), 30.0)


@pytest.mark.parametrize("duration_s", [0.04, 0.3, 1.0, Fraction(1001, 24000)])
def test_a_programme_shorter_than_a_beat_has_a_map(duration_s: float | Fraction) -> None:
    plan = plan_tempo((Hit("end", Fraction(duration_s), "end", 0.8),), duration_s)
    assert_within_limits(plan, float(duration_s), TempoSettings())


@pytest.mark.slow
def test_a_long_programme_is_planned_with_every_limit_kept() -> None:
    hits = random_hits(0, 1800.0)
    plan = plan_tempo(hits, 1800.0)
    assert_within_limits(plan, 1800.0, TempoSettings())
    assert reached_weight(hits, plan.tempo_map, 0.02) >= 0.85


def test_hits_outside_the_programme_and_no_length_are_refused() -> None:
    with pytest.raises(InputError, match="cut-1"):
        plan_tempo(hits_at(13.0), 12.0)
    with pytest.raises(InputError, match="positive length"):
        plan_tempo((), 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"wish_bpm": 20.0},
        {"bpm_range": (100.0, 110.0)},
        {"nominal_range_bpm": (40.0, 90.0)},
        {"freedom": 1.1},
        {"max_step": 0.0},
        {"hit_weight": -1.0},
        {"beats_per_bar": 0},
    ],
)
def test_wishes_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        TempoSettings(**wrong)  # type: ignore[arg-type]


# --- the parts against plain numerical optimisation ------------------------------------------------------

COSTS = TempoCosts(interval_s=0.5, deviation=0.5, change=60.0, max_step=0.03, low=-0.3, high=0.3)


@pytest.mark.parametrize("half_beats", [4, 5, 8, 11])
@pytest.mark.parametrize("off_beat", [False, True])
def test_a_segment_is_the_smoothest_by_numerical_search_too(half_beats: int, off_beat: bool) -> None:
    a, b, m = 0.03, -0.02, 0.05
    form = segment_form(half_beats, off_beat, COSTS)
    to_off = (half_beats + off_beat) % 2
    total = m - off_beat * a / 2 - to_off * b / 2
    k_a, k_b = COSTS.change * (2 - off_beat), COSTS.change * (2 - to_off)

    def cost(e: np.ndarray) -> float:
        inner = COSTS.deviation * (e**2).sum() + COSTS.change * (np.diff(e) ** 2).sum()
        return float(inner + k_a * (e[0] - a) ** 2 + k_b * (b - e[-1]) ** 2 + to_off * COSTS.deviation * b**2)

    free = np.zeros(len(form.intervals))
    found = minimize(cost, free, constraints={"type": "eq", "fun": lambda e: e.sum() - total}, tol=1e-12)
    v = np.array([a, b, m])
    np.testing.assert_allclose(form.intervals @ v, found.x, atol=1e-4)
    assert v @ form.cost @ v == pytest.approx(found.fun, rel=1e-4)


def test_refinement_finds_the_optimum_of_its_convex_programme() -> None:
    start = np.arange(17) * 0.5
    pins = Pins(np.array([0.0, 7.0, 16.0]), np.array([0.0, 3.7, 8.1]), np.zeros(3))
    refined = refine(start, pins, COSTS)

    def cost(inner: np.ndarray) -> float:
        d = np.diff(inner) / COSTS.interval_s
        return float(COSTS.deviation * ((d - 1) ** 2).sum() + COSTS.change * (np.diff(d) ** 2).sum())

    at_pins = {"type": "eq", "fun": lambda t: t[[0, 7, 16]] - pins.times_s}
    found = minimize(cost, start, constraints=at_pins, tol=1e-12, options={"maxiter": 500})
    np.testing.assert_allclose(refined, found.x, atol=1e-3)
    np.testing.assert_allclose(refined[[0, 7, 16]], pins.times_s, atol=1e-4)


def test_a_pin_with_slack_is_met_at_the_edge_of_it_and_no_nearer() -> None:
    start = np.arange(17) * 0.5
    pins = Pins(np.array([0.0, 8.0, 16.0]), np.array([0.0, 4.1, 8.0]), np.array([0.0, 0.06, 0.0]))
    refined = refine(start, pins, COSTS)
    np.testing.assert_allclose(refined[[0, 8, 16]], [0.0, 4.04, 8.0], atol=1e-4)
    wide = Pins(pins.positions, pins.times_s, np.array([0.0, 0.2, 0.0]))
    np.testing.assert_allclose(refine(start, wide, COSTS), start, atol=1e-4)


@pytest.mark.parametrize("off_beat", [False, True])
def test_a_passed_hit_costs_by_its_distance_to_the_nearest_beat(off_beat: bool) -> None:
    bins, half_beats, spare = np.array([-0.1, 0.0, 0.05, 0.1]), 9 + off_beat, 0.2
    form = segment_form(half_beats, off_beat, COSTS)
    a, b = bins[0], bins[-1]
    intervals = 1 + form.intervals @ np.array([a, b, spare])
    beats = np.cumsum(np.concatenate([[(1 + a) / 2 if off_beat else 0.0], intervals]))

    def cost(off_s: float) -> float:
        passed = Passed(np.array([beats[2] + off_s / COSTS.interval_s]), np.array([0.5]))
        return float(passing_cost(form, off_beat, spare, passed, bins, COSTS)[-1, 0])

    # the hit lies so much behind the beat: a beat may come earlier than its hit, but hardly later
    assert cost(0.0) == pytest.approx(0.06)
    assert cost(CLOSE.lead_s - 0.04) == pytest.approx(cost(CLOSE.lead_s + 0.04)) == pytest.approx(0.18)
    assert cost(0.079) < 0.31
    assert cost(0.081) == pytest.approx(0.5)
    assert cost(-0.039) < 0.31
    assert cost(-0.041) == pytest.approx(0.5)


@pytest.mark.slow
def test_of_the_cuts_that_no_beat_reaches_most_have_one_near() -> None:
    hits = random_hits(5, 90.0, shortest_s=0.7, longest_s=3.5)
    tempo_map = plan_tempo(hits, 90.0).tempo_map
    exact = reached_weight(hits, tempo_map, REACH_S)
    near = reached_weight(hits, tempo_map, CLOSE.lead_s + CLOSE.near_s + 0.002)
    assert 0.6 < exact < 0.95
    assert near > exact + 0.05
    assert near > 0.85


def test_refinement_keeps_the_limits_where_the_pins_cannot_be_met() -> None:
    pins = Pins(np.array([0.0, 4.0, 8.0]), np.array([0.0, 2.6, 4.0]), np.zeros(3))
    refined = refine(np.arange(9) * 0.5, pins, COSTS)
    intervals = np.diff(refined)
    assert np.exp(np.abs(np.diff(np.log(intervals))).max()) <= 1.03
    assert abs(refined[4] - 2.6) > 0.01


def test_more_freedom_makes_bending_cheaper() -> None:
    steady, free = (costs_about(120, TempoSettings(freedom=freedom)) for freedom in (0.2, 0.9))
    assert steady.change > free.change
    assert steady.max_step < free.max_step <= 0.03
    assert steady.high - steady.low < free.high - free.low


def test_a_wide_reach_counts_beats_that_a_close_one_does_not() -> None:
    distance_s = np.array([0.0, 0.05, 0.07, 0.09])
    close, wide = missed_share(distance_s, CLOSE), missed_share(distance_s, WIDE)
    assert close[0] == wide[0] < wide[1] < close[1] < 1
    assert wide[2] < close[2] == 1
    assert wide[3] == 1
