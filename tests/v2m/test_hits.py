"""Hits: what becomes one, how much it weighs, and that its name stays."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.errors import InputError, UsageError
from v2m.hits import Hit, HitSettings, find_hits, marker_role
from v2m.timeline import Cut, Marker, Shot, Timeline

RATE = Fraction(24)


def seconds(frame: int) -> Fraction:
    return frame / RATE


def edit(frames: int, *cuts: int | Cut, markers: tuple[Marker, ...] = ()) -> Timeline:
    """A programme of so many frames with cuts at frames."""
    whole = tuple(cut if isinstance(cut, Cut) else Cut(seconds(cut)) for cut in cuts)
    bounds = [Fraction(0), *(cut.time_s for cut in whole), seconds(frames)]
    shots = tuple(Shot(a, b - a) for a, b in pairwise(bounds))
    return Timeline(RATE, seconds(frames), shots, whole, markers)


def marker(frame: int, name: str = "", color: str = "", id_: str = "m1", frames: int = 0) -> Marker:
    return Marker(id_, seconds(frame), seconds(frames), color, name)


def by_id(hits: tuple[Hit, ...]) -> dict[str, Hit]:
    return {hit.id: hit for hit in hits}


def quiet(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Novelty of footage in which nothing happens: sensor noise."""
    values = 0.01 + 0.001 * np.abs(np.random.default_rng(seed).normal(size=frames))
    values[0] = 0
    return np.arange(frames) / 24, values


def test_every_cut_and_the_end_are_hits_in_order_of_time() -> None:
    hits = find_hits(edit(240, 48, 100, 180))
    assert [(hit.id, hit.time_s, hit.kind) for hit in hits] == [
        ("cut-1", seconds(48), "cut"),
        ("cut-2", seconds(100), "cut"),
        ("cut-3", seconds(180), "cut"),
        ("end", seconds(240), "end"),
    ]


def test_a_dissolve_is_hit_in_its_middle_and_weighs_less_than_a_cut() -> None:
    dissolve = Cut(seconds(100), "dissolve", seconds(24), seconds(6))
    hits = by_id(find_hits(edit(240, 50, dissolve, 150)))
    assert hits["dissolve-2"].time_s == seconds(106)
    assert hits["dissolve-2"].weight < hits["cut-3"].weight
    fade = by_id(find_hits(edit(240, 50, replace(dissolve, kind="fade"), 150)))["fade-2"]
    assert fade.weight < hits["dissolve-2"].weight


def test_a_cut_after_a_long_hold_weighs_more_than_one_of_a_burst() -> None:
    hits = by_id(find_hits(edit(600, 300, 310, 320, 330)))
    assert hits["cut-1"].weight > hits["cut-2"].weight + 0.05
    assert hits["cut-2"].weight == hits["cut-3"].weight


def test_a_cut_to_a_new_picture_weighs_more_than_a_jump_cut() -> None:
    times, values = quiet(400)
    values[[100, 200, 300]] = 0.9, 0.05, 0.9
    hits = by_id(find_hits(edit(400, 100, 200, 300), (times, values)))
    assert hits["cut-1"].weight > hits["cut-2"].weight + 0.15
    assert all(0.5 <= hits[f"cut-{n}"].weight <= 0.9 for n in (1, 2, 3))


def test_without_a_picture_every_cut_changes_as_much() -> None:
    hits = by_id(find_hits(edit(300, 100, 200)))
    assert hits["cut-1"].weight == hits["cut-2"].weight


@pytest.mark.parametrize(
    ("name", "color", "role"),
    [
        ("", "", "hit"),
        ("", "Blue", "hit"),
        ("", "RED", "strong"),
        ("the drop", "Blue", "strong"),
        ("accent!", "", "strong"),
        ("soft hit", "Red", "soft"),
        ("No Hit", "Red", "silence"),
        ("no accent!", "", "silence"),
        ("V2M cut-3", "Red", "ignore"),
        ("V2M", "", "ignore"),
        ("ignore this", "Red", "ignore"),
        ("TODO grade", "", "ignore"),
        ("hit", "Purple", "hit"),
        ("whitewash", "Purple", "ignore"),
        ("", "purple", "ignore"),
    ],
)
def test_a_marker_means_what_its_name_says_else_its_color(name: str, color: str, role: str) -> None:
    assert marker_role(marker(0, name, color), HitSettings(ignore_colors=("Purple",))) == role


def test_markers_are_hits_with_their_own_ids_and_weights() -> None:
    markers = (
        marker(30, color="Red", id_="a"),
        marker(60, id_="b"),
        marker(90, "maybe", id_="c"),
        marker(110, "ignore", id_="d"),
    )
    hits = by_id(find_hits(edit(240, markers=markers)))
    assert [hits[id_].weight for id_ in "abc"] == [1.0, 0.9, 0.5]
    assert all(hits[id_].kind == "marker" for id_ in "abc")
    assert "d" not in hits


