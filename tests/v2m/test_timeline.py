"""A timeline refuses nonsense, finds the visible shot, and can be excerpted exactly."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.errors import InputError
from v2m.timeline import Cut, Marker, Media, Shot, Timeline

RATE = Fraction(24000, 1001)
FRAME = 1 / RATE
MEDIA = Media("a.mov", None)


def timeline_of(lengths: list[int], speeds: list[Fraction] | None = None) -> Timeline:
    """Shots of these lengths in frames, each from its own place in one file."""
    starts = [0, *accumulate(lengths)]
    speeds = speeds or [Fraction(1)] * len(lengths)
    shots = tuple(
        Shot(start * FRAME, length * FRAME, MEDIA, source_start_s=Fraction(10 * index), speed=speed)
        for index, (start, length, speed) in enumerate(zip(starts, lengths, speeds, strict=False))
    )
    cuts = tuple(Cut(start * FRAME) for start in starts[1:-1])
    markers = tuple(Marker(str(start), start * FRAME) for start in starts[:-1])
    return Timeline(RATE, starts[-1] * FRAME, shots, cuts, markers, start_frame=86400)


lengths_of_shots = st.lists(st.integers(1, 200), min_size=1, max_size=12)


@given(lengths_of_shots, st.data())
def test_the_visible_shot_is_the_one_that_covers_the_time(lengths: list[int], data: st.DataObject) -> None:
    timeline = timeline_of(lengths)
    time_s = data.draw(st.integers(0, timeline.frame_count - 1)) * FRAME
    shot = timeline.shot_at(time_s)
    assert shot.start_s <= time_s < shot.end_s


@given(lengths_of_shots, st.data())
def test_an_excerpt_shows_the_same_pictures(lengths: list[int], data: st.DataObject) -> None:
    speeds = [Fraction(data.draw(st.integers(-4, 4)), 2) for _ in lengths]
    timeline = timeline_of(lengths, speeds)
    first = data.draw(st.integers(0, timeline.frame_count - 1))
    last = data.draw(st.integers(first + 1, timeline.frame_count))
    part = timeline.excerpt(first * FRAME, last * FRAME)
    assert part.frame_count == last - first
    assert part.start_frame == 86400 + first
    for frame in {0, (last - first) // 2, last - first - 1}:
        there, here = timeline.shot_at((first + frame) * FRAME), part.shot_at(frame * FRAME)
        assert here.source_time_s(frame * FRAME) == there.source_time_s((first + frame) * FRAME)
    assert [cut.time_s + first * FRAME for cut in part.cuts] == [
        cut.time_s for cut in timeline.cuts if first * FRAME < cut.time_s < last * FRAME
    ]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, 31)])
def test_an_excerpt_outside_the_programme_is_refused(start: int, end: int) -> None:
    with pytest.raises(InputError, match="does not lie in the timeline"):
        timeline_of([10, 20]).excerpt(start * FRAME, end * FRAME)


def test_shots_must_cover_the_programme_once() -> None:
    with pytest.raises(InputError, match="no length"):
        Timeline(RATE, Fraction(0), (), ())
    hole = (Shot(Fraction(0), Fraction(1)), Shot(Fraction(2), Fraction(1)))
    with pytest.raises(InputError, match="begins at"):
        Timeline(RATE, Fraction(3), hole, ())
    with pytest.raises(InputError, match="the timeline at"):
        Timeline(RATE, Fraction(3), hole[:1], ())
    with pytest.raises(InputError, match="outside"):
        Timeline(RATE, Fraction(1), hole[:1], (Cut(Fraction(2)),))
