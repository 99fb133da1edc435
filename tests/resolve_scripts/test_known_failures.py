"""What breaks other scripts in Resolve: ours come through, and the double catches a script that does not."""

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
    timeline,
    world,
    write_wav,
)

HERE = Path(__file__).parent


def naive(stage: Stage, of_world: dict[str, Any], **replaced: str) -> State:
    """What comes of the naive script; lines of it may be replaced to let it get further."""
    wav = stage.folder / "music.wav"
    write_wav(wav, 240, exact(of_world["timelines"][0]["rate"]))
    text = (HERE / "naive.lua").read_text()
    for old, new in replaced.items():
        line = next(line for line in text.splitlines() if old in line)
        text = text.replace(line, new)
    seconds = float(240 / exact(of_world["timelines"][0]["rate"]))
    script = stage.folder / "naive.lua"
    script.write_text(f"local WAV, WAV_SECONDS = {str(wav)!r}, {seconds!r}\n{text}", encoding="utf-8")
    return stage.play(of_world, script)


def placed(state: State, at: int = 0) -> dict[str, Any]:
    items = score_track(state, at)
    assert len(items) == 1, state["words"]
    return items[0]


def naive_items(state: State) -> list[dict[str, Any]]:
    tracks = [t for t in state["timelines"][0]["tracks"] or [] if t["name"] == "V2M Score"]
    return [item for track in tracks for item in track["items"] or []]


WINDOWLESS = {"UIManager": ""}
BEFORE_MARKS = {"UIManager": "", "deliver": "", "GetMarkInOut": "local marks = {}"}


