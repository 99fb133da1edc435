"""Hits of an old cut are found again in a new one: what stayed, what came, what went."""

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.hits import Hit
from v2m.retime.matching import matched

RATE = 24


def cuts(frames: list[int], **ids: int) -> list[Hit]:
    named = {frame: name for name, frame in ids.items()}
    return [
        Hit(named.get(frame, f"cut-{n}"), Fraction(frame, RATE), "marker" if frame in named else "cut", 0.7)
        for n, frame in enumerate(frames)
    ]


def pairs(old: list[Hit], new: list[Hit]) -> list[tuple[int, int]]:
    return [(old.index(one), new.index(other)) for one, other in matched(old, new)]


LENGTHS = st.lists(st.integers(17, 300), min_size=12, max_size=40, unique=True)
"""All shots differ, so that there is one right answer."""


def starts(lengths: list[int]) -> list[int]:
    return [sum(lengths[: k + 1]) for k in range(len(lengths))]


@given(LENGTHS, st.data())
def test_a_cut_that_was_nudged_is_the_same_cut(lengths: list[int], data: st.DataObject) -> None:
    frames = starts(lengths)
    index = data.draw(st.integers(1, len(frames) - 2))
    nudged = [frame + 5 * (k == index) for k, frame in enumerate(frames)]
    assert pairs(cuts(frames), cuts(nudged)) == [(k, k) for k in range(len(frames))]


@given(LENGTHS, st.data())
def test_what_comes_after_a_shot_that_is_gone_is_the_same(lengths: list[int], data: st.DataObject) -> None:
    gone = data.draw(st.integers(1, len(lengths) - 4))
    rest = starts(lengths[:gone] + lengths[gone + 1 :])
    found = pairs(cuts(starts(lengths)), cuts(rest))
    assert {(k, k) for k in range(gone)} <= set(found)
    assert {(k, k - 1) for k in range(gone + 1, len(lengths))} <= set(found)


@given(LENGTHS, st.lists(st.integers(301, 500), min_size=20, max_size=30), st.data())
def test_a_scene_of_many_shots_that_was_put_in_parts_no_others(
    lengths: list[int], scene: list[int], data: st.DataObject
) -> None:
    at = data.draw(st.integers(4, len(lengths) - 6))
    trimmed = [*lengths[:at], *scene, *lengths[at:-1], lengths[-1] + 3]
    found = dict(pairs(cuts(starts(lengths)), cuts(starts(trimmed))))
    before = {k: k for k in range(at)}
    after = {k: k + len(scene) for k in range(at + 1, len(lengths) - 1)}
    assert before.items() <= found.items()
    assert after.items() <= found.items()


@given(LENGTHS, LENGTHS)
def test_pairs_keep_their_order_whatever_the_cuts(old: list[int], new: list[int]) -> None:
    found = pairs(cuts(starts(old)), cuts(starts(new)))
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(found))


def test_a_marker_is_itself_however_far_it_went() -> None:
    old = cuts([50, 100, 160, 230, 300], landing=160)
    new = cuts([50, 100, 190, 230, 300], landing=190)
    assert pairs(old, new) == [(k, k) for k in range(5)]
    past = cuts([50, 100, 230, 290, 300], landing=290)
    assert pairs(old, past) == [(0, 0), (1, 1), (2, 3), (3, 2), (4, 4)]
    other = cuts([50, 100, 160, 230, 300], other=160)
    assert pairs(old, other) == [(0, 0), (1, 1), (3, 3), (4, 4)]


@pytest.mark.slow
def test_a_feature_with_many_changes_is_matched_at_once() -> None:
    rng = random.Random(1)  # noqa: S311 - the same lengths each time
    lengths = [rng.randint(17, 120) for _ in range(2400)]
    recut = [length + 6 * (k % 80 == 7) for k, length in enumerate(lengths) if k % 150 != 60]
    found = pairs(cuts(starts(lengths)), cuts(starts(recut)))
    assert len(found) > len(recut) - 20


def test_shots_that_are_all_alike_stay_in_their_places() -> None:
    frames = [48 * k for k in range(1, 31)]
    two_nudged = [frame + 5 * (k in (9, 18)) for k, frame in enumerate(frames)]
    assert pairs(cuts(frames), cuts(two_nudged)) == [(k, k) for k in range(30)]
    rippled = frames[:9] + [frame + 30 for frame in frames[9:]]
    assert pairs(cuts(frames), cuts(rippled)) == [(k, k) for k in range(30)]


def test_nothing_is_matched_with_nothing() -> None:
    assert matched([], []) == matched(cuts([10]), []) == matched([], cuts([10])) == []
