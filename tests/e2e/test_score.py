"""`v2m score` from outside: what it leaves, where the music lies, and what happens when it goes wrong."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest
import soundfile

pytestmark = pytest.mark.slow

CUTS, FRAMES = 4, 258  # of the fixture `edit`
SAMPLES = FRAMES * 2002  # 48000 x 1001 / 24000 samples a frame
V2M = (sys.executable, "-m", "v2m_daemon.cli")
Run = Callable[..., Any]
QUICK = ("--steps", 2, "--prompt", "rock, drums")


@pytest.fixture(scope="module")
def scored(edit: Path, v2m: Run, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("out")
    return v2m("score", edit, "--out", out, "--seed", 5, *QUICK, "--json")


def test_the_json_says_what_was_made(scored: Any) -> None:
    assert scored.code == 0, scored.err
    result = scored.result
    assert {
        "take", "wav", "timeline", "duration_s", "sample_rate", "frame_rate", "start_frame", "seed",
        "backbone", "encoder", "prompt", "tempo_bpm", "beats_s", "hits", "sch", "stages_s", "notes",
    } <= result.keys()  # fmt: skip
    assert (result["frame_rate"], result["start_frame"], result["seed"]) == ("24000/1001", 86400, 5)
    assert result["duration_s"] == pytest.approx(FRAMES * 1001 / 24000)
    assert result["sch"].keys() == {"value", "tolerance_s", "chance"}
    assert set(result["stages_s"]) == {"read", "analyze", "plan", "compose", "render", "master", "place"}
    kinds = [hit["kind"] for hit in result["hits"]]
    assert kinds.count("cut") == CUTS
    assert kinds.count("marker") == 1


def test_the_music_is_as_long_as_the_programme_to_the_sample(scored: Any) -> None:
    info = soundfile.info(scored.result["wav"])
    assert (info.samplerate, info.channels, info.subtype) == (48_000, 2, "PCM_24")
    assert info.frames == SAMPLES
    music, _ = soundfile.read(scored.result["wav"])
    assert np.abs(music).max() > 0.1
    assert not music[-1].any()


def test_stems_add_up_to_the_music(scored: Any) -> None:
    music, _ = soundfile.read(scored.result["wav"])
    stems = [soundfile.read(path)[0] for path in (Path(scored.result["take"]) / "stems").iterdir()]
    assert len(stems) >= 2
    assert np.abs(sum(stems) - music).max() < 1e-5


def test_a_hit_is_heard_within_a_frame(scored: Any) -> None:
    heavy = [hit for hit in scored.result["hits"] if hit["weight"] >= 0.5 and hit["kind"] != "end"]
    heard = [hit for hit in heavy if hit["error_s"] is not None and abs(hit["error_s"]) <= 1001 / 24000]
    assert len(heavy) >= 5
    assert len(heard) >= len(heavy) - 1


def test_the_copy_has_the_music_on_its_own_track(scored: Any, edit: Path) -> None:
    placed = otio.adapters.read_from_file(scored.result["timeline"], adapter_name="otio_json")
    original = otio.adapters.read_from_file(str(edit), adapter_name="otio_json")
    (track,) = [track for track in placed.tracks if track.name == "V2M Score"]
    (clip,) = track.find_clips()
    assert clip.range_in_parent() == otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 24000 / 1001), otio.opentime.RationalTime(FRAMES, 24000 / 1001)
    )
    assert (Path(scored.result["timeline"]).parent / clip.media_reference.target_url).is_file()
    assert len(placed.tracks) == len(original.tracks) + 1


def without_stage_times(path: Path) -> bytes:
    """A file's bytes; of the report without the one part that tells how long the making took."""
    made = b'<section class="card made">'
    before, found, after = path.read_bytes().partition(made)
    assert bool(found) == (path.name == "report.html")
    return before + after.partition(b"</section>")[2]