@pytest.mark.usefixtures("stand_in")
class TestTraps:
    def test_music_lies_in_the_absolute_frame_and_not_an_hour_before(self, stage: Stage) -> None:
        item = placed(stage.play(world(), "V2M Score"))
        assert (item["start"], item["duration"]) == (START, 240)
        assert naive_items(naive(stage, world(), **BEFORE_MARKS))[0]["start"] == 0

    def test_the_end_is_exclusive(self, stage: Stage) -> None:
        assert placed(stage.play(world(), "V2M Score"))["duration"] == 240
        assert naive_items(naive(stage, world(), **BEFORE_MARKS))[0]["duration"] == 239

    def test_the_track_is_stereo(self, stage: Stage) -> None:
        placed(stage.play(world(), "V2M Score"))
        assert naive(stage, world(), **BEFORE_MARKS)["timelines"][0]["tracks"][0]["subtype"] == "mono"

    def test_the_rate_is_the_timelines_own_and_sound_counts_in_the_projects(
        self, stage: Stage, stand_in: StandIn
    ) -> None:
        stand_in.rate = exact("50")
        fast = world(timeline(rate="50", start=180000), project_rate="25")
        item = placed(stage.play(fast, "V2M Score"))
        assert (item["start"], item["duration"]) == (180000, 240)
        assert naive_items(naive(stage, fast, **BEFORE_MARKS))[0]["duration"] != 240

    def test_a_frame_that_floored_sound_lacks_is_told(self, stage: Stage, stand_in: StandIn) -> None:
        stand_in.rate, stand_in.frames = exact("50"), 241
        state = stage.play(world(timeline(rate="50", length=241), project_rate="25"), "V2M Score")
        assert placed(state)["duration"] == 240
        assert any("240 frames long on the timeline and 241" in words for words in state["words"])

    def test_free_resolve_opens_no_notice(self, stage: Stage) -> None:
        assert not stage.play(world(), "V2M Score")["notice"]
        state = naive(stage, world())
        assert state["notice"]
        assert not naive_items(state)

    def test_marks_that_cannot_be_read_before_20_are_told_and_the_whole_is_scored(
        self, stage: Stage, stand_in: StandIn
    ) -> None:
        old = world(timeline(marks={"video": {"in": 24, "out": 47}}), version=[18, 5])
        state = stage.play(old, "V2M Score")
        assert placed(state)["start"] == START
        assert any("Before Resolve 20" in words for words in state["words"])
        assert "in_point" not in stand_in.jobs[0]
        assert any("CRASHED" in words for words in naive(stage, old, **WINDOWLESS)["words"])

    @pytest.mark.slow
    def test_marks_survive_the_deliver_page(self, stage: Stage) -> None:
        marks = {"video": {"in": 24, "out": 119}, "audio": {"in": 24, "out": 119}}
        stage.prefer(picture="render")
        state = stage.play(world(timeline(marks=marks)), "V2M Score")
        assert state["timelines"][0]["marks"] == marks
        assert state["page"] == "edit"
        assert not naive(stage, world(timeline(marks=marks)), **WINDOWLESS)["timelines"][0]["marks"]

    def test_only_resolves_own_constants_export(self, stage: Stage) -> None:
        stage.play(world(), "V2M Score")
        assert list(stage.here(stage.addresses.inbox).glob("*/Spot.otio"))
        naive(stage, world(), **BEFORE_MARKS)
        assert not (stage.folder / "music.wav.otio").exists()

    def test_a_locked_track_takes_the_music_and_is_locked_again(self, stage: Stage) -> None:
        locked = timeline(tracks=[{"name": "V2M Score", "locked": True}])
        state = stage.play(world(locked), "V2M Score")
        placed(state)
        assert state["timelines"][0]["tracks"][0]["locked"] is True
        state = naive(stage, world(locked), **BEFORE_MARKS, AddTrack="")
        assert state["words"] == ["placed\t0"]

    def test_nobody_elses_item_is_overlapped(self, stage: Stage) -> None:
        taken = timeline(tracks=[{"name": "V2M Score", "items": [[START + 100, 20]]}])
        state = stage.play(world(taken), "V2M Score")
        first, second = state["timelines"][0]["tracks"]
        assert [(i["start"], i["duration"]) for i in first["items"]] == [(START + 100, 20)]
        assert [(i["start"], i["duration"]) for i in second["items"]] == [(START, 240)]
        assert second["name"] == "V2M Score"
        # the naive one is told that its item is there, and it is not
        state = naive(stage, world(taken), **BEFORE_MARKS, AddTrack="", recordFrame=NAIVE_APPEND)
        assert state["words"] == ["placed\t1"]
        assert len(naive_items(state)) == 1

    @pytest.mark.slow
    def test_the_current_timeline_may_change_meanwhile(self, stage: Stage, stand_in: StandIn) -> None:
        stand_in.answer = "slow"
        two = world(timeline(), timeline(id="timeline-2", name="Other", start=0))
        state = stage.play(two, stage.run("V2M Score", {"act": "show", "timeline": 2}))
        assert placed(state, 0)["start"] == START
        assert not state["timelines"][1]["tracks"]
        assert state["current"] == "Other"

    def test_drop_frame_is_only_a_way_to_write_numbers(self, stage: Stage, stand_in: StandIn) -> None:
        stand_in.rate = exact("29.97")
        state = stage.play(world(timeline(rate="29.97 DF", start=107892), project_rate="29.97"), "V2M Score")
        assert placed(state)["start"] == 107892
        assert placed(state)["duration"] == 240

    def test_an_append_that_went_nowhere_is_told_and_the_old_music_comes_back(self, stage: Stage) -> None:
        loses = {"act": "set", "name": "loses_appends", "value": 1}
        state = stage.play(world(), "V2M Score", loses, "V2M Score")
        assert any("did not take the music" in words for words in state["words"])
        first = next(each["paths"] for each in state["bins"] if each["name"] == "V2M")[0]
        assert placed(state) == {"start": START, "duration": 240, "left": 0, "path": first}

    def test_a_placement_that_differs_is_told(self, stage: Stage) -> None:
        state = stage.play(world(slip=12), "V2M Score")
        assert any(f"put the music at frame {START + 12}" in words for words in state["words"])

    def test_deleting_is_tried_again_and_from_the_right_page(self, stage: Stage) -> None:
        again = stage.play(world(page="color", flaky=1), "V2M Score", "V2M Score")
        assert len(score_track(again)) == 1
        assert again["page"] == "color"
        state = plain(stage, world(page="color"), NAIVE_AGAIN)
        assert state["words"] == ["deleted\tfalse", "another file\tfalse"]


NAIVE_RENDER = """
resolve:OpenPage("deliver")
project:SetRenderSettings({ TargetDir = FOLDER, CustomName = "naive" })
project:SetCurrentRenderFormatAndCodec("mp4", "H264")
local id = project:AddRenderJob()
project:StartRendering({ id })
while project:IsRenderingInProgress() do end
print("status", project:GetRenderJobStatus(id).JobStatus)
for each in pairs({ theirs = true, [id] = true }) do project:DeleteRenderJob(each) end
"""

