"""The add-on in a real Blender, answered by a real daemon that makes silence: what lands where."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def do(what: str, /, **values: Any) -> dict[str, Any]:
    return {"do": what, **values}


def make(film: Path, *more: dict[str, Any], markers: dict[str, int] | None = None, **settings: Any) -> Any:
    """Two shots that meet on frame 61, at 30000/1001."""
    shots = [
        {"kind": "MOVIE", "name": "a", "channel": 1, "start": 11, "end": 61, "file": str(film), "skip": 20},
        {"kind": "MOVIE", "name": "b", "channel": 1, "start": 61, "end": 131, "file": str(film), "skip": 90},
    ]
    told = {"items": [*shots, *more], "markers": markers or {}, "settings": settings}
    return do("make", rate=[30000, 1001], **told)


def test_what_was_moved_is_retimed_by_hand_and_by_a_ripple(
    blender: Any, served: Any, film: Path, tmp_path: Path
) -> None:
    """Through the job directory: Blender's Python has no client. The volume that the user set stays."""
    sound = {"kind": "COLOR", "name": "in the way", "channel": 2, "start": 1, "end": 11}
    mine = {"do": "change", "name": "V2M music", "volume": 0.5}
    ripple = [do("move_strip", name=name, by=24) for name in ("V2M music", "b", "a")]
    _, _, said, first, _, *came = blender.do(
        make(film, sound, markers={"note": 20}, range="SELECTED"), do("save", path=str(tmp_path / "a.blend")),
        do("operate", name="score"), do("look"), mine, *ripple, do("move_marker", name="V2M cut-1", by=24),
        do("move_marker", name="V2M cut-2", by=24 + 7),
        do("operate", name="retime"), do("look"), do("operate", name="retime"), do("look"), home=served,
    )  # fmt: skip
    again, retimed, last, recut = came[-4:]
    assert (said, again, last) == ("", "", "")
    (music,) = first["music"]
    assert (music["start"], music["frames"], music["channel"]) == (1, 130, "V2M Score")
    assert dict(first["markers"]) == {"note": 20, "V2M cut-1": 11, "V2M cut-2": 61}
    (music,) = retimed["music"]
    assert (music["start"], music["frames"], music["volume"]) == (25, 130, 0.5)
    assert dict(retimed["markers"])["V2M cut-2"] == 61 + 24 + 7
    assert retimed["others"] == ["a", "b", "in the way"]
    assert Path(music["file"]).is_relative_to(tmp_path / "V2M")
    (music,) = recut["music"]
    assert (music["start"], music["frames"]) == (25, 130), "no marker was moved: the cuts say what is new"
    assert list(served.inbox.glob("blender-*/job.json"))


def test_a_daemon_elsewhere_is_sent_the_film_and_its_music_is_fetched(
    blender: Any, far: Any, packages: Path, film: Path, tmp_path: Path
) -> None:
    target = json.loads(far.endpoint.read_bytes())["target"]
    prefer = do("prefer", packages=str(packages), server=target, token_file=str(far.token),
                home=str(tmp_path / "none"), music=str(tmp_path / "music"))  # fmt: skip
    _, _, scored, move, retimed, seen = blender.do(
        make(film), prefer, do("press", name="score", escape=False),
        do("move_marker", name="V2M cut-1", by=2), do("operate", name="retime"), do("look"),
    )  # fmt: skip
    assert (scored["answer"], move, retimed) == (["FINISHED"], None, "")
    (music,) = seen["music"]
    assert (music["start"], music["frames"], dict(seen["markers"])) == (11, 120, {"V2M cut-1": 63})
    assert Path(music["file"]).is_relative_to(tmp_path / "music")
    assert not Path(music["told"]["take"]).is_relative_to(tmp_path)
    (sent,) = far.uploads.rglob("*.mkv")
    assert sent.read_bytes() == film.read_bytes()


