"""Takes changed by command and by job: nudged, recut, restyled, verified, listed, deleted."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from v2m_daemon.cli import main
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.programme import Viewing, open_programme
from v2m_daemon.worker.attempt import Studio
from v2m_daemon.worker.executor import Work

from tests.v2m.plain_backbone import PlainBackbone
from v2m.audio import read_wav
from v2m.score import ScoreSettings, score
from v2m.stages import StageClock, never_cancel, no_progress
from v2m.take.opened import OpenedTake
from v2m.take.record import read_record
from v2m.take.shelf import Shelf

FRAMES = [60, 110, 160, 215, 270, 330]
RATE = 24
START = 86400

Run = Callable[..., dict[str, Any]]


def write_document(path: Path, bounds: list[int]) -> Path:
    """Shots without media, told apart by their lengths alone."""
    timeline, track = otio.schema.Timeline("film"), otio.schema.Track("V1")
    timeline.global_start_time = otio.opentime.RationalTime(START, RATE)
    timeline.tracks.append(track)
    for first, last in zip([0, *bounds], [*bounds, 400], strict=True):
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(0, RATE), otio.opentime.RationalTime(last - first, RATE)
        )
        media = otio.schema.ExternalReference("/nowhere/shot.mov")
        track.append(otio.schema.Clip(f"shot {first}", media, span))
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")
    return path


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a document and a take of it."""
    folder = tmp_path_factory.mktemp("original")
    path = write_document(folder / "film.otio", FRAMES)
    with open_programme(Viewing(path), StageClock()) as programme, Shelf(folder) as shelf:
        settings = ScoreSettings(prompt="rock, 120 bpm", seed=1)
        score(
            programme.analysis, settings, shelf=shelf, stem="film", sources=programme.sources,
            backbone=PlainBackbone(),
        )  # fmt: skip
    return folder


@pytest.fixture
def take(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original / "film.v2m", tmp_path / "film.v2m")
    return tmp_path / "film.v2m"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object, code: int = 0) -> dict[str, Any]:
        assert main([*map(str, arguments), "--json"]) == code
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return command


def music_of(path: str) -> str:
    """What the track of ours refers to."""
    timeline = otio.adapters.read_from_file(path, adapter_name="otio_json")
    (clip,) = [clip for track in timeline.tracks if track.name == "V2M Score" for clip in track.find_clips()]
    return str(clip.media_reference.target_url)


def test_a_nudge_is_planned_told_and_done(run: Run, take: Path) -> None:
    planned = run("retime", take, "--nudge", "01:00:06:17=163f", "--plan")["plan"]
    (move,) = planned["hits"]
    assert (move["id"], move["from_s"], move["to_s"]) == ("cut-3", 160 / 24, 163 / 24)
    (span,) = planned["spans"]
    assert span["composed_beats"] == 0
    assert sorted(path.name for path in take.parent.iterdir()) == ["film.v2m"]
    done = run("retime", take, "--nudge", "160f=163f")
    assert done["plan"] == planned
    assert Path(done["take"]).name == "film-retimed.v2m"
    was, now = read_wav(take / "music.wav"), read_wav(Path(done["wav"]))
    first, last = (round(span[name] * 48_000) for name in ("start_s", "end_s"))
    assert (was[:first] == now[:first]).all()
    assert (was[last:] == now[last:]).all()
    assert (was[first:last] != now[first:last]).any()
    assert music_of(done["timeline"]).endswith("film-retimed.v2m/music.wav")
    error = next(hit["error_s"] for hit in done["hits"] if hit["id"] == "cut-3")
    assert abs(error) <= 1 / RATE


@pytest.mark.slow
def test_the_timeline_as_it_is_cut_now_says_the_same(run: Run, take: Path, tmp_path: Path) -> None:
    recut = write_document(tmp_path / "recut.otio", [60, 110, 163, 215, 270, 330])
    done = run("retime", take, "--timeline", recut)
    (move,) = done["plan"]["hits"]
    assert (move["id"], move["to_s"]) == ("cut-3", 163 / 24)
    nudged = run("retime", take, "--nudge", "160f=163f")
    assert (read_wav(Path(done["wav"])) == read_wav(Path(nudged["wav"]))).all()
    assert Path(done["timeline"]).is_file()


@pytest.mark.slow
def test_the_music_of_a_part_ends_with_its_shots(run: Run, tmp_path: Path) -> None:
    path = write_document(tmp_path / "film.otio", FRAMES)
    part = Viewing(path, in_point="60f", out_point="300f")
    with open_programme(part, StageClock()) as programme, Shelf(tmp_path) as shelf:
        score(
            programme.analysis, ScoreSettings(prompt="rock", seed=1), shelf=shelf, stem="part",
            sources=programme.sources, backbone=PlainBackbone(), with_report=False,
        )  # fmt: skip
    take = tmp_path / "part.v2m"
    assert read_record(take).goes_on
    same = write_document(tmp_path / "same.otio", FRAMES)
    assert run("retime", take, "--timeline", same, "--plan")["plan"]["hits"] == []
    longer = write_document(tmp_path / "longer.otio", [60, 110, 168, 223, 278, 338])
    moves = run("retime", take, "--timeline", longer, "--plan")["plan"]["hits"]
    assert [round((move["to_s"] - move["from_s"]) * RATE) for move in moves] == [8] * 4  # three cuts, the end
    assert moves[-1]["to_s"] == 248 / RATE


