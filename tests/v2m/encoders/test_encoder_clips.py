"""Clips of shots: every picture once, halves that fade into each other, no clip across a cut."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.encoders.clips import ClipGatherer
from v2m.encoders.store import FeatureStore
from v2m.errors import CancelledError, InputError

LENGTH, STRIDE = 16, 2


def numbered(*numbers: int) -> np.ndarray:
    """Pictures that tell their number."""
    return np.array(numbers, np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)


class Looker:
    """Computes the mean number of each two pictures, and remembers the clips."""

    def __init__(self, folder: Path | None = None, **options: Any) -> None:
        self.clips: list[list[int]] = []
        store = FeatureStore("looker", folder or Path(tempfile.mkdtemp()))
        self.gatherer = ClipGatherer(self._rows, store, length=LENGTH, stride=STRIDE, **options)

    def _rows(self, clip: np.ndarray, times_s: np.ndarray) -> np.ndarray:
        numbers = clip[:, 0, 0, 0].astype(np.float32)
        assert len(clip) % STRIDE == 0
        assert len(clip) == len(times_s) <= LENGTH
        assert times_s[0] == 0
        assert (np.diff(times_s) >= 0).all()
        self.clips.append(numbers.astype(int).tolist())
        return numbers.reshape(-1, STRIDE).mean(axis=1)[:, None]


@given(st.integers(1, 100), st.integers(1, 64))
def test_each_two_pictures_make_a_row_whatever_the_length_and_the_batches(count: int, batch: int) -> None:
    looker = Looker()
    times_s = np.arange(count) / 30
    for begin in range(0, count, batch):
        block = slice(begin, begin + batch)
        looker.gatherer.push(times_s[block], numbered(*range(count)[block]), None)
    features = looker.gatherer.features("looker", 1)
    np.testing.assert_allclose(features.times_s, times_s[::STRIDE])
    whole = np.minimum(np.arange(0, count, STRIDE) + 0.5, count - 1)
    np.testing.assert_allclose(features.values[:, 0], whole, atol=1e-5)
    # each begins in the middle of the one before, and is no longer than the network was trained on
    assert all(
        after[0] - before[0] == LENGTH // 2
        for before, after in zip(looker.clips, looker.clips[1:], strict=False)
    )


def test_no_clip_crosses_a_cut_and_mixed_shots_are_told_apart() -> None:
    looker = Looker()
    times_s = np.concatenate([np.arange(20) / 30, 5 + np.arange(20) / 30])
    order = np.argsort(np.tile(np.arange(20), 2), kind="stable")  # two shots of one file at once
    pictures, shots = numbered(*range(20), *range(100, 120)), np.repeat([0, 1], 20)
    looker.gatherer.push(times_s[order], pictures[order], shots[order])
    features = looker.gatherer.features("looker", 1)
    np.testing.assert_allclose(features.values[:, 0], [*np.arange(0.5, 20, 2), *np.arange(100.5, 120, 2)])
    assert all(max(clip) < 20 or min(clip) >= 100 for clip in looker.clips)


def test_a_shot_that_is_over_is_let_go() -> None:
    looker = Looker()
    for shot in range(50):
        looker.gatherer.push(shot + np.arange(5) / 30, numbered(*range(5)), np.full(5, shot))
        assert sum(len(held.pictures) for held in looker.gatherer._shots.values()) <= 15
    assert len(looker.gatherer.features("looker", 1).values) == 150


def test_a_shot_that_is_played_backwards_is_looked_at_in_order_of_time() -> None:
    looker = Looker()
    looker.gatherer.push(np.arange(40)[::-1] / 30, numbered(*range(39, -1, -1)), None)
    features = looker.gatherer.features("looker", 1)
    np.testing.assert_allclose(features.values[:, 0], np.arange(0.5, 40, 2), atol=1e-5)
    np.testing.assert_allclose(features.times_s, np.arange(0, 40, 2) / 30)
    assert all(clip == sorted(clip) for clip in looker.clips)


def test_missing_pictures_part_clips() -> None:
    looker = Looker()
    looker.gatherer.push(np.array([0.0, 0.04, 3.0, 3.04]), numbered(0, 1, 2, 3), None)
    looker.gatherer.features("looker", 1)
    assert looker.clips == [[0, 1], [2, 3]]


@pytest.mark.parametrize("rate", [12, 24, 25, 30, 48, 60])
@pytest.mark.parametrize("backwards", [False, True])
def test_pictures_are_drawn_out_to_one_rate(rate: int, backwards: bool) -> None:
    looker = Looker(rate_hz=24.0)
    times_s = np.arange(rate) / rate
    pictures = numbered(*range(rate))
    if backwards:
        times_s, pictures = times_s[::-1], pictures[::-1]
    looker.gatherer.push(3 + times_s, pictures, None)
    features = looker.gatherer.features("looker", 1)
    assert len(features.values) == 12
    np.testing.assert_allclose(np.diff(features.times_s), 1 / 12)
    shown = features.values[:, 0] / rate
    np.testing.assert_allclose(shown, features.times_s - 3, atol=1.01 / rate + 1 / 24)


def test_clips_that_were_seen_are_not_looked_at_again(tmp_path: Path) -> None:
    rows = []
    for start_s in (0.0, 7.0):
        looker = Looker(tmp_path)
        looker.gatherer.push(start_s + np.arange(37) / 30, numbered(*range(37)), None)
        rows.append(looker.gatherer.features("looker", 1).values)
    np.testing.assert_array_equal(*rows)
    assert looker.clips == []


def test_a_cancel_is_heard_and_what_is_no_picture_is_refused() -> None:
    def stop() -> None:
        raise CancelledError("stop")

    with pytest.raises(CancelledError):
        Looker(cancel=stop).gatherer.push(np.arange(16) / 30, numbered(*range(16)), None)
    with pytest.raises(InputError, match="2 times are given for 1 pictures"):
        Looker().gatherer.push(np.zeros(2), numbered(1), None)
