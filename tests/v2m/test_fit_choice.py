"""Which part of a song is played: its beats on the hits, cut only at bar lines, never stretched too far."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.errors import InputError
from v2m.fit.choice import Route, choose, limited
from v2m.fit.course import Course, Warp, on_beats, played, tempo_map_of, warp_course
from v2m.fit.form import Form
from v2m.fit.music import Music
from v2m.fit.pulse import Pulse
from v2m.tempo.search import Targets
from v2m.tempo.settings import TempoSettings, costs_about


def song(
    bars: int, *, bpm: float = 120.0, moments: dict[int, float] | None = None, drift: float = 0.0
) -> Music:
    """Bars of four, all alike; `drift` is how far its tempo swings."""
    count = 4 * bars + 1
    intervals = 60 / bpm * (1 + drift * np.sin(np.arange(count - 1) / 9))
    beats_s = np.concatenate([[0.0], np.cumsum(intervals)])
    strengths = np.zeros(count)
    for beat, strength in (moments or {0: 0.5}).items():
        strengths[beat] = strength
    form = Form(4, 0, (0,), strengths, np.ones((bars + 1, bars + 1)))
    return Music(float(beats_s[-1]), Pulse(beats_s, 1.0), form)


def fitted(
    music: Music, hits_s: list[float], duration_s: float, max_stretch: float = 0.06, *, may_cut: bool = False
) -> tuple[Route, Course, Warp, np.ndarray]:
    times = np.array([0.0, *hits_s, duration_s])
    targets = Targets(times, np.array([0.4, *[0.8] * len(hits_s), 0.8]))
    costs = limited(costs_about(60 / music.interval_s, TempoSettings()), max_stretch)
    route = choose(targets, music, duration_s, costs, may_cut=may_cut)
    course = Course.of(route, music)
    warp = on_beats(course, warp_course(course, route, targets, music, duration_s, costs), duration_s)
    return route, course, warp, np.array(tempo_map_of(course, warp, duration_s).beats_s)


def off_s(beats_s: np.ndarray, hits_s: list[float]) -> np.ndarray:
    return np.abs(beats_s[:, None] - np.array(hits_s)).min(axis=0)


CUTS = st.lists(st.floats(0.5, 6.0), min_size=0, max_size=14).map(lambda gaps: np.cumsum(gaps).tolist())


@settings(max_examples=20)
@given(
    CUTS, st.floats(70, 170), st.floats(0.0, 0.04), st.booleans(), st.sampled_from([0.0, 0.02, 0.06, 0.15])
)
def test_nothing_is_stretched_too_far_or_cut_off_a_bar_line(
    hits_s: list[float], bpm: float, drift: float, may_cut: bool, max_stretch: float
) -> None:
    duration_s = max([6.0, *hits_s]) + 1.0
    music = song(40, bpm=bpm, drift=drift)
    route, course, warp, beats_s = fitted(music, hits_s, duration_s, max_stretch, may_cut=may_cut)
    assert np.abs(warp.stretches).max() <= max_stretch + 1e-4  # a microsecond of rounding a beat
    assert may_cut or len(route.legs) == 1
    for one, other in pairwise(route.legs):
        assert one[1] % 4 == 0
        assert other[0] % 4 == 0
        assert one[1] != other[0]
    assert (np.diff(beats_s) > 0).all()
    assert beats_s[0] <= 0
    assert beats_s[-1] >= duration_s
    heard_s = sum(piece.end_song_s - piece.song_s for piece in played(course.pieces, warp))
    assert heard_s == pytest.approx(warp.course_s[-1] - warp.course_s[0], abs=0.02)  # no gap that is heard


def test_a_song_twelve_frames_off_is_found_without_stretching_it() -> None:
    hits_s = [0.5 * n + 0.7 for n in (3, 8, 13, 17, 24, 30)]  # on its beats, if it began 0.2 s later
    _, _, warp, beats_s = fitted(song(40), hits_s, 20.2)
    assert off_s(beats_s, hits_s).max() < 0.001
    assert np.abs(warp.stretches).max() < 0.001


def test_hits_off_the_grid_are_reached_by_a_gentle_stretch() -> None:
    hits_s = [2.1, 5.3, 8.85, 13.2, 16.4]
    stretched, laid = (fitted(song(40), hits_s, 20.0, limit)[3] for limit in (0.06, 0.0))
    assert (off_s(stretched, hits_s) < 0.021).sum() >= 4
    assert (off_s(laid, hits_s) < 0.021).sum() <= 2


def test_a_big_moment_of_the_song_falls_on_a_hit() -> None:
    music = song(60, moments={0: 0.3, 96: 1.0})
    _, _, warp, beats_s = fitted(music, [4.0, 10.0, 15.0], 20.0)
    course = fitted(music, [4.0, 10.0, 15.0], 20.0)[1]
    moment = float(warp.times(course.beats_s[course.song_beats == 96])[0])
    assert min(abs(moment - hit) for hit in (0.0, 4.0, 10.0, 15.0, 20.0)) < 0.001
    assert off_s(beats_s, [4.0, 10.0, 15.0]).max() < 0.001


def test_a_short_song_repeats_its_bars_where_that_is_allowed() -> None:
    route, course, warp, beats_s = fitted(song(4), [3.0, 7.5, 12.5, 21.0], 30.0, may_cut=True)
    assert len(route.legs) >= 4
    assert off_s(beats_s, [3.0, 7.5, 12.5, 21.0]).max() < 0.001
    for piece in played(course.pieces, warp):
        assert 0 <= piece.song_s < piece.end_song_s <= 8.0 + 1e-6
    with pytest.raises(InputError, match="lasts the 30"):
        fitted(song(4), [3.0], 30.0)


def test_programmes_without_cuts_or_of_a_moment_have_their_music_too() -> None:
    assert fitted(song(40), [], 30.0)[3][-1] >= 30
    assert fitted(song(40), [], 0.2)[3][-1] >= 0.2
    assert fitted(song(2), [], 45.0, may_cut=True)[3][-1] >= 45


def test_bars_that_have_nothing_in_common_are_cut_only_where_it_pays() -> None:
    alike, unlike = song(40), song(40)
    form = unlike.form
    strange = Form(4, 0, form.sections, form.moments, np.eye(41))
    hits_s = [1.0, 2.7, 4.1, 6.6, 8.3, 9.9, 12.2, 13.1, 15.7, 17.2]
    few = fitted(Music(unlike.duration_s, unlike.pulse, strange), hits_s, 20.0, 0.02, may_cut=True)[0]
    many = fitted(alike, hits_s, 20.0, 0.02, may_cut=True)[0]
    assert len(few.legs) <= len(many.legs)
