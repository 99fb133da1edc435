"""The demo film is a real edit: it can be read, its media are there, and what the README says of it is so."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import opentimelineio as otio
import pytest

RATE = 24000 / 1001
HALF_DISSOLVE = 12

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def film(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    subprocess.run([sys.executable, str(repository / "examples/demo_film.py"), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def timeline(film: Path) -> otio.schema.Timeline:
    return otio.adapters.read_from_file(str(film / "demo.otio"))


def test_the_edit_is_thirty_seconds_of_shots(timeline: otio.schema.Timeline) -> None:
    clips = timeline.find_clips()
    assert len(clips) >= 8
    assert sum(clip.source_range.duration.value for clip in clips) == 720
    assert timeline.global_start_time.to_timecode(RATE, False) == "01:00:00:00"
    assert len({clip.media_reference.target_url for clip in clips}) >= 3


def test_every_clip_lies_in_its_media_with_room_for_a_dissolve(
    film: Path, timeline: otio.schema.Timeline
) -> None:
    frames = {path.name: frame_count(path) for path in film.glob("*.mp4")}
    for clip in timeline.find_clips():
        source = clip.source_range
        last = source.start_time.value + source.duration.value
        assert source.start_time.value >= HALF_DISSOLVE
        assert last + HALF_DISSOLVE <= frames[clip.media_reference.target_url]


def frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(24000, 1001)
        return sum(1 for _ in container.decode(stream))


def test_one_dissolve_and_two_markers(timeline: otio.schema.Timeline) -> None:
    assert len(timeline.find_children(descended_from_type=otio.schema.Transition)) == 1
    assert {(marker.name, marker.color) for marker in timeline.tracks.markers} == {
        ("hit", "RED"),
        ("section", "GREEN"),
    }


def test_what_it_cannot_draw_into_is_one_sentence(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for arguments, code in (([], 2), ([str(tmp_path / "file")], 4), ([str(tmp_path / "file" / "below")], 4)):
        command = [sys.executable, str(repository / "examples/demo_film.py"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (code, "")
        assert len(done.stderr.splitlines()) == 1
