"""The picture encoder: its definition, what it sees, what it must not see, and frame rates."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m import curves
from v2m.curves import Features
from v2m.encoders.pixel import PixelEncoder
from v2m.encoders.protocol import PictureEncoder
from v2m.errors import InputError
from v2m.timeline import Cut

Pictures = np.ndarray


def encode(times_s: np.ndarray, pictures: Pictures) -> Features:
    encoder: PictureEncoder = PixelEncoder()
    encoder.push(times_s, pictures)
    return encoder.features()


def cosines(some: Pictures, others: Pictures) -> np.ndarray:
    # a second apart, so that no motion is seen between them
    one, other = (encode(np.arange(len(p)) * 1.0, p).values for p in (some, others))
    return (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def decode(path: Path) -> tuple[np.ndarray, Pictures]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [
            (float(frame.pts * stream.time_base),
             frame.reformat(96, 54, format="rgb24", interpolation="AREA").to_ndarray())
            for frame in container.decode(stream)
        ]  # fmt: skip
    times_s = np.array([time_s for time_s, _ in frames])
    return times_s - times_s[0], np.stack([picture for _, picture in frames])


def at_rate(times_s: np.ndarray, pictures: Pictures, rate_hz: float) -> tuple[np.ndarray, Pictures]:
    """The picture on show at each tick of another frame rate."""
    ticks_s = np.arange(int(times_s[-1] * rate_hz)) / rate_hz
    return ticks_s, pictures[np.searchsorted(times_s, ticks_s + 1e-6, side="right") - 1]


@functools.cache
def drawn_scene(rate_hz: float, duration_s: float = 16.0) -> tuple[np.ndarray, Pictures]:
    """Two balls that bounce, a camera that pans for a while, three cuts and one flash."""
    times_s = np.arange(int(duration_s * rate_hz)) / rate_hz
    rows, columns = np.mgrid[0:54, 0:96].astype(np.float64)
    pictures = np.empty((len(times_s), 54, 96, 3), dtype=np.uint8)
    for i, time_s in enumerate(times_s):
        shot = int(np.searchsorted([4.2, 7.9, 12.05], time_s + 1e-9, side="right"))
        pan = 30 * np.clip(time_s - 9, 0, 1.5)
        ground = 90 + 60 * np.sin((columns + pan) / (7 + 4 * shot) + 2 * shot) * np.cos(rows / 9 + shot)
        tints = [(1.2, 0.5, 0.4), (0.4, 0.5, 1.2), (0.5, 1.1, 0.5), (1.0, 1.0, 1.0)]
        picture = ground[..., None] * tints[shot]
        for ball, (period_s, tone) in enumerate([(1.3, 255), (2.1, 20)]):
            height = 44 - 34 * abs(np.sin(np.pi * time_s / period_s))
            across = 20 + 50 * ball + 8 * np.sin(time_s)
            picture[(rows - height) ** 2 + (columns - across) ** 2 < 60] = tone
        if 10.9 <= time_s + 1e-9 < 11.1:
            picture += 90
        pictures[i] = np.clip(picture, 0, 255)
    return times_s, pictures


# --- definition -------------------------------------------------------------------------------------


def test_golden_vectors(repository: Path) -> None:
    """Against a computation pixel by pixel, see `about` in the file."""
    golden = json.loads((repository / "tests" / "golden" / "pixel_features.json").read_text())
    n, y, x, c = np.meshgrid(range(5), range(34), range(40), range(3), indexing="ij")
    texture = (x * x * 3 + y * 7 * (c + 1) + x * y * (n + 1) + n * 40) % 256
    flat = 40 * c + 10 * n + (x // 20) * 30
    pictures = np.where((x // 10 + y // 9) % 2 == 0, texture, flat).astype(np.uint8)
    got = encode(np.arange(5) / 25, pictures)
    np.testing.assert_allclose(got.values, golden["rows"], atol=2e-6)
    assert got.encoder == "pixel"


@settings(max_examples=25)
@given(st.integers(0, 30), st.integers(32, 70), st.integers(32, 100), st.integers(0, 2**32 - 1))
def test_any_pictures_give_modest_finite_rows(count: int, height: int, width: int, seed: int) -> None:
    pictures = np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    got = encode(np.arange(count) / 24, pictures)
    assert got.values.shape == (count, 116)
    assert got.values.dtype == np.float32
    assert np.isfinite(got.values).all()
    assert np.all(np.linalg.norm(got.values, axis=1) < 1.6)


@settings(max_examples=10)
@given(st.permutations(range(6)))
def test_the_order_in_which_shots_are_read_does_not_matter(order: list[int]) -> None:
    times_s, pictures = drawn_scene(24, 4.8)
    encoder = PixelEncoder()
    for part in order:
        span = slice(part * 19, (part + 1) * 19 if part < 5 else None)
        encoder.push(times_s[span], pictures[span])
    got, straight = encoder.features(), encode(times_s, pictures)
    np.testing.assert_array_equal(got.times_s, straight.times_s)
    np.testing.assert_allclose(got.values, straight.values, atol=1e-6)


def test_of_two_pictures_at_one_time_the_later_pushed_counts() -> None:
    _, pictures = drawn_scene(10, 1.0)
    encoder = PixelEncoder()
    encoder.push(np.array([0.0, 5.0]), pictures[[0, 1]])
    encoder.push(np.array([0.0]), pictures[[9]])
    got = encoder.features()
    assert got.times_s.tolist() == [0.0, 5.0]
    np.testing.assert_allclose(got.values, encode(np.array([0.0, 5.0]), pictures[[9, 1]]).values, atol=1e-6)


@pytest.mark.parametrize(
    ("times_s", "pictures"),
    [
        ([0.0], np.zeros((1, 54, 96), np.uint8)),
        ([0.0], np.zeros((1, 54, 96, 3), np.float32)),
        ([0.0], np.zeros((2, 54, 96, 3), np.uint8)),
        ([0.0], np.zeros((1, 8, 96, 3), np.uint8)),
    ],
)
def test_what_is_no_picture_is_refused(times_s: list[float], pictures: Pictures) -> None:
    with pytest.raises(InputError, match="expected"):
        encode(np.array(times_s), pictures)


# --- what it sees -----------------------------------------------------------------------------------


def test_a_cut_is_no_motion_and_a_start_and_a_stop_are() -> None:
    still = np.full((60, 54, 96, 3), 60, np.uint8)
    still[30:] = 200
    motion = encode(np.arange(60) / 30, still).values[:, -12:]
    assert np.abs(motion).max() < 1e-6
    moving = np.zeros((90, 54, 96, 3), np.uint8)
    for i in range(90):
        left = 10 + 2 * np.clip(i - 30, 0, 30)
        moving[i, 20:34, left : left + 14] = 255
    amount = np.linalg.norm(encode(np.arange(90) / 30, moving).values[:, -12:], axis=1)
    assert amount[:25].max() < 0.02 < 0.05 < amount[36:54].min()
    assert amount[66:].max() < 0.02


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda p: np.roll(p, 1, axis=2), 0.98),  # a hundredth of the width
        (lambda p: np.clip(p.astype(int) + 8, 0, 255).astype(np.uint8), 0.97),
        (lambda p: np.clip(p.astype(int) - 8, 0, 255).astype(np.uint8), 0.97),
        (lambda p: (255 * (p / 255) ** 0.9).astype(np.uint8), 0.97),
        (lambda p: (255 * (p / 255) ** 1.1).astype(np.uint8), 0.97),
    ],
    ids=["moved", "brighter", "darker", "gamma 0.9", "gamma 1.1"],
)
def test_what_is_no_event_hardly_turns_a_row(change: Callable[[Pictures], Pictures], least: float) -> None:
    _, pictures = drawn_scene(2)
    assert cosines(pictures, change(pictures)).min() > least
    another_shot = np.roll(pictures, 9, axis=0)  # 4.5 s later
    assert np.median(cosines(pictures, another_shot)) < 0.8


@pytest.mark.parametrize("pair", list(combinations((12.5, 24, 30, 60), 2)), ids=str)
def test_a_drawn_scene_gives_one_curve_at_all_frame_rates(pair: tuple[float, float]) -> None:
    one, other = (
        curves.event_curve(encode(*drawn_scene(rate_hz)), 16, rate_hz=12.3).values for rate_hz in pair
    )
    assert np.corrcoef(one, other)[0, 1] >= 0.95


def test_cuts_stand_out_of_a_restless_scene_and_more_so_when_they_are_known() -> None:
    cuts_s = [4.2, 7.9, 12.05]
    features = encode(*drawn_scene(24))
    raw_s, raw = curves.novelty(features)
    away = np.abs(raw_s[:, None] - cuts_s).min(axis=1) > 1 / 24
    assert raw[~away].max() > raw[away].max()
    cuts = [Cut(Fraction(round(time_s * 100), 100)) for time_s in cuts_s]
    curve = curves.event_curve(features, 16, rate_hz=24, cuts=cuts)
    away = np.abs(curve.times_s[:, None] - cuts_s).min(axis=1) > 0.5
    assert curve.at(cuts_s).min() > 1.5 * curve.values[away].max()


# --- real footage -----------------------------------------------------------------------------------


def auc(at_events: np.ndarray, elsewhere: np.ndarray) -> float:
    """Chance that a value at an event is above one elsewhere; 0.5 when the two are alike."""
    return float((at_events[:, None] > elsewhere).mean() + 0.5 * (at_events[:, None] == elsewhere).mean())


@pytest.mark.parametrize(
    "name",
    [
        "bikes",
        pytest.param("bbb_trailer_moviepy", marks=pytest.mark.slow),
        pytest.param("sintel_trailer_720p", marks=pytest.mark.slow),
    ],
)
def test_true_cuts_stand_out_of_real_footage(media_dir: Path, name: str) -> None:
    truth = json.loads((media_dir / "edited" / f"{name}.cuts.json").read_text())
    times_s, pictures = decode(media_dir / "edited" / truth["video"])
    features = encode(times_s, pictures)
    cuts_s = np.array(truth["hard_cuts"]) / float(Fraction(truth["fps"]))
    raw_s, raw = curves.novelty(features)
    away = np.abs(raw_s[:, None] - cuts_s).min(axis=1) > 0.01
    assert auc(raw[~away], raw[away]) > 0.99
    curve = curves.event_curve(features, times_s[-1] + 0.04, rate_hz=24)
    away = np.abs(curve.times_s[:, None] - cuts_s).min(axis=1) > 0.5
    assert auc(curve.at(cuts_s), curve.values[away]) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rates_hz"),
    [("uncut/motorway_5994.mp4", (50, 30, 25, 24, 12.5)), ("uncut/cups.mp4", (25, 24, 12.5)),
     ("edited/bikes.mp4", (24, 12.5))],
)  # fmt: skip
def test_real_footage_gives_one_curve_at_all_frame_rates(
    media_dir: Path, name: str, rates_hz: tuple[float, ...]
) -> None:
    times_s, pictures = decode(media_dir / name)
    whole = curves.event_curve(encode(times_s, pictures), times_s[-1], rate_hz=12.3).values
    for rate_hz in rates_hz:
        fewer = encode(*at_rate(times_s, pictures, rate_hz))
        curve = curves.event_curve(fewer, times_s[-1], rate_hz=12.3).values
        assert np.corrcoef(whole, curve)[0, 1] >= 0.95, rate_hz