@pytest.mark.parametrize(
    ("prompt", "word"), [("refuse", "The document holds no picture."), ("lose", "The worker was killed")]
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    blender: Any, served: Any, film: Path, tmp_path: Path, prompt: str, word: str
) -> None:
    prefer = do("prefer", music=str(tmp_path / "music"))
    _, _, said, seen = blender.do(
        make(film, prompt=prompt), prefer, do("operate", name="score"), do("look"), home=served
    )
    assert word in said
    assert (seen["music"], seen["others"], seen["markers"]) == ([], ["a", "b"], [])
    assert not list(tmp_path.glob("music/*"))


@pytest.mark.parametrize("by", ["files", "grpc"])
def test_a_button_shows_how_it_goes_and_escape_stops_it(
    by: str, blender: Any, served: Any, packages: Path, film: Path, tmp_path: Path
) -> None:
    prefer = do("prefer", music=str(tmp_path / "music"), packages=str(packages) if by == "grpc" else "")
    came = blender.do(
        make(film, prompt="sleep 1"), prefer, do("press", name="score", escape=False), do("look"),
        do("set_up", prompt="sleep 100"), do("press", name="score", escape=True), do("look"), home=served,
    )  # fmt: skip
    _, _, done, seen, _, stopped, same = came
    assert (done["answer"], done["mouse"]) == (["FINISHED"], ["PASS_THROUGH"])
    assert any("compose" in words for words in done["shown"] if words)
    assert done["shown"][-1] is None, "the status bar is Blender's again"
    assert len(done["said"]) == 1
    assert (stopped["answer"], stopped["said"]) == (["CANCELLED"], ["V2M was stopped."])
    assert (len(seen["music"]), seen) == (1, same)


def test_without_a_daemon_without_music_or_without_strips_it_says_what_to_do(
    blender: Any, film: Path, tmp_path: Path
) -> None:
    home = do("prefer", home=str(tmp_path))
    title = {"kind": "TEXT", "name": "t", "channel": 1, "start": 1, "end": 9}
    empty = do("make", rate=[24, 1], items=[title],
               markers={}, settings={})  # fmt: skip
    come = blender.do(
        make(film), home, do("operate", name="score"), do("operate", name="retime"),
        empty, home, do("operate", name="score"),
        make(film), do("prefer", server="nowhere:1"), do("operate", name="score"),
    )  # fmt: skip
    assert "v2m serve" in come[2]
    assert "Score it first" in come[3]
    assert "No strip there shows a picture" in come[6]
    assert "nowhere:1" in come[-1]


def test_what_lies_over_one_another_is_handed_over_as_it_is_seen(blender: Any, film: Path) -> None:
    over = [
        {"kind": "COLOR", "name": "flash", "channel": 3, "start": 41, "end": 44},
        {"kind": "TEXT", "name": "title", "channel": 4, "start": 21, "end": 31},
        {"kind": "ADJUSTMENT", "name": "look", "channel": 5, "start": 11, "end": 131},
        {"kind": "SPEED", "name": "slow", "channel": 6, "start": 61, "end": 131, "of": ["b"]},
    ]
    _, came = blender.do(make(film, *over, markers={"door": 90}), do("document", wanted="STRIPS"))
    (track,) = came["document"]["tracks"]["children"]
    spans = [(item["name"], item["source_range"]["duration"]["value"]) for item in track["children"]]
    assert spans == [("a", 30), ("flash", 3), ("a", 17), ("b", 70)]
    assert [item["source_range"]["start_time"]["value"] for item in track["children"][::2]] == [20, 53]
    assert came["first"] == 11
    assert came["media"] == [str(film)]


def test_blender_takes_the_manifest(blender_python: Path, repository: Path) -> None:
    script = next(
        blender_python.parents[1].glob("lib/*/site-packages/bpy/*/scripts/*/bl_pkg/cli/blender_ext.py")
    )
    done = subprocess.run(
        [str(blender_python), str(script), "validate", str(repository / "blender_addon/v2m_sequencer")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
