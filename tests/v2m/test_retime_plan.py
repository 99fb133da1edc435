"""Plans of moved hits: beats reach them within the limit, nothing else moves, no move adds to another."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.errors import UsageError
from v2m.hits import Hit
from v2m.retime import plan_retime
from v2m.retime.plan import Changed, Kept, RetimePlan
from v2m.take.record import Origin
from v2m.tempo import TempoMap, TempoSettings, plan_tempo
from v2m.timebase import samples_covering, seconds_to_sample

RATE = Fraction(24)
LENGTH_S = Fraction(60)


def origin(gaps: list[int], length_s: Fraction = LENGTH_S) -> Origin:
    """A programme with cuts so many frames apart, planned as a score is."""
    frames = np.cumsum(gaps).tolist()
    hits = [
        Hit(f"cut-{i + 1}", Fraction(frame) / RATE, "cut", 0.6 + 0.1 * (i % 4))
        for i, frame in enumerate(frames)
        if frame / RATE < length_s - 1
    ]
    hits.append(Hit("end", length_s, "end", 0.8))
    beats = plan_tempo(hits, length_s, TempoSettings(hit_weight=2.0)).tempo_map
    curve = {"rate_hz": 25.0, "values": [0.0] * int(25 * length_s), "encoder": "cuts", "kernel_s": 0.7}
    return Origin(length_s, tuple(hits), (), beats, curve)


def moved(before: Origin, frames: dict[str, int]) -> list[Hit]:
    return [replace(hit, time_s=hit.time_s + Fraction(frames.get(hit.id, 0)) / RATE) for hit in before.hits]


PROGRAMME = origin([50, 61, 47, 90, 33, 120, 76, 55, 80, 64, 71, 49, 110, 58, 66, 90, 40])


@cache
def programme(number: int) -> Origin:
    """Planning takes half a second, so few programmes are nudged in many ways."""
    return origin(np.random.default_rng(number).integers(17, 130, 30).tolist())


programmes = st.builds(programme, st.integers(0, 2))


def assert_whole(plan: RetimePlan) -> None:
    """The music is told from its first sample to its last, kept samples in their order."""
    at = 0
    for piece in plan.samples():
        assert piece.at == at
        length = piece.last - piece.first if isinstance(piece, Kept) else piece.length
        assert length > 0
        at += length
    assert at == plan.sample_count
    kept = [piece for piece in plan.samples() if isinstance(piece, Kept)]
    assert all(one.last <= other.first for one, other in pairwise(kept))


@pytest.mark.slow
@settings(max_examples=8)
@given(programmes, st.data())
def test_a_nudge_changes_only_what_lies_around_it(before: Origin, data: st.DataObject) -> None:
    hit = data.draw(st.sampled_from([hit for hit in before.hits if hit.kind != "end"]))
    frames = data.draw(st.integers(-48, 48).filter(bool))
    to_s = hit.time_s + Fraction(frames) / RATE
    if not 0 < to_s < before.duration_s - 1 or any(abs(h.time_s - to_s) < 1 / RATE for h in before.hits):
        return
    plan = plan_retime(before, moved(before, {hit.id: frames}), before.duration_s)
    assert_whole(plan)
    assert len(plan.edits) == 1
    changed = next(piece for piece in plan.samples() if isinstance(piece, Changed))
    first_s, last_s = changed.at / 48_000, (changed.at + changed.length) / 48_000
    assert first_s < min(hit.time_s, to_s)
    assert last_s > max(hit.time_s, to_s)
    # beats outside are where they were
    was, now = np.array(before.tempo_map.beats_s), np.array(plan.after.tempo_map.beats_s)
    was, now = was[was < LENGTH_S], now[now < LENGTH_S]
    assert np.array_equal(was[was < first_s], now[now < first_s])
    assert set(np.round(was[was > last_s], 6)) == set(np.round(now[now > last_s], 6))
    # kept samples did not shift
    assert all(piece.at == piece.first for piece in plan.samples() if isinstance(piece, Kept))
    edit = plan.edits[0].edit
    assert edit.largest_bend <= 0.0405
    assert edit.composed_bend <= (0.0 if edit.renewal is None else 0.105)


@pytest.mark.slow
@given(programmes, st.data())
def test_what_is_nudged_there_and_back_is_as_it_was(before: Origin, data: st.DataObject) -> None:
    assert plan_retime(before, before.hits, before.duration_s).edits == ()
    ids = [hit.id for hit in before.hits if hit.kind != "end"]
    one, other = data.draw(st.permutations(ids))[:2]
    alone = plan_retime(before, moved(before, {one: 3}), before.duration_s)
    both = plan_retime(before, moved(before, {one: 3, other: -3}), before.duration_s)
    # an edit is the same whatever is edited elsewhere, unless the two meet
    if len(both.edits) == 2:
        assert alone.edits[0].edit in [placed.edit for placed in both.edits]


def test_a_small_nudge_bends_and_a_large_one_adds_beats() -> None:
    small = plan_retime(PROGRAMME, moved(PROGRAMME, {"cut-7": 2}), LENGTH_S).edits[0].edit
    assert small.renewal is None
    assert 0 < small.largest_bend <= 0.04
    plans = [plan_retime(PROGRAMME, moved(PROGRAMME, {"cut-7": frames}), LENGTH_S) for frames in range(8, 20)]
    large = next(plan.edits[0].edit for plan in plans if plan.edits[0].edit.renewal is not None)
    assert large.largest_bend <= 0.0405
    assert large.composed_bend <= 0.105
    hit = next(hit for hit in large.hits if hit.id == "cut-7")
    beats = np.array(large.tempo_map(PROGRAMME.tempo_map).beats_s)
    halves = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    assert np.abs(halves - float(hit.time_s)).min() < 0.021


def test_a_programme_that_grows_at_a_cut_shifts_what_follows_by_whole_samples() -> None:
    later = [
        replace(hit, time_s=hit.time_s + (Fraction(31) / RATE if hit.time_s > 20 else 0))
        for hit in PROGRAMME.hits
    ]
    plan = plan_retime(PROGRAMME, later, LENGTH_S + Fraction(31) / RATE)
    assert_whole(plan)
    tail = plan.samples()[-1]
    assert isinstance(tail, Kept)
    assert tail.at - tail.first == seconds_to_sample(Fraction(31) / RATE)
    assert plan.sample_count == samples_covering(LENGTH_S + Fraction(31) / RATE)


@pytest.mark.parametrize("end_s", [Fraction(50), Fraction(59), Fraction(61), Fraction(75)])
def test_an_end_that_moves_changes_the_ending_alone(end_s: Fraction) -> None:
    hits = [hit for hit in PROGRAMME.hits if hit.time_s < end_s - 1 and hit.kind != "end"]
    plan = plan_retime(PROGRAMME, [*hits, Hit("end", end_s, "end", 0.8)], end_s)
    assert_whole(plan)
    beats = plan.after.tempo_map.beats_s
    assert beats[-1] >= end_s > beats[-2]
    first = plan.samples()[0]
    assert isinstance(first, Kept)
    assert first.last / 48_000 > 30


def test_hits_that_come_and_go_leave_the_rest() -> None:
    gone = [hit for hit in PROGRAMME.hits if hit.id != "cut-4"]
    plan = plan_retime(PROGRAMME, gone, LENGTH_S)
    assert plan.after.tempo_map == PROGRAMME.tempo_map
    assert_whole(plan)
    new = [*PROGRAMME.hits, Hit("new", Fraction(301) / RATE, "cut", 0.7)]
    assert_whole(plan_retime(PROGRAMME, new, LENGTH_S))


def test_a_limit_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="largest bend"):
        plan_retime(PROGRAMME, PROGRAMME.hits, LENGTH_S, max_bend=0.5)


def test_no_bend_at_all_may_be_asked_for() -> None:
    plan = plan_retime(PROGRAMME, moved(PROGRAMME, {"cut-7": 1}), LENGTH_S, max_bend=0.0)
    assert plan.edits[0].edit.largest_bend < 1e-4
    assert isinstance(plan.after.tempo_map, TempoMap)
