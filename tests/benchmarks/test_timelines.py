"""What is asked of every timeline of a folder is noticed where it is missing."""

from pathlib import Path

import opentimelineio as otio
import pytest
import timelines
from timelines import documents, told

EDL = """TITLE: TEST
FCM: NON-DROP FRAME
001  A001     V     C        00:00:00:00 00:00:01:24 01:00:00:00 01:00:01:24
002  A002     V     C        00:00:00:00 00:00:01:24 01:00:01:24 01:00:03:23
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    timeline = otio.schema.Timeline("edit")
    track = otio.schema.Track(kind="Video")
    for number in range(3):
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(30, 24))
        track.append(otio.schema.Clip(f"shot {number}", source_range=span))
    timeline.tracks.append(track)
    (tmp_path / "a.otio").write_text(timeline.to_json_string())
    (tmp_path / "b.edl").write_text(EDL)
    (tmp_path / "c.otio").write_text("{")
    (tmp_path / "notes.txt").write_text("")
    return tmp_path


@pytest.mark.slow
def test_a_silence_comes_back_out_of_every_format(folder: Path) -> None:
    good, edl, bad = [told(path, dry=True, every=True) for path in documents([folder])]
    assert (good.verdict, edl.verdict, bad.verdict) == ("scored", "scored", "refused")
    assert "90 frames    2 cuts" in good.words
    assert good.words.endswith("exact, fcp7, fcpxml, edl, aaf, mlt, kdenlive")
    assert "exact" in edl.words
    assert bad.words.startswith("c.otio is not readable as JSON")


@pytest.mark.slow
def test_music_comes_back_out_too(folder: Path) -> None:
    one = told(folder / "a.otio", dry=False, every=False)
    assert one.words.endswith("exact"), one


def test_a_crash_and_a_difference_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "without_music", lambda raw, form: raw)
    assert "DIFFERS" in told(folder / "a.otio", dry=True, every=False).words
    monkeypatch.setattr(timelines, "facts", lambda document: 1 / 0)
    assert told(folder / "a.otio", dry=True, every=False).verdict == "CRASH"