@pytest.mark.parametrize("frame", [99, 100, 101])
def test_a_marker_within_a_frame_of_a_cut_is_one_hit_on_the_cut(frame: int) -> None:
    hits = find_hits(edit(240, 100, markers=(marker(frame, "soft"),)))
    assert [hit.id for hit in hits] == ["m1", "end"]
    assert hits[0].time_s == seconds(100)
    assert hits[0].weight == by_id(find_hits(edit(240, 100)))["cut-1"].weight


def test_a_marker_two_frames_beside_a_cut_is_a_hit_of_its_own() -> None:
    assert len(find_hits(edit(240, 100, markers=(marker(102),)))) == 3


def test_a_marker_can_forbid_the_hit_of_a_cut_or_of_a_span() -> None:
    assert [h.id for h in find_hits(edit(240, 100, 200, markers=(marker(100, "no hit"),)))] == [
        "cut-2",
        "end",
    ]
    span = marker(90, "no hit", frames=60)
    assert [h.id for h in find_hits(edit(240, 100, 140, 200, markers=(span,)))] == ["cut-3", "end"]


def test_a_flash_in_uncut_footage_is_found_to_the_frame() -> None:
    times, values = quiet(480)
    values[[150, 151, 300]] = 0.2, 0.12, 0.3
    hits = find_hits(edit(480), (times, values))
    assert [(hit.id, hit.time_s) for hit in hits] == [
        ("visual-1", seconds(150)),
        ("visual-2", seconds(300)),
        ("end", seconds(480)),
    ]
    assert all(hit.weight < 0.5 for hit in hits if hit.kind == "visual")


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_a_still_picture_have_no_moments(seed: int) -> None:
    times, values = quiet(2400, seed)
    assert [hit.id for hit in find_hits(edit(2400), (times, values))] == ["end"]
    assert [hit.id for hit in find_hits(edit(2400), (times, np.zeros(2400)))] == ["end"]


def test_visual_hits_keep_away_from_cuts_and_from_each_other() -> None:
    times, values = quiet(960)
    values[[480]] = 0.9
    values[[470, 490]] = 0.5  # within a second of the cut
    values[200:300:6] = 0.4 + np.arange(17) * 0.01  # a strobe of four seconds
    hits = [hit for hit in find_hits(edit(960, 480), (times, values)) if hit.kind == "visual"]
    assert 0 < len(hits) <= 5
    assert all(abs(hit.time_s - seconds(480)) >= 1 for hit in hits)
    assert all(b.time_s - a.time_s >= 1 for a, b in pairwise(hits))


@given(st.integers(100, 900), st.floats(0.1, 1.0))
def test_visual_hits_are_few(seed: int, busy: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.exponential(busy, 960) ** 3
    hits = find_hits(edit(960), (np.arange(960) / 24, values))
    assert len(hits) <= 40 / 2.5 + 2


@given(st.lists(st.integers(1, 239), unique=True, max_size=12), st.lists(st.integers(0, 240), max_size=6))
def test_hits_are_apart_inside_and_distinctly_named(cut_frames: list[int], marker_frames: list[int]) -> None:
    markers = tuple(marker(frame, id_=f"m{i % 3}") for i, frame in enumerate(marker_frames))
    timeline = edit(240, *sorted(cut_frames), markers=markers)
    hits = find_hits(timeline)
    assert len({hit.id for hit in hits}) == len(hits)
    assert all(b.time_s > a.time_s for a, b in pairwise(hits))
    assert all(0 <= hit.time_s <= timeline.duration_s and 0 <= hit.weight <= 1 for hit in hits)
    for frame in cut_frames:
        assert any(abs(hit.time_s - seconds(frame)) <= 1 / RATE for hit in hits)


def test_ids_stay_when_another_marker_moves() -> None:
    before = find_hits(edit(240, 100, markers=(marker(30, id_="a"), marker(60, id_="b"))))
    after = find_hits(edit(240, 100, markers=(marker(40, id_="a"), marker(60, id_="b"))))
    assert [hit for hit in before if hit.id != "a"] == [hit for hit in after if hit.id != "a"]


def test_the_end_can_be_left_unmarked() -> None:
    assert find_hits(edit(240), settings=HitSettings(end_weight=0)) == ()


@pytest.mark.parametrize(
    ("times", "values"),
    [([0.0, 1.0], [1.0]), ([0.0, 0.0], [1.0, 1.0]), ([0.0, 1.0], [1.0, float("nan")])],
)
def test_novelty_that_is_no_signal_is_refused(times: list[float], values: list[float]) -> None:
    with pytest.raises(InputError, match="Novelty"):
        find_hits(edit(240), (np.array(times), np.array(values)))


@pytest.mark.parametrize("wrong", [{"end_weight": 1.5}, {"marker_weight": -0.1}, {"visual_gap_s": 0.0}])
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        HitSettings(**wrong)  # type: ignore[arg-type]
