"""What is read out of edits with known answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest
from v2m_otio.place import Placement, place_music
from v2m_otio.read import open_document, read_document

from v2m.errors import DocumentError, V2MError
from v2m.timeline import Timeline

NTSC_FILM = Fraction(24000, 1001)


def cut_frames(timeline: Timeline) -> list[tuple[float, str]]:
    return [(float(cut.time_s * timeline.rate), cut.kind) for cut in timeline.cuts]


def shot_frames(timeline: Timeline) -> list[tuple[str, float, float, float]]:
    rate = timeline.rate
    return [
        (
            shot.name,
            float(shot.start_s * rate),
            float(shot.duration_s * rate),
            float(shot.source_start_s * rate),
        )
        for shot in timeline.shots
    ]


# --- layers ---------------------------------------------------------------------------------------


def test_one_track_cuts_where_clips_meet(edit: Any, read: Callable[..., Timeline]) -> None:
    timeline = read(edit.track(edit.clip("a", 48), edit.clip("b", 24), edit.gap(12), edit.clip("c", 12)))
    assert cut_frames(timeline) == [(48, "cut"), (72, "cut"), (84, "cut")]
    assert [shot.name for shot in timeline.shots] == ["a", "b", "", "c"]
    assert timeline.duration_s == 4
    assert timeline.shots[2].media is None


def test_topmost_enabled_clip_is_seen(edit: Any, read: Callable[..., Timeline]) -> None:
    timeline = read(
        edit.track(edit.clip("low", 100)),
        edit.track(edit.gap(20), edit.clip("mid", 40)),
        edit.track(edit.gap(30), edit.clip("off", 10, enabled=False), edit.clip("high", 10)),
        edit.track(edit.clip("hidden", 100), enabled=False),
    )
    assert shot_frames(timeline) == [
        ("low", 0, 20, 0), ("mid", 20, 20, 0), ("high", 40, 10, 0), ("mid", 50, 10, 30), ("low", 60, 40, 60),
    ]  # fmt: skip


def test_audio_lengthens_the_programme_but_shows_nothing(edit: Any, read: Callable[..., Timeline]) -> None:
    timeline = read(edit.track(edit.clip("a", 24)), edit.track(edit.clip("sound", 36), kind="Audio"))
    assert timeline.duration_s == Fraction(36, 24)
    assert shot_frames(timeline) == [("a", 0, 24, 0), ("", 24, 12, 0)]


def test_nested_compositions_are_trimmed_and_seen_through(edit: Any, read: Callable[..., Timeline]) -> None:
    inner = edit.stack(
        edit.track(edit.clip("x", 50), edit.clip("y", 50)), edit.track(edit.gap(60), edit.clip("z", 10))
    )
    inner.source_range = edit.span(40, 30)
    timeline = read(edit.track(edit.clip("a", 10), inner, edit.track(edit.clip("t", 5), edit.clip("u", 5))))
    assert shot_frames(timeline) == [
        ("a", 0, 10, 0), ("x", 10, 10, 40), ("y", 20, 10, 0), ("z", 30, 10, 0),
        ("t", 40, 5, 0), ("u", 45, 5, 0),
    ]  # fmt: skip


def test_titles_and_adjustment_layers_let_the_picture_through(
    edit: Any, read: Callable[..., Timeline]
) -> None:
    title = otio.schema.Clip(
        "Lower third", media_reference=otio.schema.GeneratorReference(generator_kind="Text+"),
        source_range=edit.span(0, 20),
    )  # fmt: skip
    timeline = read(
        edit.track(edit.clip("a", 48), edit.clip("b", 48)),
        edit.track(edit.gap(10), title, edit.gap(66), title.deepcopy()),
        edit.track(edit.clip("Adjustment Clip", 96)),
    )
    assert cut_frames(timeline) == [(48, "cut"), (96, "cut")]
    assert timeline.shots[-1].name == "Lower third"  # on black it is all there is to see


def test_pieces_that_run_on_are_no_cut(edit: Any, read: Callable[..., Timeline]) -> None:
    url = "/v/one.mov"
    timeline = read(
        edit.track(
            edit.clip("a", 24, url=url),
            edit.clip("a", 24, start=24, url=url),
            edit.clip("a", 24, start=90, url=url),
        )
    )
    assert cut_frames(timeline) == [(48, "cut")]


# --- transitions ----------------------------------------------------------------------------------


def test_a_dissolve_has_a_seam_a_width_and_a_centre(edit: Any, read: Callable[..., Timeline]) -> None:
    timeline = read(edit.track(edit.clip("a", 48), edit.transition(6, 12), edit.clip("b", 48, start=20)))
    (cut,) = timeline.cuts
    assert (cut.time_s, cut.kind, cut.width_s, cut.center_offset_s) == (
        2,
        "dissolve",
        Fraction(18, 24),
        Fraction(3, 24),
    )
    assert shot_frames(timeline) == [("a", 0, 48, 0), ("b", 48, 48, 20)]


def test_a_transition_to_nothing_is_a_fade_and_stays_in_the_programme(
    edit: Any, read: Callable[..., Timeline]
) -> None:
    timeline = read(
        edit.track(
            edit.transition(5, 10), edit.clip("a", 48), edit.transition(8, 0), edit.gap(10),
            edit.clip("b", 48), edit.transition(12, 4),
        )
    )  # fmt: skip
    assert [(float(c.time_s * 24), c.kind, float(c.width_s * 24)) for c in timeline.cuts] == [
        (0, "fade", 10), (48, "fade", 8), (58, "cut", 0), (106, "fade", 12),
    ]  # fmt: skip


def test_a_fade_over_a_lower_picture_is_a_dissolve(edit: Any, read: Callable[..., Timeline]) -> None:
    over = edit.track(edit.gap(24), edit.clip("b", 24), edit.transition(6, 0), edit.gap(48))
    assert cut_frames(read(edit.track(edit.clip("a", 96)), over)) == [(24, "cut"), (48, "dissolve")]


def test_a_covered_transition_is_not_seen(edit: Any, read: Callable[..., Timeline]) -> None:
    below = edit.track(edit.clip("a", 48), edit.transition(6, 6), edit.clip("b", 48))
    cover = edit.track(edit.gap(48), edit.clip("c", 10))
    assert cut_frames(read(below, cover)) == [(48, "cut"), (58, "cut")]


# --- retimes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speed", "expected_speed", "first_frame"),
    [(2.0, 2, 10), (0.5, Fraction(1, 2), 10), (0.8545454551724138, Fraction(47, 55), 10), (-1.0, -1, 33),
     (-2.0, -2, 57), (0.0, 0, 10)],
)  # fmt: skip
def test_retimed_clips_keep_their_length(
    edit: Any, read: Callable[..., Timeline], speed: float, expected_speed: Fraction, first_frame: int
) -> None:
    available = edit.span(0, 500)
    clip = edit.clip("a", 24, start=10, url="/v/a.mov", available=available, speed=speed)
    (shot,) = read(edit.track(clip)).shots
    assert (shot.duration_s, shot.speed) == (1, expected_speed)
    assert shot.source_start_s == Fraction(first_frame, 24)


def test_backwards_shows_the_same_frames_in_reverse(edit: Any, read: Callable[..., Timeline]) -> None:
    clip = edit.clip("a", 24, start=10, url="/v/a.mov", available=edit.span(0, 500), speed=-1.0)
    (shot,) = read(edit.track(clip)).shots
    assert [shot.source_time_s(Fraction(i, 24)) * 24 for i in range(24)] == list(range(33, 9, -1))


def test_a_freeze_frame_holds_its_first_picture(edit: Any, read: Callable[..., Timeline]) -> None:
    clip = edit.clip("a", 24, start=10, url="/v/a.mov")
    clip.effects.append(otio.schema.FreezeFrame())
    (shot,) = read(edit.track(clip)).shots
    assert (shot.speed, shot.source_start_s) == (0, Fraction(10, 24))


@pytest.mark.parametrize(
    ("speed", "frames", "expected"), [(2.0, 16, [10, 12]), (-1.0, 32, [8, 12]), (0.5, 44, [40])]
)
def test_a_retimed_composition_moves_the_cuts_inside(
    edit: Any, read: Callable[..., Timeline], speed: float, frames: int, expected: list[int]
) -> None:
    inner = edit.stack(edit.track(edit.clip("x", 20), edit.clip("y", 4), edit.clip("z", 8)))
    inner.source_range = edit.span(0, frames)
    inner.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    timeline = read(edit.track(inner))
    assert [frame for frame, _ in cut_frames(timeline)] == expected
    assert all(abs(shot.speed) == abs(Fraction(speed)) for shot in timeline.shots)


def test_a_frozen_composition_holds_the_picture_at_its_beginning(
    edit: Any, read: Callable[..., Timeline]
) -> None:
    inner = edit.stack(edit.track(edit.clip("x", 20), edit.clip("y", 20)))
    inner.source_range = edit.span(25, 12)
    inner.effects.append(otio.schema.FreezeFrame())
    (shot,) = read(edit.track(inner)).shots
    assert (shot.name, shot.speed, shot.source_start_s) == ("y", 0, Fraction(5, 24))


# --- times and rates ------------------------------------------------------------------------------


@pytest.mark.parametrize("spelled", [23.976, 23.98, 24000 / 1001, 23.976024627685547])
def test_every_spelling_of_a_rate_is_the_exact_one(
    edit: Any, read: Callable[..., Timeline], spelled: float
) -> None:
    clips = [edit.clip(str(i), 1000, rate=spelled) for i in range(50)]
    timeline = read(edit.track(*clips))
    assert timeline.rate == NTSC_FILM
    assert timeline.duration_s == 50_000 / NTSC_FILM
    assert [cut.time_s * NTSC_FILM for cut in timeline.cuts] == [1000 * i for i in range(1, 50)]


def test_timecode_of_the_media_is_taken_off(edit: Any, read: Callable[..., Timeline]) -> None:
    # source at the timeline's 25, media at 24, both from 01:00:00:00
    clip = edit.clip("a", 50, start=90032, rate=25, url="/v/a.mov", available=edit.span(86400, 2400, 24))
    timeline = read(edit.timeline(edit.track(clip), start=90000, rate=25))
    assert timeline.rate == 25
    assert timeline.start_frame == 90000
    assert timeline.shots[0].source_start_s == Fraction(32, 25)


def test_frame_numbers_written_at_the_timeline_rate_are_understood(
    edit: Any, read: Callable[..., Timeline]
) -> None:
    # the file's own numbers (86424 at 23.976) in a timeline of 24: the seconds miss the file
    clip = edit.clip(
        "a", 48, start=86424, rate=24, url="/v/a.mov", available=edit.span(86400, 480, 24000 / 1001)
    )
    assert read(edit.track(clip)).shots[0].source_start_s == 24 / NTSC_FILM


def test_unknown_start_timecode_is_noted(edit: Any, read: Callable[..., Timeline]) -> None:
    timeline = read(edit.track(edit.clip("a", 48, start=86424, url="/v/a.mov")))
    assert timeline.shots[0].source_start_s == 1
    assert any("timecode" in note for note in timeline.notes)


def test_a_clip_without_a_source_range_shows_all_of_its_media(
    edit: Any, read: Callable[..., Timeline]
) -> None:
    reference = otio.schema.ExternalReference("/v/a.mov", available_range=edit.span(86400, 72))
    timeline = read(edit.track(otio.schema.Clip("a", media_reference=reference)))
    assert (timeline.duration_s, timeline.shots[0].source_start_s) == (3, 0)


def test_mixed_rates_land_on_frames_of_the_timeline(edit: Any, read: Callable[..., Timeline]) -> None:
    track = edit.track(edit.clip("a", 101, rate=25), edit.clip("b", 48), edit.clip("c", 48))
    timeline = read(edit.timeline(track, start=0))
    assert [cut.time_s * 24 for cut in timeline.cuts] == [97, 145]
    assert all((shot.start_s * 24).denominator == 1 for shot in timeline.shots)


def test_drop_frame_is_read_where_the_editor_says_so(edit: Any, read: Callable[..., Timeline]) -> None:
    timeline = edit.timeline(edit.track(edit.clip("a", 60, rate=29.97)), start=107892, rate=29.97)
    assert not read(timeline).drop_frame
    timeline.metadata["Editor"] = {"timelineFrameRate": "29.97 DF"}
    document = read(timeline)
    assert document.drop_frame
    assert document.start_frame == 107892


def test_a_still_stands(edit: Any, read: Callable[..., Timeline]) -> None:
    clip = edit.clip("a", 48, start=0, url="/v/a.png", available=edit.span(0, 1))
    assert read(edit.track(clip)).shots[0].speed == 0


# --- markers --------------------------------------------------------------------------------------


def test_markers_of_the_timeline_its_tracks_and_its_clips(edit: Any, read: Callable[..., Timeline]) -> None:
    clip = edit.clip("a", 48, start=1000, url="/v/a.mov", available=edit.span(900, 500))
    clip.markers.append(edit.marker(1010, "in media time"))
    clip.markers.append(edit.marker(20, "in clip time", "BLUE"))
    clip.markers.append(edit.marker(1100, "trimmed away"))
    track = edit.track(edit.gap(24), clip)
    track.markers.append(edit.marker(30, "on the track"))
    timeline = edit.timeline(track, start=86400)
    timeline.tracks.markers.append(edit.marker(2, "on the timeline"))
    timeline.tracks.markers.append(edit.marker(86405, "in timecode"))
    markers = read(timeline).markers
    assert [(float(m.time_s * 24), m.name) for m in markers] == [
        (2, "on the timeline"), (5, "in timecode"), (30, "on the track"),
        (34, "in media time"), (44, "in clip time"),
    ]  # fmt: skip
    assert markers[-1].color == "BLUE"


def test_markers_follow_a_retime_and_vanish_with_their_picture(
    edit: Any, read: Callable[..., Timeline]
) -> None:
    fast = edit.clip("a", 24, start=100, url="/v/a.mov", available=edit.span(0, 500), speed=2.0)
    fast.markers.append(edit.marker(120, "seen"))
    fast.markers.append(edit.marker(140, "covered"))
    fast.markers.append(edit.marker(146, "seen too"))
    timeline = read(edit.track(fast), edit.track(edit.gap(18), edit.clip("cover", 4)))
    assert [(float(m.time_s * 24), m.name) for m in timeline.markers] == [(10, "seen"), (23, "seen too")]


def test_marker_ids_outlive_an_export(edit: Any, read: Callable[..., Timeline]) -> None:
    def ids(frame: int) -> list[str]:
        timeline = edit.timeline(edit.track(edit.clip("a", 96)))
        timeline.tracks.markers.extend([
            edit.marker(frame, "ours", v2m={"id": "hit-7"}, other={"id": "9"}),
            edit.marker(frame + 1, "theirs", Editor={"UUID": "abc", "id": "all-alike"}),
            edit.marker(frame + 2, "noted", Resolve_OTIO={"Note": "door slams v2m:door.1"}),
            edit.marker(80, "plain"),
            edit.marker(80, "plain"),
        ])  # fmt: skip
        return [marker.id for marker in read(timeline).markers]

    first, nudged = ids(10), ids(13)
    assert first[:3] == ["hit-7", "abc", "door.1"]
    assert first == nudged
    assert len(set(first)) == 5


def test_one_id_on_many_markers_is_no_id(edit: Any, read: Callable[..., Timeline]) -> None:
    timeline = edit.timeline(edit.track(edit.clip("a", 96)))
    timeline.tracks.markers.extend([edit.marker(frame, tool={"id": "alike"}) for frame in (5, 9, 40)])
    before = [marker.id for marker in read(timeline).markers]
    timeline.tracks.markers[1].marked_range = edit.span(12, 0)
    after = [marker.id for marker in read(timeline).markers]
    assert len(set(before)) == 3
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


# --- what is told, and what is refused ------------------------------------------------------------


def test_notes_name_files_that_are_seen_once_each(edit: Any, read: Callable[..., Timeline]) -> None:
    track = edit.track(
        edit.clip("a", 24, url="/nowhere/a.mov"),
        edit.clip("b", 24),
        edit.clip("a2", 24, url="/nowhere/a.mov"),
    )
    low = edit.track(edit.clip("hidden", 72, url="/nowhere/hidden.mov"))
    notes = read(low, track).notes
    assert notes == ("/nowhere/a.mov: was not found", "b: has no media in the document")


def test_an_unknown_retime_is_noted(edit: Any, read: Callable[..., Timeline]) -> None:
    clip = edit.clip("a", 24)
    clip.effects.append(otio.schema.TimeEffect(effect_name="Optical ramp"))
    clip.effects.append(otio.schema.Effect(effect_name="Blur"))
    unchanged = {"Resolve_OTIO": {"Effect Name": "Cropping", "Enabled": True, "Parameters": []}}
    clip.effects.append(otio.schema.Effect(effect_name="Resolve Effect", metadata=unchanged))
    notes = " ".join(read(edit.track(clip)).notes)
    assert "Optical ramp" in notes
    assert "Blur" in notes
    assert "Cropping" not in notes


def test_no_picture_is_bad_input(edit: Any, read: Callable[..., Timeline]) -> None:
    for parts in (
        [edit.track(edit.clip("sound", 24), kind="Audio")],
        [edit.track(edit.gap(24))],
        [edit.track(edit.clip("off", 24, enabled=False))],
        [edit.track()],
        [edit.timeline()],
        [edit.track(edit.clip("none", 0))],
        [edit.track(edit.clip("fast", 24, rate=5000))],
    ):
        with pytest.raises(DocumentError) as caught:
            read(*parts)
        assert caught.value.message.startswith("edit.otio: the ")


def test_a_clip_without_any_length_is_named(edit: Any, read: Callable[..., Timeline]) -> None:
    with pytest.raises(DocumentError, match="'lost' has no length"):
        read(edit.track(edit.clip("a", 24), otio.schema.Clip("lost")))


def test_our_own_music_does_not_lengthen_the_programme(edit: Any, read: Callable[..., Timeline]) -> None:
    music = edit.track(edit.clip("music", 500), kind="Audio")
    music.metadata["v2m"] = {"role": "score"}
    assert read(edit.track(edit.clip("a", 24)), music).duration_s == 1


def test_every_real_otio_document_reads_or_says_why(media_dir: Any) -> None:
    answers, refusals = {}, []
    for path in sorted((media_dir / "timelines").glob("*.otio")):
        try:
            answers[path.name] = read_document(path).timeline.duration_s
        except DocumentError as error:
            refusals.append(error.message)
    assert len(answers) == 7
    assert all(message.endswith(".") and "\n" not in message for message in refusals)
    assert answers["resolve_picchu_effects.otio"] == Fraction(1125, 24)


def test_a_real_resolve_export(media_dir: Any) -> None:
    timeline = read_document(media_dir / "timelines" / "resolve_picchu_effects.otio").timeline
    assert (timeline.rate, timeline.start_frame) == (24, 86400)
    assert cut_frames(timeline) == [(500, "cut"), (816, "cut"), (1027, "cut")]  # its topmost track decides
    assert all(shot.media is not None and shot.media.path is None for shot in timeline.shots)


def test_a_newer_schema_is_named(edit: Any, save: Callable[..., Any]) -> None:
    path = save(edit.timeline(edit.track(edit.clip("a", 24))))
    path.write_text(path.read_text().replace("Clip.2", "Clip.9"))
    with pytest.raises(DocumentError, match=r"Clip\.9"):
        read_document(path)


def test_markers_of_the_next_opentimelineio_are_read_and_kept(
    edit: Any, save: Callable[..., Any], wav: Any, tmp_path: Any
) -> None:
    timeline = edit.timeline(edit.track(edit.clip("a", 24)))
    timeline.tracks.markers.extend([edit.marker(5, "one", "GREEN"), edit.marker(9, "two")])
    path = save(timeline)
    content = json.loads(path.read_text())
    one, two = content["tracks"]["markers"]
    one.update(OTIO_SCHEMA="Marker.3", color={"OTIO_SCHEMA": "Color.1", "name": "green", "g": 1.0})
    two.update(OTIO_SCHEMA="Marker.3", color=None)
    path.write_text(json.dumps(content))
    document = read_document(path)
    assert [(m.name, m.color) for m in document.timeline.markers] == [("one", "GREEN"), ("two", "RED")]
    placed = place_music(document, Placement(wav, Fraction(0), Fraction(1)), tmp_path / "scored.otio")
    assert json.loads(placed.path.read_text())["tracks"]["markers"] == [one, two]


def test_a_real_premiere_export_is_read(media_dir: Any) -> None:
    timeline = read_document(media_dir / "timelines" / "premiere_example.otio").timeline
    assert (timeline.rate, len(timeline.markers), len(timeline.cuts)) == (30, 4, 9)


def test_the_context_reads_plain_documents_too(edit: Any, save: Callable[..., Any]) -> None:
    with open_document(save(edit.timeline(edit.track(edit.clip("a", 24))))) as document:
        assert document.timeline.duration_s == 1
    with pytest.raises(V2MError), open_document(document.path.with_name("none.otio")):
        pass
