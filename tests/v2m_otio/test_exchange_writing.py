"""Scored timelines in other editors' formats: the music where it belongs, everything else as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_otio.exchange.kinds import FORMATS, format_named
from v2m_otio.exchange.writing import (
    base_bytes,
    holds_music_as,
    place_music_as,
    scored_bytes,
    without_music,
)
from v2m_otio.exchange.xml_spans import parsed
from v2m_otio.place import Placement
from v2m_otio.read import Document, read_document

from v2m.errors import DocumentError, OutputExistsError, UsageError

OWN = [form for form in FORMATS if form.name in ("edl", "fcpxml", "mlt")]
SPLICED = [form for form in FORMATS if form.kind not in ("otio", "aaf")]
RATES = ["24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"]


def placed(document: Document, wav: Path, start: int = 0, count: int | None = None) -> Placement:
    rate, frames = document.timeline.rate, document.timeline.frame_count
    return Placement(wav, start / rate, (count or frames - start) / rate)


@pytest.fixture
def document(edit: Any, save: Callable[..., Path]) -> Document:
    picture = edit.track(
        edit.clip("a & <b>", 40, url="/v/a.mov"),
        edit.transition(4, 4),
        edit.clip("b", 56, start=20, url="/v/b.mov"),
    )
    sound = edit.track(edit.clip("dialogue", 96, url="/v/a.wav"), kind="Audio")
    return read_document(save(edit.timeline(picture, sound, start=86400)))


# --- take the music away --------------------------------------------------------------------------


@st.composite
def timelines(draw: st.DrawFn) -> otio.schema.Timeline:
    """One to three tracks of clips, gaps, dissolves and retimes at one rate."""
    rate = float(Fraction(draw(st.sampled_from(RATES))))

    def span(first: int, count: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(count, rate)
        )

    def item(draw: st.DrawFn) -> otio.core.Item:
        count, first = draw(st.integers(10, 99)), draw(st.integers(10, 500))
        if draw(st.integers(0, 4)) == 0:
            return otio.schema.Gap(source_range=span(0, count))
        name = draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
        url = f"/media/{draw(st.integers(0, 3))} & ü.mov"
        clip = otio.schema.Clip(name, otio.schema.ExternalReference(url, span(0, 2000)), span(first, count))
        speed = draw(st.sampled_from([None, None, 0.5, 2.0, 0.0]))
        if speed is not None:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
        clip.enabled = draw(st.integers(0, 9)) > 0
        return clip

    timeline = otio.schema.Timeline("tïmeline & more")
    timeline.global_start_time = otio.opentime.RationalTime(draw(st.sampled_from([0, 86400])), rate)
    for kind in draw(st.sampled_from([["Video"], ["Video", "Audio"], ["Video", "Video", "Audio"]])):
        track = otio.schema.Track(kind, kind=kind)
        for _ in range(draw(st.integers(1, 5))):
            after_clip = len(track) > 0 and isinstance(track[-1], otio.schema.Clip)
            track.append(item(draw))
            if (
                after_clip
                and isinstance(track[-1], otio.schema.Clip)
                and kind == "Video"
                and draw(st.booleans())
            ):
                offset = otio.opentime.RationalTime(draw(st.integers(1, 4)), rate)
                track.insert(len(track) - 1, otio.schema.Transition("", "SMPTE_Dissolve", offset, offset))
        timeline.tracks.append(track)
    first = otio.schema.Clip("first", otio.schema.ExternalReference("/media/0.mov"), span(0, 30))
    timeline.tracks[0].insert(0, first)
    return timeline


@pytest.mark.slow
@given(timeline=timelines(), start=st.integers(0, 9))
def test_without_the_music_what_is_written_is_what_it_was(
    timeline: otio.schema.Timeline, start: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "exchange"
    folder.mkdir(exist_ok=True)
    wav = folder / "music & more.wav"
    wav.write_bytes(b"x")
    (folder / "edit.otio").write_text(timeline.to_json_string(), encoding="utf-8")
    document = read_document(folder / "edit.otio")
    for form in OWN:
        base, out = base_bytes(document, form), folder / f"out{form.suffix}"
        scored, _ = scored_bytes(document, placed(document, wav, start), out, form)
        assert scored != base
        assert without_music(base, form) == base
        assert without_music(scored, form) == base, form.name
        if form.kind != "edl":
            parsed(scored)


REAL = ["25fps.edl", "STP_R1_v082517.edl", "df_cmx3600.edl", "test_25.edl", "hiero_xml_export.xml",
        "premiere_example.xml", "resolve_xmeml_25.xml", "kdenlive_example_v221170.kdenlive"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_a_real_file_comes_back_byte_for_byte_but_for_our_track(
    name: str, media_dir: Path, tmp_path: Path, wav: Path
) -> None:
    """And again: placing once more replaces our music, and reading the result finds the same edit."""
    document = read_document(media_dir / "timelines" / name)
    form = next(form for form in SPLICED if form.kind == document.kind)
    out = tmp_path / f"once{form.suffix}"
    place_music_as(document, placed(document, wav, 3, 50), out, form)
    assert without_music(out.read_bytes(), form) == document.path.read_bytes()
    rate = document.timeline.rate if form.kind == "edl" else None
    again = read_document(out, rate=rate)
    assert again.timeline.cuts == document.timeline.cuts
    assert [shot.duration_s for shot in again.timeline.shots] == [
        s.duration_s for s in document.timeline.shots
    ]
    twice, _ = scored_bytes(again, placed(again, wav, 3, 50), tmp_path / f"twice{form.suffix}", form)
    assert twice == out.read_bytes()
    assert holds_music_as(out, form)
    assert not holds_music_as(document.path, form)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["multitrack.otio", "nested_example.otio", "transition_test.otio",
                                  "resolve_picchu_effects.otio", "premiere_example.xml"])  # fmt: skip
def test_a_real_document_becomes_every_other_format(
    name: str, media_dir: Path, tmp_path: Path, wav: Path
) -> None:
    document = read_document(media_dir / "timelines" / name)
    for form in (*SPLICED, format_named("aaf")):
        out = tmp_path / f"out{form.suffix}"
        scored, _ = scored_bytes(document, placed(document, wav, 3), out, form)
        if form.kind == "aaf":
            assert scored[:4] == b"\xd0\xcf\x11\xe0"
            assert "V2M music".encode("utf-16-le") in scored
        elif form.kind != document.kind:
            assert without_music(scored, form) == base_bytes(document, form), form.name
        if form.kind in ("fcp7", "aaf"):
            out.write_bytes(scored)
            assert_music(read_document(out), 3, document.timeline.frame_count - 3)


@pytest.mark.slow
def test_what_a_writer_passes_over_is_told(
    edit: Any, save: Callable[..., Path], wav: Path, tmp_path: Path
) -> None:
    slow = edit.clip("slow", 24, url="/v/a.mov", speed=0.5)
    fade = [edit.clip("one", 40, start=20, url="/v/a.wav"), edit.transition(6, 6),
            edit.clip("two", 24, start=20, url="/v/b.wav")]  # fmt: skip
    picture = edit.track(slow, edit.clip("b", 40, url="/v/b.mov"))
    document = read_document(save(edit.timeline(picture, edit.track(*fade, kind="Audio"), start=86400)))
    made, notes = scored_bytes(document, placed(document, wav), tmp_path / "o.aaf", format_named("aaf"))
    assert any("speed of clips" in note for note in notes)
    assert any("cross fades" in note for note in notes)
    (tmp_path / "o.aaf").write_bytes(made)
    again = read_document(tmp_path / "o.aaf").timeline
    assert (again.frame_count, again.cuts) == (64, document.timeline.cuts), "no longer than it was"
    _, notes = scored_bytes(document, placed(document, wav), tmp_path / "o.xml", format_named("fcp7"))
    assert any("speed of clips" in note for note in notes)


def assert_music(document: Document, start: int, count: int) -> None:
    """Our music as the format's own reader finds it."""
    timeline = otio.core.deserialize_json_from_string(document.text)
    clips = [clip for clip in timeline.find_clips() if clip.name == "V2M music"]
    assert clips
    span = clips[0].transformed_time_range(clips[0].trimmed_range(), timeline.tracks)
    assert (round(span.start_time.value), round(span.duration.value)) == (start, count)
    assert "music.wav" in json.dumps(json.loads(document.text))


