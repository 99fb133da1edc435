"""Readers of benchmarks: small folders laid out as their makers publish them."""

import json
from pathlib import Path

import pytest

from v2m.errors import InputError, UsageError
from v2m.evaluation.readers import READERS, read_benchmark
from v2m.evaluation.readers.aistpp import music_bpm


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_oes_pub_as_published(tmp_path: Path) -> None:
    touch(tmp_path / "clips" / "Nosferatu_3.mp4", tmp_path / "clips" / "Nosferatu_3.wav")
    (tmp_path / "valid_meta.csv").write_text(
        "film_id,clip_id,caption,mood\nNosferatu,3,slow strings,eerie\nNosferatu,4,brass,tense\n"
    )
    benchmark = read_benchmark("oes-pub", tmp_path)
    (clip,) = benchmark.clips
    assert (clip.id, clip.kind) == ("Nosferatu_3", "eerie")
    assert "eerie" in clip.prompt
    assert "slow strings" in clip.prompt
    assert clip.audio == tmp_path / "clips" / "Nosferatu_3.wav"
    assert benchmark.notes == ("1 clips of valid_meta.csv have no video here.",)
    assert "SongDescriber" in benchmark.reference


def test_oes_com_names_clips_by_row(tmp_path: Path) -> None:
    touch(tmp_path / "0.mp4", tmp_path / "0_music.wav")
    (tmp_path / "meta.csv").write_text("caption,mood\nsoft piano,calm\n")
    (clip,) = read_benchmark("oes-pub", tmp_path).clips
    assert (clip.id, clip.audio) == ("0", tmp_path / "0_music.wav")


@pytest.mark.parametrize("where", ["", "benchmark"])
def test_moviegenbench_as_published(tmp_path: Path, where: str) -> None:
    rows = [
        {"id": n, "video_prompt": "v", "audio_prompt": "a", "music_prompt": f"music {n}"} for n in (0, 148)
    ]
    (tmp_path / where).mkdir(exist_ok=True)
    (tmp_path / where / "MovieGenAudioBenchSfxMusic.jsonl").write_text("\n".join(map(json.dumps, rows)))
    touch(tmp_path / "videos" / "148.mp4")
    benchmark = read_benchmark("moviegenbench-music", tmp_path)
    assert [(clip.id, clip.prompt) for clip in benchmark.clips] == [("148", "music 148")]
    assert benchmark.clips[0].audio == benchmark.clips[0].video
    assert benchmark.notes == ("1 of 2 videos are not here.",)


def test_aist_as_published(tmp_path: Path) -> None:
    names = [
        "gBR_sBM_c01_d04_mBR0_ch01",
        "gBR_sBM_c02_d04_mBR0_ch01",
        "gHO_sFM_c01_d20_mHO5_ch15",
        "gWA_sBM_c01_d25_mWA2_ch03",
    ]
    touch(*(tmp_path / "videos" / f"{name}.mp4" for name in names), tmp_path / "music" / "mBR0.wav")
    touch(tmp_path / "keypoints3d" / "gBR_sBM_cAll_d04_mBR0_ch01.npy", tmp_path / "keypoints3d" / "x.pkl")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "crossmodal_test.txt").write_text(
        "gBR_sBM_cAll_d04_mBR0_ch01\ngHO_sFM_cAll_d20_mHO5_ch15\ngWA_sBM_cAll_d25_mWA2_ch03\n"
    )
    (tmp_path / "ignore_list.txt").write_text("gWA_sBM_cAll_d25_mWA2_ch03\n")
    first, second = read_benchmark("aist++", tmp_path).clips
    assert (first.id, first.bpm, first.kind) == ("gBR_sBM_c01_d04_mBR0_ch01", 80.0, "break")
    assert first.audio == tmp_path / "music" / "mBR0.wav"
    assert first.poses == tmp_path / "keypoints3d" / "gBR_sBM_cAll_d04_mBR0_ch01.npy"
    assert (second.bpm, second.poses) == (135.0, None)


def test_tempi_of_aist() -> None:
    assert [music_bpm(f"mBR{n}") for n in range(6)] == [80, 90, 100, 110, 120, 130]
    assert [music_bpm(f"mHO{n}") for n in range(6)] == [110, 115, 120, 125, 130, 135]
    assert music_bpm("something") is None


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4", tmp_path / "b.mov", tmp_path / "a.wav")
    (tmp_path / "prompts.csv").write_text("id,prompt,bpm,kind\na,calm piano,90,film\n")
    first, second = read_benchmark("folder", tmp_path).clips
    assert (first.prompt, first.bpm, first.kind, first.audio) == (
        "calm piano",
        90.0,
        "film",
        tmp_path / "a.wav",
    )
    assert (second.prompt, second.bpm) == ("", None)
    (tmp_path / "prompts.csv").write_text("id,bpm\na,fast\n")
    with pytest.raises(InputError, match="fast"):
        read_benchmark("folder", tmp_path)


@pytest.mark.parametrize("name", sorted(READERS))
def test_an_empty_folder_is_no_benchmark(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        read_benchmark(name, tmp_path)
    with pytest.raises(InputError):
        read_benchmark(name, tmp_path / "absent")


def test_lists_that_are_broken_are_told(tmp_path: Path) -> None:
    touch(tmp_path / "0.mp4")
    (tmp_path / "MovieGenAudioBenchSfxMusic.jsonl").write_text('{"id": 0}\n')
    with pytest.raises(InputError, match="music_prompt"):
        read_benchmark("moviegenbench-music", tmp_path)
    (tmp_path / "MovieGenAudioBenchSfxMusic.jsonl").write_text("no list")
    with pytest.raises(InputError, match="cannot be read"):
        read_benchmark("moviegenbench-music", tmp_path)
    with pytest.raises(UsageError):
        read_benchmark("imagenet", tmp_path)
