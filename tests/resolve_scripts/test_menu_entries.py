"""The four entries of the menu, from outside: what lands on the timeline, what is asked, what is put back."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.resolve_scripts.resolve_stage import (
    START,
    Stage,
    StandIn,
    State,
    exact,
    score_track,
    stage_at,
    timeline,
    world,
)

VERSIONS = [(18, 5), (19, 0), (19, 1), (20, 0), (20, 3), (21, 0), (21, 1)]
BASES = {
    "posix": "",
    "drive": "C:\\Users\\Zoë\\音楽 🎬",
    "share": "\\\\nas\\Schnittplätze\\V2M",
}


def hit_markers(state: State) -> dict[int, dict[str, Any]]:
    markers = state["timelines"][0]["markers"] or []
    return {int(m["frame"]): m for m in markers if m["customData"]}


@pytest.mark.parametrize("style", BASES)
def test_all_three_styles_of_paths_and_names_that_are_not_ascii(style: str, tmp_path: Path) -> None:
    windows = "" if style == "posix" else str(tmp_path / "machine")
    stage = stage_at(tmp_path, BASES[style] or str(tmp_path / "音楽 '$(touch x)'"), windows)
    stand_in = StandIn(stage.here(stage.addresses.inbox), stage.here)
    try:
        name = 'Ärger: "50%" / a\\b* 🎬.'
        state = stage.play(world(timeline(name=name, id="0f/3e")), "V2M Score", "V2M Takes")
    finally:
        stand_in.end()
    item = score_track(state)[0]
    assert item["start"] == START
    assert stage.here(item["path"]).is_file()
    assert stand_in.jobs[0]["document"] == "Ärger_ _50%_ _ a_b_ 🎬.otio"
    log = stage.here(stage.addresses.log).read_text(encoding="utf-8")
    assert "The music is on the track V2M Score" in log


@pytest.mark.parametrize(("version", "studio"), list(itertools.product(VERSIONS, (False, True))))
@pytest.mark.usefixtures("stand_in")
def test_every_version_and_edition(stage: Stage, version: tuple[int, int], studio: bool) -> None:
    state = stage.play(world(version=version, studio=studio), "V2M Score")
    assert score_track(state)[0]["start"] == START
    assert not state["notice"]
    assert hit_markers(state).keys() == {90, 180}


def test_a_failure_is_seen_without_the_console(tmp_path: Path) -> None:
    stage = stage_at(tmp_path, BASES["drive"], str(tmp_path / "machine"))
    stage.prefer(notify=True, markers="Größe")
    state = stage.play(world(), "V2M Score")
    assert len(state["shown"]) == 1
    assert "Größe" in state["shown"][0]


def test_an_older_resolve_is_told(stage: Stage) -> None:
    state = stage.play(world(version=[18, 1]), "V2M Score")
    assert "18.5 or later" in state["words"][0]


@pytest.mark.parametrize("rate", ["23.976", "24", "25", "29.97", "29.97 DF", "30", "50", "59.94", "60"])
def test_every_rate_lands_on_the_frame(stage: Stage, stand_in: StandIn, rate: str) -> None:
    stand_in.rate, stand_in.frames = exact(rate), 1001
    stand_in.hits = (("cut-1", float(333 / exact(rate)), "cut"),)
    start = 3600 * round(exact(rate))
    state = stage.play(world(timeline(rate=rate, start=start, length=1001)), "V2M Score")
    item = score_track(state)[0]
    assert (item["start"], item["duration"]) == (start, 1001)
    assert hit_markers(state).keys() == {333}


def test_the_marked_range_is_scored_where_it_lies(stage: Stage, stand_in: StandIn) -> None:
    stand_in.frames = 96
    marks = {"video": {"in": 24, "out": 119}}
    state = stage.play(world(timeline(marks=marks)), "V2M Score")
    job = stand_in.jobs[0]
    assert (job["in_point"], job["out_point"]) == ("24f", "120f")
    item = score_track(state)[0]
    assert (item["start"], item["duration"]) == (START + 24, 96)
    assert hit_markers(state).keys() == {24 + 90, 24 + 180}
    assert state["timelines"][0]["marks"] == marks


@pytest.mark.usefixtures("stand_in")
def test_two_ranges_have_two_musics_on_one_track(stage: Stage, stand_in: StandIn) -> None:
    stand_in.frames, stand_in.hits = 48, ()
    marked = timeline(marks={"video": {"in": 0, "out": 47}})
    later = {"act": "remark", "marks": {"video": {"in": 100, "out": 147}}}
    items = score_track(stage.play(world(marked), "V2M Score", later, "V2M Score", "V2M Score"))
    assert [(i["start"] - START, i["duration"]) for i in items] == [(0, 48), (100, 48)]


# --- what is wanted -------------------------------------------------------------------------------------


def test_the_note_of_a_marker_says_what_is_wanted(stage: Stage, stand_in: StandIn) -> None:
    note = "lo-fi, warm\nTakes: 3\ntempo: 92\nseed: 7"
    stage.prefer(prompt="never this")
    state = stage.play(world(timeline(markers=[{"frame": 5, "name": "V2M", "note": note}])), "V2M Score")
    job = stand_in.jobs[0]
    assert (job["prompt"], job["takes"], job["tempo_bpm"], job["seed"]) == ("lo-fi, warm", 3, 92, 7)
    assert len(state["timelines"][0]["markers"]) == 3


def test_preferences_hold_where_nothing_else_is_said(stage: Stage, stand_in: StandIn) -> None:
    stage.prefer(prompt="strings", markers="off")
    state = stage.play(world(), "V2M Score")
    assert stand_in.jobs[0]["prompt"] == "strings"
    assert not state["timelines"][0]["markers"]


@pytest.mark.parametrize(
    ("wished", "word"),
    [({"promt": "x"}, "promt"), ({"takes": "4"}, "takes"), ({"markers": "Purpur"}, "Purpur")],
)
def test_preferences_that_make_no_sense_are_told(stage: Stage, wished: dict[str, Any], word: str) -> None:
    stage.prefer(**wished)
    assert word in stage.play(world(), "V2M Score")["words"][0]


def test_studio_asks_in_a_window(stage: Stage, stand_in: StandIn) -> None:
    marked = world(timeline(marks={"video": {"in": 24, "out": 47}}), studio=True)
    answers = {"prompt": "jazz", "takes": 2, "whole": True}
    stage.play(marked, "V2M Score", answers=answers)
    job = stand_in.jobs[0]
    assert (job["prompt"], job["takes"]) == ("jazz", 2)
    assert "in_point" not in job
    state = stage.play(marked, "V2M Score", answers={"leave": True})
    assert state["words"] == ["V2M: Nothing was done."]
    assert len(stand_in.jobs) == 1


# --- nudge, restyle, takes ------------------------------------------------------------------------------


def test_a_nudged_hit_marker_moves_the_hit(stage: Stage, stand_in: StandIn) -> None:
    nudge = {"act": "move", "from": 90, "to": 97}
    state = stage.play(world(), "V2M Score", nudge, "V2M Retime")
    first, second = stand_in.jobs
    assert second["kind"] == "retime"
    assert second["nudges"] == [["90f", "97f"]]
    assert stage.here(second["document"]).parent == stage.here(first["out_dir"])
    (item,) = score_track(state)
    assert stage.here(item["path"]).is_relative_to(stage.here(second["out_dir"]))
    assert item["start"] == START


def test_a_nudged_marker_of_the_users_own_moves_its_hit_and_keeps_its_looks(
    stage: Stage, stand_in: StandIn
) -> None:
    own = {"frame": 90, "name": "door", "note": "slams", "color": "Red"}
    nudge = {"act": "move", "from": 90, "to": 80}
    state = stage.play(world(timeline(markers=[own])), "V2M Score", nudge, "V2M Retime")
    assert stand_in.jobs[1]["nudges"] == [["90f", "80f"]]
    mine = next(m for m in state["timelines"][0]["markers"] if m["frame"] == 80)
    assert (mine["name"], mine["note"], mine["color"]) == ("door", "slams", "Red")


def test_the_note_of_a_hit_marker_helps_where_custom_data_was_lost(stage: Stage, stand_in: StandIn) -> None:
    copied = {"act": "mark", "frame": 101, "name": "V2M cut-1", "note": "v2m:cut-1 @90"}
    gone = {"act": "unmark", "frame": 90}
    stage.play(world(), "V2M Score", gone, copied, "V2M Retime")
    assert stand_in.jobs[1]["nudges"] == [["90f", "101f"]]


def test_without_a_nudge_the_music_follows_the_new_edit(stage: Stage, stand_in: StandIn) -> None:
    stage.play(world(), "V2M Score", {"act": "recut", "cuts": [60, 240]}, "V2M Retime")
    job = stand_in.jobs[1]
    assert "nudges" not in job
    assert job["timeline"] == "Spot.otio"


def test_restyle_needs_words_and_keeps_the_take(stage: Stage, stand_in: StandIn) -> None:
    note = {"act": "mark", "frame": 5, "name": "V2M", "note": "cinematic\nlock: rhythm"}
    state = stage.play(world(), "V2M Score", "V2M Restyle", note, "V2M Restyle")
    assert any("restyle needs new words" in words for words in state["words"])
    job = stand_in.jobs[1]
    assert (job["kind"], job["prompt"], job["lock"]) == ("restyle", "cinematic", "rhythm")
    assert len(score_track(state)) == 1


def test_some_of_the_music_is_made_again_in_the_words_that_it_has(stage: Stage, stand_in: StandIn) -> None:
    note = {"act": "mark", "frame": 5, "name": "V2M", "note": "only: melody\nintensity: cut-3=1.5"}
    stage.prefer(prompt="for the whole")
    stage.play(world(), "V2M Score", note, "V2M Restyle")
    job = stand_in.jobs[-1]
    assert job["kind"] == "restyle"
    assert (job["only"], job["intensity"]) == ("melody", [["cut-3", "1.5"]])
    assert "prompt" not in job


@pytest.mark.parametrize("entry", ["V2M Retime", "V2M Restyle", "V2M Takes"])
def test_entries_that_need_a_take_say_so(stage: Stage, entry: str) -> None:
    assert "Run V2M Score first." in stage.play(world(), entry)["words"][0]


def test_takes_go_round_from_the_best(stage: Stage, stand_in: StandIn) -> None:
    stand_in.takes = 3
    entries = ["V2M Score", "V2M Takes", "V2M Takes", "V2M Takes"]
    state = stage.play(world(), *entries)
    told = [words for words in state["words"] if "is on the track" in words and "Take" in words]
    assert told == [f"V2M: Take {number} of 3 is on the track V2M Score." for number in (2, 1, 3)]
    (item,) = score_track(state)
    assert stage.here(item["path"]).parent.name == "music-1.v2m"


# --- ways out -------------------------------------------------------------------------------------------


def test_the_stop_marker_cancels_and_is_taken_away(stage: Stage, stand_in: StandIn) -> None:
    stand_in.answer = "wait"
    stop = {"act": "mark", "frame": 3, "name": "V2M Stop"}
    state = stage.play(world(), stage.run("V2M Score", stop))
    assert any("cancelled" in words for words in state["words"])
    assert not state["timelines"][0]["markers"]
    assert not state["timelines"][0]["tracks"]
    assert list(stage.here(stage.addresses.inbox).glob("*/cancel"))


def test_what_the_daemon_says_is_told_whole(stage: Stage, stand_in: StandIn) -> None:
    stand_in.answer = "fail"
    state = stage.play(world(page="color"), "V2M Score")
    assert "V2M: The document holds no picture. Add a clip." in state["words"]
    assert any("the log is" in words for words in state["words"])
    assert (state["page"], state["bin"]) == ("color", "Rushes")


def test_no_daemon_is_told_at_once(stage: Stage) -> None:
    stage.here(stage.addresses.endpoint).unlink()
    state = stage.play(world(), "V2M Score")
    assert "v2m serve" in state["words"][0]
    assert not list(stage.here(stage.addresses.inbox).iterdir())


def test_a_daemon_of_another_version_is_told(stage: Stage, stand_in: StandIn) -> None:
    stage.here(stage.addresses.endpoint).write_text('{"version": "9"}')
    state = stage.play(world(), "V2M Score")
    assert "install-resolve" in state["words"][0]
    assert score_track(state)


@pytest.mark.slow
def test_a_daemon_that_goes_while_it_works_is_told_and_its_music_comes_later(
    stage: Stage, stand_in: StandIn
) -> None:
    stand_in.answer = "slow"
    text = Path(stage.script("V2M Score")).read_text(encoding="utf-8")
    assert "local GONE_FOR_S = 30" in text
    impatient = stage.folder / "impatient.lua"
    impatient.write_text(text.replace("local GONE_FOR_S = 30", "local GONE_FOR_S = 0"), encoding="utf-8")
    gone = {"act": "remove", "path": stage.addresses.endpoint}
    state = stage.play(world(), stage.run(impatient, gone), {"act": "sleep", "seconds": 3}, "V2M Takes")
    assert any("V2M Takes brings the music" in words for words in state["words"])
    assert score_track(state)[0]["start"] == START


@pytest.mark.slow
def test_music_that_came_too_late_is_brought_by_takes(stage: Stage, stand_in: StandIn) -> None:
    stand_in.answer = "slow"
    gone = {"act": "open", "project": 2}
    back = {"act": "open", "project": 1}
    state = stage.play(world(), stage.run("V2M Score", gone), back, "V2M Takes")
    assert any("Another project is open" in words for words in state["words"])
    assert score_track(state)[0]["start"] == START


def test_a_job_whose_script_died_is_brought_by_takes(stage: Stage, stand_in: StandIn) -> None:
    stage.play(world(), "V2M Score")
    index = next(stage.here(stage.addresses.music).rglob("takes.json"))
    folder = next(stage.here(stage.addresses.inbox).iterdir())
    pending = {"folder": str(folder), "first": 0, "kind": "score"}
    index.write_text(json.dumps({"takes": [], "pending": [pending]}))
    state = stage.play(world(), "V2M Takes")
    assert score_track(state)[0]["start"] == START
    assert json.loads(index.read_bytes())["pending"] in ([], {})


def test_a_script_that_was_never_installed_says_so(stage: Stage) -> None:
    from v2m_daemon.resolve.scripts import shipped

    path = stage.folder / "copied.lua"
    path.write_text(shipped("V2M Score"))
    assert "install-resolve" in stage.play(world(), path)["words"][0]