# --- each format ----------------------------------------------------------------------------------


def test_an_edl_lists_what_is_seen_and_our_event(document: Document, wav: Path, tmp_path: Path) -> None:
    made, notes = scored_bytes(document, placed(document, wav, 24), tmp_path / "o.edl", format_named("edl"))
    lines = made.decode().splitlines()
    assert "001  A        V     C        00:00:00:00 00:00:01:12 01:00:00:00 01:00:01:12" in lines
    assert "002  B        V     D 008    00:00:00:16 00:00:03:04 01:00:01:12 01:00:04:00" in lines
    assert "003  V2MMUSIC AA    C        00:00:00:00 00:00:03:00 01:00:01:00 01:00:04:00" in lines
    assert f"* SOURCE FILE: {wav}" in lines
    assert notes


def test_an_edl_counts_in_drop_frame_where_the_timeline_does(
    edit: Any, save: Callable[..., Path], wav: Path, tmp_path: Path
) -> None:
    rate = Fraction(30000, 1001)
    timeline = edit.timeline(edit.track(edit.clip("a", 60, rate=float(rate), url="/a.mov")))
    timeline.global_start_time = otio.opentime.RationalTime(107892, float(rate))
    timeline.metadata["editor"] = {"drop_frame": True}
    document = read_document(save(timeline))
    made, _ = scored_bytes(document, placed(document, wav), tmp_path / "o.edl", format_named("edl"))
    assert b"FCM: DROP FRAME" in made
    assert b"01:00:00;00 01:00:02;00" in made


