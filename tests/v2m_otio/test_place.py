"""Music on its own track: exact, replaceable, and the rest of the document as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_otio.create import new_document
from v2m_otio.place import TRACK_NAME, Placement, place_music
from v2m_otio.read import Document, read_document

from v2m.errors import DocumentError, InputError, OutputExistsError, OutputWriteError, UsageError
from v2m.timebase import frame_to_sample, samples_covering
from v2m.timeline import Cut, Shot, Timeline


def whole(document: Document, wav: Path, **changes: Any) -> Placement:
    values = {"start_s": Fraction(0), "duration_s": document.timeline.duration_s, **changes}
    return Placement(wav, **values)


def score_track(path: Path) -> Any:
    timeline = otio.core.deserialize_json_from_string(path.read_text(encoding="utf-8"))
    (track,) = [track for track in timeline.tracks if track.name == TRACK_NAME]
    return track


def without_ours(path: Path) -> Any:
    content = json.loads(path.read_text(encoding="utf-8"))
    tracks = content["tracks"]["children"]
    tracks[:] = [track for track in tracks if "v2m" not in (track.get("metadata") or {})]
    return content


@pytest.fixture
def document(edit: Any, save: Callable[..., Path]) -> Document:
    clip = edit.clip("a", 96, url="/v/a.mov")
    clip.metadata["Editor"] = {"größe": 2**70 // 2**8, "deep": [{"x": 0.1}]}
    sound = edit.track(edit.clip("dialogue", 96, url="/v/a.wav"), kind="Audio")
    return read_document(save(edit.timeline(edit.track(clip), sound, start=86400)))


def test_the_music_is_a_clip_in_frames_with_exact_samples(
    document: Document, wav: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.otio"
    place_music(document, whole(document, wav, take={"id": "t1", "seed": 3}), out)
    track = score_track(out)
    (clip,) = track
    assert track.kind == "Audio"
    assert clip.source_range == otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(96, 24)
    )
    assert clip.media_reference.available_range == clip.source_range
    assert clip.media_reference.target_url == "music.wav"
    about = clip.metadata["v2m"]
    assert (about["start_sample"], about["sample_count"], about["sample_rate_hz"]) == (0, 192_000, 48_000)
    assert dict(about["take"]) == {"id": "t1", "seed": 3}


def test_a_start_inside_the_programme_comes_after_a_gap(
    document: Document, wav: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.otio"
    place_music(document, whole(document, wav, start_s=Fraction(30, 24), duration_s=Fraction(50, 24)), out)
    track = score_track(out)
    gap, clip = track
    assert isinstance(gap, otio.schema.Gap)
    assert gap.source_range.duration.value == 30
    assert clip.range_in_parent().start_time.value == 30
    assert clip.metadata["v2m"]["start_sample"] == 60_000


def test_a_trimmed_stack_hides_what_comes_before_the_programme(
    edit: Any, save: Callable[..., Path], wav: Path, tmp_path: Path
) -> None:
    timeline = edit.timeline(edit.track(edit.clip("a", 96)))
    timeline.tracks.source_range = edit.span(24, 48)
    document = read_document(save(timeline))
    assert document.timeline.duration_s == 2
    place_music(document, whole(document, wav), tmp_path / "out.otio")
    gap, _ = score_track(tmp_path / "out.otio")
    assert gap.source_range.duration.value == 24


@given(
    rate=st.sampled_from(["24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"]).map(
        Fraction
    ),
    start=st.integers(0, 200_000),
    count=st.integers(1, 200_000),
)
def test_the_music_lands_within_a_sample_at_every_rate(
    tmp_path_factory: pytest.TempPathFactory, rate: Fraction, start: int, count: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "lands"
    folder.mkdir(exist_ok=True)
    wav = folder / "music.wav"
    wav.write_bytes(b"x")
    duration_s = Fraction(start + count) / rate
    document = new_document(
        Timeline(rate, duration_s, (Shot(Fraction(0), duration_s),), ()), folder / "v.mp4"
    )
    samples = samples_covering(count / rate)
    placement = Placement(wav, start / rate, count / rate)
    place_music(document, placement, folder / "out.otio", overwrite=True)
    *before, clip = score_track(folder / "out.otio")
    frames = before[0].source_range.duration.value if before else 0
    assert (frames, clip.source_range.duration.value) == (start, count)
    assert clip.metadata["v2m"]["start_sample"] == frame_to_sample(start, rate)
    assert clip.metadata["v2m"]["sample_count"] == samples


# --- the rest of the document ---------------------------------------------------------------------


def test_without_our_track_the_copy_equals_the_input(document: Document, wav: Path, tmp_path: Path) -> None:
    before = document.path.read_bytes()
    place_music(document, whole(document, wav), tmp_path / "out.otio")
    assert without_ours(tmp_path / "out.otio") == json.loads(before)
    assert document.path.read_bytes() == before


def test_real_documents_come_back_as_they_were(media_dir: Path, wav: Path, tmp_path: Path) -> None:
    done = 0
    for path in sorted((media_dir / "timelines").glob("*.otio")):
        try:
            document = read_document(path)
        except DocumentError:
            continue
        first, second = tmp_path / f"1-{path.name}", tmp_path / f"2-{path.name}"
        place_music(document, whole(document, wav), first)
        assert without_ours(first) == json.loads(path.read_text())
        again = read_document(first)
        assert (again.timeline.cuts, again.timeline.shots) == (
            document.timeline.cuts,
            document.timeline.shots,
        )
        place_music(again, whole(again, wav), second)
        assert first.read_text() == second.read_text()
        done += 1
    assert done == 7


def test_placing_again_replaces_ours_in_its_place(document: Document, wav: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.otio", tmp_path / "2.otio"
    place_music(document, whole(document, wav, take={"id": 1}), first)
    content = json.loads(first.read_text())
    tracks = content["tracks"]["children"]
    tracks.insert(0, tracks.pop())  # the editor moved our track
    first.write_text(json.dumps(content))
    place_music(read_document(first), whole(document, wav, take={"id": 2}), second)
    placed = json.loads(second.read_text())["tracks"]["children"]
    assert [track["name"] for track in placed].count(TRACK_NAME) == 1
    assert placed[0]["children"][0]["metadata"]["v2m"]["take"] == {"id": 2}
    assert without_ours(second) == json.loads(document.path.read_text())


def test_items_that_the_user_put_on_our_track_stay(document: Document, wav: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.otio", tmp_path / "2.otio"
    place_music(document, whole(document, wav), first)
    content = json.loads(first.read_text())
    sting = json.loads(otio.schema.Clip("sting").to_json_string())
    content["tracks"]["children"][-1]["children"].append(sting)
    first.write_text(json.dumps(content))
    placed = place_music(read_document(first), whole(document, wav, duration_s=Fraction(1)), second)
    *_, kept, ours = json.loads(second.read_text())["tracks"]["children"]
    assert kept["children"][1] == sting
    assert kept["children"][0]["OTIO_SCHEMA"].startswith("Gap")
    assert kept["children"][0]["source_range"]["duration"]["value"] == 96
    assert "v2m" in ours["metadata"]
    assert any("items of yours" in note for note in placed.notes)


def test_a_track_of_the_users_that_has_our_name_is_left(
    edit: Any, save: Callable[..., Path], wav: Path, tmp_path: Path
) -> None:
    theirs = edit.track(edit.clip("song", 24), kind="Audio")
    theirs.name = TRACK_NAME
    document = read_document(save(edit.timeline(edit.track(edit.clip("a", 24)), theirs)))
    placed = place_music(document, whole(document, wav), tmp_path / "out.otio")
    assert without_ours(tmp_path / "out.otio") == json.loads(document.path.read_text())
    assert len(placed.notes) == 1


def test_relative_media_are_found_from_the_copys_folder(
    edit: Any, save: Callable[..., Path], wav: Path, tmp_path: Path, files: Callable[..., list[Path]]
) -> None:
    (media,) = files("clips/a.mov")
    track = edit.track(edit.clip("a", 24, url="clips/a.mov"), edit.clip("b", 24, url="clips/none.mov"))
    document = read_document(save(edit.timeline(track)))
    (tmp_path / "elsewhere").mkdir()
    place_music(document, whole(document, wav), tmp_path / "beside.otio")
    placed = place_music(document, whole(document, wav), tmp_path / "elsewhere" / "out.otio")
    assert without_ours(tmp_path / "beside.otio") == json.loads(document.path.read_text())
    first, second = read_document(placed.path).timeline.shots
    assert first.media is not None
    assert first.media.path == media
    assert second.media is not None
    assert second.media.target == "clips/none.mov"
    assert len(placed.notes) == 1


# --- where the music is referred to ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "folder", "expected"),
    [
        ({}, "", "a take #1/mu sic.wav"),
        ({}, "sub", "{wav}"),
        ({"Resolve_OTIO": {}}, "", "{wav}"),
        ({"PremierePro_OTIO": {}}, "", "{uri}"),
    ],
)
def test_each_editor_gets_the_spelling_it_reads(
    edit: Any,
    save: Callable[..., Path],
    tmp_path: Path,
    files: Any,
    metadata: Any,
    folder: str,
    expected: str,
) -> None:
    (wav,) = files("a take #1/mu sic.wav")
    timeline = edit.timeline(edit.track(edit.clip("a", 24)))
    timeline.metadata.update(metadata)
    document = read_document(save(timeline))
    (tmp_path / "sub").mkdir()
    out = tmp_path / folder / "out.otio"
    place_music(document, whole(document, wav), out)
    track = score_track(out)
    url = track[0].media_reference.target_url
    assert url == expected.format(wav=wav, uri=wav.as_uri())
    assert ("Resolve_OTIO" in track.metadata) == ("Resolve_OTIO" in metadata)


# --- whole or absent ------------------------------------------------------------------------------


def test_the_input_and_existing_files_are_never_written(
    document: Document, wav: Path, tmp_path: Path
) -> None:
    before = document.path.read_bytes()
    (tmp_path / "link.otio").symlink_to(document.path)
    os.link(document.path, tmp_path / "hard.otio")
    for name in ("edit.otio", "link.otio", "hard.otio", "./x/../edit.otio"):
        with pytest.raises(OutputExistsError):
            place_music(document, whole(document, wav), tmp_path / name, overwrite=True)
    taken = tmp_path / "taken.otio"
    taken.write_text("mine")
    with pytest.raises(OutputExistsError):
        place_music(document, whole(document, wav), taken)
    assert (taken.read_text(), document.path.read_bytes()) == ("mine", before)
    place_music(document, whole(document, wav), taken, overwrite=True)
    assert score_track(taken)


def test_failures_leave_nothing_behind(
    document: Document, wav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputWriteError):
        place_music(document, whole(document, wav), tmp_path / "none" / "out.otio")
    with pytest.raises(UsageError):
        place_music(document, whole(document, wav), tmp_path / "out.xml")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputWriteError, match="space"):
        place_music(document, whole(document, wav), tmp_path / "out.otio")
    assert sorted(tmp_path.iterdir()) == before


def test_nonsense_is_refused(document: Document, wav: Path, tmp_path: Path) -> None:
    for changes in ({"start_s": Fraction(-1)}, {"duration_s": Fraction(0)}):
        with pytest.raises(InputError):
            whole(document, wav, **changes)
    with pytest.raises(InputError, match="not found"):
        whole(document, tmp_path / "none.wav")
    with pytest.raises(InputError, match="plain JSON"):
        place_music(document, whole(document, wav, take={"x": float("nan")}), tmp_path / "out.otio")


# --- a document for a plain video -----------------------------------------------------------------


def test_a_video_gets_a_document_with_nudgeable_cuts(tmp_path: Path, wav: Path, files: Any) -> None:
    (video,) = files("my film.mp4")
    rate, half = Fraction(30000, 1001), Fraction(1001, 1000)
    timeline = Timeline(
        rate, 2 * half, (Shot(Fraction(0), half), Shot(half, half)), (Cut(half),), name="my film"
    )
    document = new_document(timeline, video, has_sound=True)
    place_music(document, whole(document, wav), tmp_path / "my film.otio")
    read = read_document(tmp_path / "my film.otio").timeline
    (shot,) = read.shots
    assert (read.rate, read.duration_s, shot.media.path if shot.media else None) == (rate, 2 * half, video)
    assert [(m.id, m.time_s) for m in read.markers] == [("cut-1", half)]
    kinds = [
        track["kind"] for track in json.loads((tmp_path / "my film.otio").read_text())["tracks"]["children"]
    ]
    assert kinds == ["Video", "Audio", "Audio"]


def test_the_clip_of_a_video_lies_in_the_timecode_of_its_file(files: Any) -> None:
    (video,) = files("film.mp4")
    timeline = Timeline(Fraction(25), Fraction(2), (Shot(Fraction(0), Fraction(2)),), (), start_frame=90_000)
    read = otio.adapters.read_from_string(new_document(timeline, video).text, adapter_name="otio_json")
    (clip,) = read.find_clips()
    assert clip.source_range == clip.media_reference.available_range
    assert clip.source_range.start_time == otio.opentime.RationalTime(90_000, 25)


def test_a_video_with_timecode_is_read_back_from_its_first_picture(tmp_path: Path, files: Any) -> None:
    (video,) = files("film.mp4")
    timeline = Timeline(
        Fraction(25), Fraction(2), (Shot(Fraction(0), Fraction(2)),), (Cut(Fraction(1)),), start_frame=90_000
    )
    (tmp_path / "film.otio").write_text(new_document(timeline, video).text)
    read = read_document(tmp_path / "film.otio").timeline
    assert (read.start_frame, read.shots[0].source_start_s) == (90_000, 0)
    assert [marker.time_s for marker in read.markers] == [1]