@pytest.mark.slow
def test_takes_are_verified_listed_and_deleted_by_name(run: Run, take: Path) -> None:
    run("retime", take, "--nudge", "160f=163f")
    run("restyle", take.with_name("film-retimed.v2m"), "--mute", "melody")
    folders = [take.with_name(f"{name}.v2m") for name in ("film", "film-retimed", "film-restyled")]
    verified = run("take", "verify", *folders)
    assert [each["identical"] for each in verified["takes"]] == [True, True, True]
    tree = run("takes", take.parent)
    (root,) = tree["takes"]
    (child,) = root["children"]
    (grandchild,) = child["children"]
    assert Path(grandchild["take"]).name == "film-restyled.v2m"
    assert grandchild["asked"] == {"restyle": {"mute": ["melody"]}}
    assert tree["disk_bytes"] > 3e6
    run("takes", take.parent, "--delete", "film-retimed", code=2)
    left = run("takes", take.parent, "--delete", "film-retimed", "--yes")
    assert {Path(each["take"]).name for each in left["takes"]} == {"film.v2m", "film-restyled.v2m"}
    (take / "music.wav").write_bytes((take / "music.wav").read_bytes()[:-6] + b"\1\2\3\4\5\6")
    changed = run("take", "verify", take, code=4)
    assert [file["name"] for file in changed["takes"][0]["files"] if not file["identical"]] == ["music.wav"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["retime", "--nudge", "3.2=4"], "nearest is"),
        (["restyle", "--lock", "kazoo", "--prompt", "x"], "no part 'kazoo'"),
        (["restyle"], "needs a prompt"),
        (["restyle", "--mute", "bass", "--solo", "bass"], "expected one"),
        (["restyle", "--intensity", "nowhere=1"], "no hit of the take"),
        (["restyle", "--intensity", "cut-1=9"], "amount from -5 to 5"),
        (["restyle", "--range", "4..99"], "does not lie within"),
        (["restyle", "--range", "4..5", "--lock", "bass"], "parts cannot be chosen"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, take: Path, arguments: list[str], words: str) -> None:
    error = run(arguments[0], take, *arguments[1:], code=2)["error"]
    assert words in error["message"]
    assert sorted(path.name for path in take.parent.iterdir()) == ["film.v2m"]


def test_names_outside_the_folder_are_not_deleted(run: Run, take: Path) -> None:
    (take.parent / "below").mkdir()
    error = run("takes", take.parent / "below", "--delete", "../film", "--yes", code=2)["error"]
    assert "no name of a take" in error["message"]
    assert take.is_dir()


@contextmanager
def job(take: Path, folder: Path, **spec: object) -> Iterator[Work]:
    asked = JobSpec(document=str(take), **spec)  # type: ignore[arg-type]
    yield Work("01JOB", asked, folder, roots=(str(take.parents[1]),))


@pytest.mark.slow
def test_jobs_retime_and_restyle_takes(take: Path, tmp_path: Path) -> None:
    studio = Studio(lambda name: PlainBackbone())
    nudge = (("160f", "178f"),)
    with job(take, tmp_path / "one", kind=JobKind.RETIME, nudges=nudge, in_place=True) as work:
        done = studio.do(work, no_progress, never_cancel)
    assert Path(done.outputs["take"]) == take.with_name("film-retimed.v2m")
    assert done.result["plan"]["hits"][0]["to_s"] == 178 / 24
    assert OpenedTake.read(Path(done.outputs["take"])).record.origin is not None
    assert "timeline" not in done.outputs or Path(done.outputs["timeline"]).is_file()
    out = str(tmp_path / "styled")
    spec = {"kind": JobKind.RESTYLE, "prompt": "calm ambient", "lock": "rhythm", "out_dir": out}
    with job(take, tmp_path / "two", **spec) as work:
        done = studio.do(work, no_progress, never_cancel)
    styled = Path(done.outputs["take"])
    assert styled.parent == Path(out)
    assert "plan" not in done.result
    again = {"kind": JobKind.RESTYLE, "range": "4..6", "out_dir": out}
    with job(take, tmp_path / "three", **again) as work:
        redone = studio.do(work, no_progress, never_cancel)
    (span,) = redone.result["plan"]["spans"]
    assert 3 < span["start_s"] < 4 < 6 < span["end_s"]
    for part in ("drums", "bass"):
        name = f"stems/{part}.wav"
        assert (styled / name).read_bytes() == (take / name).read_bytes()
    assert replace(OpenedTake.read(styled).record.hits[0], weight=1.0).time_s == Fraction(60, 24)
