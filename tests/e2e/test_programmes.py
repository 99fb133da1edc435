"""`v2m score` on timelines of unusual length and rate, and among files that are there already."""

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
import soundfile
from v2m_daemon import placing
from v2m_daemon.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUICK = ("--steps", "1", "--seed", "5", "--prompt", "rock, drums", "--json")
Score = Callable[..., dict[str, object]]


@pytest.fixture
def score(capsys: pytest.CaptureFixture[str]) -> Score:
    def score(path: Path, *arguments: str) -> dict[str, object]:
        assert main(["score", str(path), *QUICK, *arguments]) == 0
        text = capsys.readouterr().out
        assert not re.search(r"-0\.0(?!\d)", text)
        result: dict[str, object] = json.loads(text)
        return result

    return score


@pytest.fixture
def short_edit(edit: Path, tmp_path: Path) -> Callable[..., Path]:
    def short_edit(rate: str, frames: int, lead_in: int = 0) -> Path:
        def time(count: int) -> otio.opentime.RationalTime:
            return otio.opentime.RationalTime(count, float(Fraction(rate)))

        media = otio.schema.ExternalReference(
            str(edit.parent / "film.mp4"), otio.opentime.TimeRange(time(0), time(400))
        )
        track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
        if lead_in:
            track.append(otio.schema.Gap(source_range=otio.opentime.TimeRange(time(0), time(lead_in))))
        track.append(otio.schema.Clip("é 1", media, otio.opentime.TimeRange(time(0), time(frames))))
        timeline = otio.schema.Timeline("short")
        timeline.tracks.append(track)
        path = tmp_path / "ein kurzer Schnitt é.otio"
        otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")
        return path

    return short_edit


@pytest.mark.parametrize(
    ("rate", "frames", "lead_in"),
    [
        ("24", 1, 0),
        ("60000/1001", 1, 0),
        ("30000/1001", 15, 0),
        ("60000/1001", 61, 0),
        ("30000/1001", 20, 33),
    ],
)
def test_the_shortest_programmes_are_scored_to_the_frame(
    rate: str, frames: int, lead_in: int, short_edit: Callable[..., Path], score: Score
) -> None:
    path = short_edit(rate, frames, lead_in)
    result = score(path)
    count = soundfile.info(str(result["wav"])).frames
    assert Fraction(count, 48_000) * Fraction(rate) // 1 == frames + lead_in
    placed = otio.adapters.read_from_file(str(result["timeline"]), adapter_name="otio_json")
    (clip,) = next(track for track in placed.tracks if track.name == "V2M Score").find_clips()
    assert clip.source_range.duration.value == frames + lead_in
    assert clip.metadata["v2m"]["sample_count"] == count


def test_a_document_of_the_users_is_not_replaced_by_a_result(
    short_edit: Callable[..., Path], score: Score
) -> None:
    path = short_edit("24", 30)
    theirs = path.with_name(f"{path.stem}_scored.otio")
    theirs.write_bytes(path.read_bytes())
    first = score(path, "--overwrite")
    assert theirs.read_bytes() == path.read_bytes()
    assert score(path, "--overwrite")["timeline"] == first["timeline"]


def test_the_copy_with_the_best_of_several_takes_keeps_its_name(
    short_edit: Callable[..., Path], score: Score
) -> None:
    path = short_edit("24", 30)
    for seed in ("1", "2"):
        score(path, "--takes", "2", "--seed", seed, "--overwrite")
    names = {other.name for other in path.parent.iterdir()}
    assert names == {
        path.name, f"{path.stem}-a.v2m", f"{path.stem}-b.v2m", f"{path.stem}_scored.otio",
    }  # fmt: skip


def test_what_was_to_be_replaced_comes_back_when_the_work_is_stopped(
    short_edit: Callable[..., Path],
    score: Score,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = short_edit("24", 30)
    before = (Path(str(score(path)["take"])) / "take.json").read_bytes()

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(placing, "place_music_as", stop)
    assert main(["score", str(path), *QUICK, "--seed", "6", "--overwrite"]) == 130
    capsys.readouterr()
    assert (path.with_name(f"{path.stem}.v2m") / "take.json").read_bytes() == before
    assert len(list(path.parent.iterdir())) == 3
