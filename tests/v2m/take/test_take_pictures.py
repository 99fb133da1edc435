"""The contact sheet holds the first picture of each span, in a file of its own, and moves with the hits."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from tests.v2m.drawn_take import pictures, record_of
from v2m.frames.sheet import COLUMNS, MOST_TILES, Sheet, SheetGatherer
from v2m.hits import Hit
from v2m.take.pictures import FILE_NAME, moved_pictures, read_pictures, write_pictures


def shade_at(sheet: Sheet, index: int) -> float:
    page = imread(io.BytesIO(sheet.jpeg), format="jpg")
    left, top = sheet.place(index)
    return float(page[top + 20 : top + 34, left + 40 : left + 56].mean())


@given(st.permutations(range(40)))
def test_the_order_in_which_pictures_come_does_not_matter(order: list[int]) -> None:
    times_s = np.arange(40) / 10
    shades = (5 * np.arange(40) + 20).astype(np.uint8)
    views = np.broadcast_to(shades[:, None, None, None], (40, 54, 96, 3))
    gatherer = SheetGatherer(4.0)
    for index in order:
        gatherer.push(times_s[index : index + 1], views[index : index + 1])
    sheet = gatherer.sheet(1.0)
    assert sheet is not None
    assert list(sheet.times_s) == [
        0.0,
        0.3,
        0.5,
        0.8,
        1.0,
        1.3,
        1.5,
        1.8,
        2.0,
        2.3,
        2.5,
        2.8,
        3.0,
        3.3,
        3.5,
        3.8,
    ]


def test_each_tile_shows_what_was_seen_then() -> None:
    sheet = pictures(8)
    shades = [shade_at(sheet, index) for index in (0, COLUMNS - 1, COLUMNS, 31)]
    assert (
        np.abs(np.array(shades) - [20, 20 + 215 * 30 / 63, 20 + 215 * 32 / 63, 20 + 215 * 62 / 63]).max() < 4
    )


@pytest.mark.parametrize("duration_s", [0.0, 0.01, 120.0, 7200.0])
def test_a_sheet_is_bounded(duration_s: float) -> None:
    gatherer = SheetGatherer(duration_s)
    for at_s in np.linspace(0, duration_s, 1500):
        gatherer.push(np.array([at_s]), np.zeros((1, 54, 96, 3), np.uint8))
    sheet = gatherer.sheet(16 / 9)
    assert sheet is not None
    assert len(sheet.times_s) <= MOST_TILES
    assert sheet.times_s[0] == 0


def test_no_picture_no_sheet(tmp_path: Path) -> None:
    assert SheetGatherer(5).sheet(1.0) is None
    write_pictures(tmp_path, None)
    assert list(tmp_path.iterdir()) == []
    assert read_pictures(tmp_path) is None


def test_a_sheet_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    sheet = pictures(8, aspect=9 / 16)
    write_pictures(tmp_path, sheet)
    assert read_pictures(tmp_path) == sheet
    width, height = imread(tmp_path / FILE_NAME).shape[1::-1]
    assert (width, height) == sheet.size_px


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_damaged_file_is_no_sheet_and_no_crash(junk: bytes, at: int) -> None:
    content = pictures(1).to_bytes()
    for damaged in (junk, content[:at], content[:at] + junk + content[at + len(junk) :]):
        sheet = Sheet.from_bytes(damaged)
        assert sheet is None or list(sheet.times_s) == sorted(sheet.times_s)


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_pictures_move_as_the_hits_do(first: int, second: int) -> None:
    before = record_of(Fraction(8))
    shifts = (Fraction(first, 24), Fraction(second, 24), Fraction(0))
    hits = tuple(
        replace(hit, time_s=hit.time_s + shift) for hit, shift in zip(before.hits, shifts, strict=True)
    )
    moved = moved_pictures(pictures(8), before, replace(before, hits=hits))
    assert moved is not None
    times = dict(zip(pictures(8).times_s, moved.times_s, strict=True))
    for was, now in zip(before.hits, hits, strict=True):
        assert times[float(was.time_s)] == pytest.approx(float(now.time_s), abs=1e-3)
    assert list(moved.times_s) == sorted(moved.times_s)


def test_hits_that_are_gone_or_changed_places_move_nothing_astray() -> None:
    before = record_of(Fraction(8))
    swapped = (Hit("cut-1", Fraction(5), "cut", 1.0), Hit("cut-2", Fraction(3), "cut", 1.0))
    moved = moved_pictures(pictures(8), before, replace(before, hits=swapped, duration_s=Fraction(6)))
    assert moved is not None
    assert list(moved.times_s) == sorted(moved.times_s)
    assert moved.times_s[-1] <= 6
    assert moved_pictures(None, before, before) is None