def test_the_same_seed_gives_the_same_bytes(scored: Any, edit: Path, v2m: Run, tmp_path: Path) -> None:
    again = v2m("score", edit, "--out", tmp_path, "--seed", 5, *QUICK, "--json").result

    def digests(take: str) -> dict[str, str]:
        return {
            str(path.relative_to(take)): hashlib.sha256(without_stage_times(path)).hexdigest()
            for path in Path(take).rglob("*")
            if path.is_file() and path.name != "take.json"
        }

    assert digests(again["take"]) == digests(scored.result["take"])


def test_a_part_of_the_programme_is_placed_where_it_lies(edit: Path, v2m: Run, tmp_path: Path) -> None:
    ran = v2m(
        "score", edit, "--out", tmp_path, *QUICK, "--in", "01:00:02:00", "--out-point", "150f", "--json"
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert soundfile.info(ran.result["wav"]).frames == (150 - 48) * 2002
    assert ran.result["start_frame"] == 86448
    placed = otio.adapters.read_from_file(ran.result["timeline"], adapter_name="otio_json")
    (clip,) = next(track for track in placed.tracks if track.name == "V2M Score").find_clips()
    assert clip.range_in_parent().start_time.value == 48


def test_several_takes_are_ranked_and_all_kept(edit: Path, v2m: Run, tmp_path: Path) -> None:
    result = v2m(
        "score", edit, "--out", tmp_path, *QUICK, "--takes", 3, "--seed", 1, "--tempo", 100, "--json"
    ).result
    assert [take["rank"] for take in result["takes"]] == [1, 2, 3]
    assert {take["seed"] for take in result["takes"]} == {1, 2, 3}
    assert result["take"] == result["takes"][0]["take"]
    assert len({Path(take["wav"]).read_bytes() for take in result["takes"]}) == 3


def test_results_are_never_written_over(edit: Path, v2m: Run, tmp_path: Path) -> None:
    before = edit.read_bytes()
    arguments = ("score", edit, "--out", tmp_path, *QUICK, "--json")
    first, second = v2m(*arguments).result, v2m(*arguments).result
    assert first["take"] != second["take"]
    assert first["timeline"] != second["timeline"]
    names = {path.name for path in tmp_path.iterdir()}
    third = v2m(*arguments, "--overwrite").result
    assert third["take"] == first["take"]
    assert {path.name for path in tmp_path.iterdir()} == names
    assert edit.read_bytes() == before


@pytest.mark.parametrize("suffix", [".otioz", ".otiod", ".mp4"])
def test_bundles_and_plain_video_are_scored(suffix: str, edit: Path, v2m: Run, tmp_path: Path) -> None:
    if suffix == ".mp4":
        source = edit.parent / "film.mp4"
    else:
        timeline = otio.adapters.read_from_file(str(edit), adapter_name="otio_json")
        for clip in timeline.find_clips():
            clip.media_reference.target_url = (edit.parent / "film.mp4").as_uri()
        source = tmp_path / f"edit{suffix}"
        otio.adapters.write_to_file(timeline, str(source), adapter_name=suffix[1:])
    ran = v2m("score", source, "--out", tmp_path / "out", *QUICK, "--json")
    assert ran.code == 0, ran.err
    assert ran.result["encoder"] == "pixel"
    assert ran.result["hits"]


def test_missing_media_are_scored_from_the_cuts_alone(edit: Path, v2m: Run, tmp_path: Path) -> None:
    alone = tmp_path / "alone.otio"
    alone.write_bytes(edit.read_bytes())
    ran = v2m("score", alone, *QUICK, "--json")
    assert ran.code == 0, ran.err
    assert ran.result["encoder"] == "cuts"
    assert any("film.mp4" in note for note in ran.result["notes"])
    assert {path.name for path in tmp_path.iterdir()} == {"alone.otio", "alone.v2m", "alone_scored.otio"}


@pytest.mark.parametrize(
    ("stage", "number"),
    [("Reading", signal.SIGINT), ("Composing", signal.SIGINT), ("Composing", signal.SIGTERM)],
)
def test_stopping_leaves_nothing(stage: str, number: int, edit: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*V2M, "score", str(edit), "--out", str(tmp_path / "out"), "--steps", "500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = list(takewhile(lambda line: not line.startswith(stage), process.stderr))
    assert process.poll() is None, said
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "v2m: Cancelled; nothing was left behind."
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