@pytest.mark.parametrize("rate", RATES)
def test_final_cut_gets_exact_ratios_at_every_rate(
    rate: str, edit: Any, save: Callable[..., Path], wav: Path, tmp_path: Path
) -> None:
    exact = Fraction(rate)
    track = edit.track(edit.clip("a", 40, rate=float(exact), url="/a.mov"), edit.gap(20, rate=float(exact)))
    track.append(edit.clip("b", 40, rate=float(exact), url="/b.mov"))
    document = read_document(save(edit.timeline(track, start=86400, rate=float(exact))))
    made, _ = scored_bytes(document, placed(document, wav, 50), tmp_path / "o.fcpxml", format_named("fcpxml"))
    root = parsed(made)
    (music,) = [each for each in root.below() if each.attributes.get("audioRole") == "music"]
    (gap,) = [each for each in root.below() if each.tag == "gap"]
    frame = 1 / exact
    start, offset = 86400 * frame, Fraction(gap.attributes["offset"].rstrip("s"))
    assert music in gap.children
    assert Fraction(music.attributes["offset"].rstrip("s")) == 10 * frame  # gap's own time begins at 0
    assert offset == start + 40 * frame
    assert Fraction(music.attributes["duration"].rstrip("s")) == 50 * frame
    formats = [each.attributes["frameDuration"] for each in root.below() if each.tag == "format"]
    assert [Fraction(each.rstrip("s")) for each in formats] == [frame]


def test_every_mlt_track_is_mixed(document: Document, wav: Path, tmp_path: Path) -> None:
    made, _ = scored_bytes(document, placed(document, wav, 24), tmp_path / "o.mlt", format_named("mlt"))
    root = parsed(made)
    tractor = root.all("tractor")[-1]
    mixed = set()
    for transition in tractor.all("transition"):
        values = {each.attributes["name"]: each.text for each in transition.all("property")}
        assert (values["mlt_service"], values["a_track"], values["sum"]) == ("mix", "0", "1")
        mixed.add(int(values["b_track"]))
    assert mixed == set(range(1, len(tractor.all("track"))))
    (profile,) = root.all("profile")
    assert (profile.attributes["frame_rate_num"], profile.attributes["frame_rate_den"]) == ("24", "1")


def test_a_timeline_of_slates_is_no_edl(
    edit: Any, save: Callable[..., Path], wav: Path, tmp_path: Path
) -> None:
    clip = edit.clip("slate", 24)
    clip.media_reference = otio.schema.GeneratorReference(generator_kind="SolidColor")
    document = read_document(save(edit.timeline(edit.track(clip))))
    with pytest.raises(DocumentError, match="shows no picture out of a file"):
        base_bytes(document, format_named("edl"))


def test_the_input_is_never_written_and_names_must_fit(document: Document, wav: Path, tmp_path: Path) -> None:
    form, music = format_named("edl"), placed(document, wav)
    with pytest.raises(UsageError, match=r"ends in \.edl"):
        place_music_as(document, music, tmp_path / "out.otio", form)
    place_music_as(document, music, tmp_path / "out.edl", form)
    with pytest.raises(OutputExistsError):
        place_music_as(document, music, tmp_path / "out.edl", form)
    scored = read_document(tmp_path / "out.edl", rate=Fraction(24))
    with pytest.raises(OutputExistsError, match="is the input"):
        place_music_as(scored, music, tmp_path / "out.edl", form, overwrite=True)
    with pytest.raises(UsageError, match="expected one of otio"):
        format_named("vhs")
    with pytest.raises(UsageError, match="taken out of an AAF"):
        without_music(b"", format_named("aaf"))


@pytest.mark.parametrize("profile", ["resolve", "premiere", "kdenlive"])
def test_an_otio_is_written_for_the_editor_that_is_named(
    profile: str, document: Document, wav: Path, tmp_path: Path
) -> None:
    form = format_named(f"otio-{profile}")
    made, _ = scored_bytes(document, placed(document, wav), tmp_path / "out.otio", form)
    *_, track = json.loads(made)["tracks"]["children"]
    reference = track["children"][0]["media_references"]["DEFAULT_MEDIA"]["target_url"]
    assert reference == {"resolve": str(wav), "premiere": wav.as_uri(), "kdenlive": "music.wav"}[profile]