NAIVE_AGAIN = """
local pool, timeline = project:GetMediaPool(), project:GetCurrentTimeline()
timeline:AddTrack("audio", "stereo")
timeline:SetTrackName("audio", 1, "V2M Score")
local function place()
    local media = pool:ImportMedia({ FOLDER .. "/music.wav" })[1]
    local info = { mediaPoolItem = media, endFrame = 100, mediaType = 2, trackIndex = 1, recordFrame = 86400 }
    return media, pool:AppendToTimeline({ info })[1]
end
local first, old = place()
print("deleted", timeline:DeleteClips({ old }))
print("another file", place() ~= first)
"""


def plain(stage: Stage, of_world: dict[str, Any], lines: str) -> State:
    """What comes of a few lines that somebody might write."""
    write_wav(stage.folder / "music.wav", 240, exact("24"))
    head = "local project = resolve:GetProjectManager():GetCurrentProject()"
    script = stage.folder / "plain.lua"
    script.write_text(f"local FOLDER = {str(stage.folder)!r}\n{head}\n{lines}", encoding="utf-8")
    return stage.play(of_world, script)


NAIVE_APPEND = (
    "mediaPoolItem = item, startFrame = 0, endFrame = last, mediaType = 2, trackIndex = index,"
    " recordFrame = timeline:GetStartFrame(),"
)


def test_a_new_take_is_a_new_file_in_the_bin(stage: Stage, stand_in: StandIn) -> None:
    state = stage.play(world(), "V2M Score", "V2M Score")
    bins = {each["name"]: each["paths"] or [] for each in state["bins"]}
    assert len(set(bins["V2M"])) == 2
    assert bins["Rushes"] in ([], {})
    assert state["bin"] == "Rushes"
    assert placed(state)["path"] == bins["V2M"][1]


class TestRender:
    """The small picture: an own job, and all settings as they were."""

    def scored(self, stage: Stage, **told: Any) -> State:
        stage.prefer(picture="render")
        return stage.play(world(**told), "V2M Score")

    def test_only_the_marked_range_is_rendered_over_whatever_the_page_held(
        self, stage: Stage, stand_in: StandIn
    ) -> None:
        stage.prefer(picture="render")
        sound_only = {"TargetDir": "/films", "ExportVideo": False}
        marked = timeline(marks={"video": {"in": 24, "out": 119}})
        state = stage.play(world(marked, deliver=sound_only, queue=["theirs"]), "V2M Score")
        assert Path(stand_in.jobs[0]["picture"]).read_text() == f"a film of {START + 24} to {START + 119}"
        assert state["render"]["settings"] == sound_only
        assert state["queue"] == ["theirs"]
        assert state["timelines"][0]["marks"] == marked["marks"]
        naive = plain(stage, world(marked, deliver=sound_only, queue=["theirs"]), NAIVE_RENDER)
        assert naive["words"] == ["status\tConcluído"]  # and not Complete, for which it waits
        assert (stage.folder / "naive.mp4").read_text().startswith("sound only of")
        assert not naive["queue"]

    @pytest.mark.slow
    def test_it_is_handed_over(self, stage: Stage, stand_in: StandIn) -> None:
        state = self.scored(stage)
        picture = Path(stand_in.jobs[0]["picture"])
        assert picture.read_text() == f"a film of {START} to {START + 239}"
        assert not state["queue"]
        assert not state["presets"]
        assert state["render"] == {
            "format": "mov", "codec": "ProRes422HQ", "mode": 0,
            "settings": {"TargetDir": "/films", "ExportAudio": True},
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("told", "word"),
        [
            ({"render_fails": True}, "render failed"),
            ({"rendering": True}, "rendering something else"),
            ({"codecs": ["tif/RGB8LZW"]}, "no format"),
            ({"version": [19, 1]}, "erase your in and out marks"),
        ],
    )
    def test_without_one_the_media_are_read(
        self, stage: Stage, stand_in: StandIn, told: dict[str, Any], word: str
    ) -> None:
        state = self.scored(stage, **told)
        assert any(word in words for words in state["words"])
        assert "picture" not in stand_in.jobs[0]
        assert placed(state)
        assert not state["queue"]

    @pytest.mark.slow
    def test_free_linux_has_other_codecs(self, stage: Stage, stand_in: StandIn) -> None:
        self.scored(stage, codecs=["mov/DNxHRLB", "mov/ProRes422HQ"])
        assert stand_in.jobs[0]["picture"].endswith(".mov")
