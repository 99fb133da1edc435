"""Random layouts of tracks against a per-frame account of what is seen."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from v2m_otio.read import read_document

Frame = tuple[str, int] | None
"""Which file and which of its frames; None for nothing."""

RATE = 24000 / 1001
EXACT = Fraction(24000, 1001)


def span(start: int, count: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, RATE), otio.opentime.RationalTime(count, RATE)
    )


@st.composite
def items(draw: st.DrawFn, depth: int = 2) -> tuple[Any, list[Frame]]:
    """An item, and what it shows frame by frame."""
    kind = draw(st.sampled_from(["clip"] * 4 + ["gap", "off"] + (["track", "stack"] if depth else [])))
    if kind in ("track", "stack"):
        return draw(compositions(kind, depth - 1))
    count = draw(st.integers(1, 7))
    if kind == "gap":
        return otio.schema.Gap(source_range=span(0, count)), [None] * count
    file, start = draw(st.sampled_from("xyz")), draw(st.integers(0, 20))
    clip = otio.schema.Clip(
        file,
        media_reference=otio.schema.ExternalReference(f"/none/{file}.mov", available_range=span(1000, 99)),
        source_range=span(1000 + start, count),
    )
    clip.enabled = kind == "clip"
    return clip, [(file, start + i) if clip.enabled else None for i in range(count)]


@st.composite
def compositions(draw: st.DrawFn, kind: str, depth: int) -> tuple[Any, list[Frame]]:
    if kind == "track":
        parts = draw(st.lists(items(depth), max_size=5))
        made: Any = otio.schema.Track(children=[item for item, _ in parts])
        frames = [frame for _, shown in parts for frame in shown]
    else:
        parts = draw(st.lists(compositions("track", depth), max_size=4))
        made = otio.schema.Stack(children=[item for item, _ in parts])
        frames = over([shown for _, shown in parts])
    if draw(st.booleans()):
        start, count = draw(st.integers(0, 8)), draw(st.integers(1, 12))
        made.source_range = span(start, count)
        frames = (frames + [None] * (start + count))[start : start + count]
    made.enabled = draw(st.integers(0, 6)) > 0
    return made, frames if made.enabled else [None] * len(frames)


def over(layers: list[list[Frame]]) -> list[Frame]:
    """The topmost thing in each frame."""
    length = max((len(layer) for layer in layers), default=0)
    seen: list[Frame] = [None] * length
    for layer in layers:
        for index, frame in enumerate(layer):
            seen[index] = frame or seen[index]
    return seen


def changes(frames: list[Frame]) -> list[int]:
    """Frames at which the picture does not run on from the one before."""
    return [
        index
        for index in range(1, len(frames))
        if frames[index] != (frames[index - 1] and (frames[index - 1][0], frames[index - 1][1] + 1))  # type: ignore[index]
    ]


@pytest.mark.slow
@settings(max_examples=150)
@given(st.lists(compositions("track", 2), min_size=1, max_size=5))
def test_each_frame_shows_the_topmost_enabled_clip(tracks: list[tuple[Any, list[Frame]]]) -> None:
    expected = over([shown for _, shown in tracks])
    if not any(expected):
        return
    timeline = otio.schema.Timeline("random")
    timeline.tracks.extend([track for track, _ in tracks])
    timeline.global_start_time = otio.opentime.RationalTime(0, RATE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.otio"
        path.write_text(timeline.to_json_string())
        read = read_document(path).timeline
    assert read.frame_count == len(expected)
    shown: list[Frame] = []
    for index in range(len(expected)):
        shot = read.shot_at(index / EXACT)
        source = shot.source_time_s(index / EXACT) * EXACT
        assert source.denominator == 1
        shown.append((shot.name, int(source)) if shot.media else None)
    assert shown == expected
    assert [cut.time_s * EXACT for cut in read.cuts] == changes(expected)
