"""What is seen of strips over one another, and the document that tells it, read as any other is."""

import json
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_otio.read import read_document
from v2m_sequencer.document import document
from v2m_sequencer.hits import nudges, show
from v2m_sequencer.music import Hit, Music, place
from v2m_sequencer.rate import exact_rate
from v2m_sequencer.refused import Refused
from v2m_sequencer.shots import seen
from v2m_sequencer.strips import Source, Strip, read_strips

RATES = ["24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"]


@pytest.mark.parametrize("rate", [*RATES, "12", "15"])
def test_a_rate_is_exact_though_its_base_is_a_float32(rate: str) -> None:
    exact = Fraction(rate)
    fps = round(exact)
    assert exact_rate(fps, float(np.float32(fps / exact))) == exact


def test_what_users_type_for_30000_over_1001_is_that() -> None:
    assert exact_rate(30, 30 / 29.97) == Fraction(30000, 1001)
    assert exact_rate(100, 3.0) == Fraction(100, 3)


def a_strip(channel: int, start: int, end: int, kind: str = "MOVIE", **values: Any) -> Strip:
    name = f"{channel}-{start}"
    return Strip(name, kind, channel, start, end, Source(f"/{name}.mov"), **values)


strips = st.builds(
    lambda channel, start, length: a_strip(channel, start, start + length),
    st.integers(1, 6), st.integers(-50, 150), st.integers(1, 90),
)  # fmt: skip


@given(
    st.lists(strips, max_size=8, unique_by=lambda strip: strip.channel),
    st.integers(-20, 40),
    st.integers(1, 99),
)
def test_on_every_frame_the_topmost_strip_is_seen(layers: list[Strip], first: int, length: int) -> None:
    shots = seen(layers, first, first + length)
    assert (shots[0].start, shots[-1].end) == (first, first + length)
    assert all(one.end == other.start for one, other in pairwise(shots))
    assert all(one.strip is not other.strip for one, other in pairwise(shots))
    for shot in shots:
        for frame in range(shot.start, shot.end):
            there = [strip for strip in layers if strip.start <= frame < strip.end]
            assert shot.strip is max(there, key=lambda strip: strip.channel, default=None)


def test_a_cross_is_a_dissolve_around_its_middle() -> None:
    a, b = a_strip(1, 0, 60), a_strip(2, 40, 100)
    before, after = seen([a, b, a_strip(3, 40, 60, "CROSS", inputs=(a, b))], 0, 100)
    assert (before.strip, before.end, after.strip, after.dissolve) == (a, 50, b, (10, 10))
    cut = seen([a, b, a_strip(3, 40, 60, "CROSS", inputs=(a, b))], 45, 52)
    assert [shot.dissolve for shot in cut] == [None, (5, 2)], "no farther than what is scored"


def test_a_meta_strip_shows_what_is_inside_and_a_multicam_its_channel() -> None:
    inside = (a_strip(1, 0, 50), a_strip(2, 30, 80))
    meta = a_strip(3, 10, 60, "META", inside=inside)
    below = a_strip(1, 0, 100)
    assert [shot.strip for shot in seen([below, meta], 0, 100)] == [below, *inside, below]
    camera = a_strip(4, 0, 100, "MULTICAM", camera=1)
    assert [shot.strip for shot in seen([below, meta, camera], 0, 100)] == [below]


def movie(**values: Any) -> SimpleNamespace:
    told = {
        "name": "m", "type": "MOVIE", "channel": 1,
        "mute": False, "blend_type": "ALPHA_OVER", "blend_alpha": 1.0,
        "frame_start": 1, "frame_final_start": 11, "frame_final_end": 61, "frame_duration": 200,
        "use_reverse_frames": False, "fps": 25.0, "animation_offset_start": 0, "retiming_keys": [],
        "filepath": "//m.mov",
    }  # fmt: skip
    return SimpleNamespace(**{**told, **values})


def keys(*frames: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(timeline_frame=frame) for frame in frames]


@pytest.mark.parametrize(
    ("values", "at_s", "speed"),
    [
        ({}, Fraction(10, 25), 1),
        ({"fps": 50.0}, Fraction(10, 50), Fraction(1, 2)),
        ({"animation_offset_start": 5}, Fraction(15, 25), 1),
        ({"retiming_keys": keys(1, 101)}, Fraction(20, 25), 2),
    ],
)
def test_a_movie_tells_which_of_its_moments_is_seen(
    values: dict[str, Any], at_s: Fraction, speed: Fraction
) -> None:
    (strip,) = read_strips([movie(**values)], Fraction(25), lambda path: path.replace("//", "/films/"))
    assert strip.source == Source("/films/m.mov", False, at_s, Fraction(speed))


@pytest.mark.parametrize("values", [{"use_reverse_frames": True}, {"retiming_keys": keys(1, 40, 101)}])
def test_where_it_tells_none_the_cuts_are_told(values: dict[str, Any]) -> None:
    (strip,) = read_strips([movie(**values)], Fraction(25), str)
    assert strip.source is None


@pytest.mark.parametrize(
    "values",
    [{"mute": True}, {"type": "TEXT"}, {"type": "SOUND"}, {"blend_type": "ADD"}, {"blend_alpha": 0.2}],
)
def test_what_hides_nothing_is_left_out(values: dict[str, Any]) -> None:
    assert read_strips([movie(**values)], Fraction(25), str) == ()


@pytest.mark.parametrize("rate", RATES)
def test_the_document_is_read_with_cuts_and_markers_on_their_frames(rate: str, tmp_path: Path) -> None:
    exact = Fraction(rate)
    a, b, color = a_strip(1, 1, 60), a_strip(2, 40, 100), a_strip(1, 120, 150, "COLOR")
    still = replace(a_strip(1, 150, 180), source=Source("/still.png", is_still=True))
    slow = replace(a_strip(1, 180, 210), source=Source("/slow.mov", False, Fraction(2), Fraction(1, 2)))
    unknown = replace(a_strip(1, 210, 240), source=None)
    cross = a_strip(3, 40, 60, "CROSS", inputs=(a, b))
    shots = seen([a, b, color, cross, still, slow, unknown], 1, 240)
    marks = [(33, "door"), (33, "twice")]
    path = tmp_path / "edit.otio"
    path.write_text(json.dumps(document("Scene", shots, marks, 1, exact)))
    timeline = read_document(path).timeline
    assert (timeline.rate, timeline.frame_count) == (exact, 239)
    cuts = {int(cut.time_s * exact): cut.kind for cut in timeline.cuts}
    assert cuts.keys() == {49, 99, 119, 149, 179, 209}
    assert cuts[49] == "dissolve"
    assert [(m.time_s * exact, m.name) for m in timeline.markers] == [(32, "door"), (32, "twice")]
    read = {str(shot.media.target): shot for shot in timeline.shots if shot.media}
    assert read["/2-40.mov"].source_start_s == Fraction(10) / exact
    assert read["/still.png"].speed == 0
    assert (read["/slow.mov"].source_start_s, read["/slow.mov"].speed) == (2, Fraction(1, 2))


def test_music_that_is_not_there_takes_nothing_away(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not there"):
        place(None, Music("/t", str(tmp_path / "none.wav"), 1, 10))


# --- markers --------------------------------------------------------------------------------------


class Markers(list[Any]):
    """As Blender keeps them."""

    def new(self, name: str, frame: int) -> None:
        self.append(SimpleNamespace(name=name, frame=frame))


def test_a_hit_is_shown_once_and_its_nearest_marker_tells_where_it_goes() -> None:
    scene = SimpleNamespace(timeline_markers=Markers())
    scene.timeline_markers.new("door", frame=33)
    hits = [
        {"id": "cut-1", "time_s": 49 * 1001 / 30000, "kind": "cut"},
        {"id": "marker-1", "time_s": 32 * 1001 / 30000, "kind": "marker"},
        {"id": "end", "time_s": 5.0, "kind": "end"},
    ]
    music = show(scene, Music("/t", "/w", 1, 150), hits, Fraction(30000, 1001), visible=True)
    assert music.hits == {"cut-1": Hit("V2M cut-1", 50), "marker-1": Hit("door", 33)}
    assert nudges(scene, music) == []
    for marker in scene.timeline_markers:
        marker.frame += 4
    scene.timeline_markers.new("door", frame=140)
    assert sorted(nudges(scene, music)) == [["32f", "36f"], ["49f", "53f"]]
    assert nudges(scene, music.moved_to(5)) == [], "all was moved together"
    scene.timeline_markers.clear()
    assert nudges(scene, music) == [], "who deletes a marker moves nothing"
