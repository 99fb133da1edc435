"""`v2m evaluate` as a user types it: one JSON object, or words, and one sentence where it fails."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from v2m_daemon.cli import build_parser, main

RATE_HZ = 22_050


def write_film(path: Path, cuts_s: tuple[float, ...] = (1.0, 2.0)) -> None:
    y, x = np.mgrid[0:90, 0:160]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for frame in range(72):
            shot = sum(frame / 24 >= cut - 1e-6 for cut in cuts_s)
            wave = 90 * np.sin((x * (1 + shot) + 3 * frame) / 17) * np.cos(y * (2 + shot) / 23)
            picture = 60 + 60 * (shot % 3) + wave[..., None] * np.roll([1.0, 0.5, 0.2], shot)
            shown = np.clip(picture, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode())


def write_clicks(path: Path, times_s: list[float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(0).normal(0, 1e-3, 3 * RATE_HZ)
    for time_s in times_s:
        room = sound[round(time_s * RATE_HZ) :][:2000]
        room += (0.6 * np.sin(np.arange(2000) / 5) * np.exp(-np.arange(2000) / 400))[: len(room)]
    soundfile.write(path, sound, RATE_HZ)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Three films and music for each, on the cuts and beside them."""
    for name in ("a", "b", "c"):
        write_film(tmp_path / "video" / f"{name}.mp4")
        write_clicks(tmp_path / "on" / f"{name}.wav", [0.5, 1.0, 1.5, 2.0, 2.5])
        write_clicks(tmp_path / "off" / f"{name}.wav", [0.25, 0.75, 1.25, 1.75, 2.25])
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    code = main(["evaluate", *map(str, arguments), "--json"])
    out = capsys.readouterr()
    assert code == 0, out.err
    return json.loads(out.out)


@pytest.mark.slow
def test_sch_and_hit_of_videos_and_of_given_cuts(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "sch", "--audio", media / "on", "--video", media / "video", "--detector", "v2m")
    assert set(found["clips"]) == {"a", "b", "c"}
    assert set(found["all"]) == {"50", "70", "100", "200"}
    assert found["all"]["100"]["cuts"] == 6
    (media / "cuts.txt").write_text("1.0\n2.0\n")
    given = told(
        capsys, "sch", "--audio", media / "on" / "a.wav", "--cuts", media / "cuts.txt", "--tolerances", "100"
    )
    assert given["clips"]["a"]["detector"] == "given"
    hits = [
        told(capsys, "hit", "--audio", media / side, "--video", media / "video", "--detector", "v2m")["all"][
            "frame"
        ]
        for side in ("on", "off")
    ]
    assert [hit["value"] for hit in hits] == [1.0, 0.0]
    assert main(["evaluate", "sch", "--audio", str(media / "on"), "--video", str(media / "video")]) == 0
    assert "mean" in capsys.readouterr().out


@pytest.mark.slow
def test_dance_of_poses_and_of_original_music(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = np.arange(180) / 60
    poses = np.zeros((180, 2, 2))
    poses[:, 0, 0] = np.cos(np.pi * at / 0.5)  # arrives each half second
    np.save(media / "a.npy", poses)
    found = told(
        capsys, "dance", "--audio", media / "on" / "a.wav", "--poses", media / "a.npy",
        "--reference", media / "on" / "a.wav",
    )["clips"]["a"]  # fmt: skip
    assert found["motion_tempo_bpm"] == pytest.approx(120, rel=0.02)
    assert found["loris-1s"]["f1"] == 1.0
    assert {"50", "100", "200", "d2m-gan-1s"} <= set(found)


@pytest.mark.slow
def test_curves_robustness_and_kinds(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(
        capsys, "curves", "--audio", media / "on", "--video", media / "video", "--reference", media / "off"
    )
    assert {"music", "music_with_video", "music_to_video", "music_given_video"} <= set(found["distances"])
    robust = told(capsys, "robustness", "--video", media / "video" / "a.mp4")
    assert 0.9 < robust["cosine_mean"] <= 1.0
    code = main(
        ["evaluate", "three-way", "--class", f"x={media / 'video'}", "--class", f"y={media / 'video'}"]
    )
    assert code == 3  # three clips a class are too few to learn from
    assert "four or more" in capsys.readouterr().err


@pytest.mark.slow
def test_a_table_of_peers_with_its_report(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (media / "video" / "prompts.csv").write_text("id,prompt\na,calm\nb,funk\nc,house\n")
    out = media / "out"
    arguments = (
        "table", "folder", media / "video", "--out", out, "--peer", f"on={media / 'on'}",
        "--peer", f"vidmuse={media / 'off'}", "--measure", "sch", "--measure", "hit", "--detector", "v2m",
    )  # fmt: skip
    found = told(capsys, *arguments)
    titles = [row["title"] for row in found["table"]["rows"]]
    assert titles == ["on", "VidMuse"]
    assert Path(found["html"]).is_file()
    assert Path(found["markdown"]).is_file()
    assert told(capsys, *arguments) == found


@pytest.mark.slow
def test_a_listening_test_made_served_and_counted(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = media / "listening"
    made = told(
        capsys, "listen", "make", folder, "--video", media / "video", "--ours", f"ours={media / 'on'}",
        "--peer", f"vidmuse={media / 'off'}",
    )  # fmt: skip
    assert made["trials"] == 3
    command = [sys.executable, "-m", "v2m_daemon.cli", "evaluate", "listen", "serve", str(folder), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as served:
        assert served.stdout is not None
        url = json.loads(served.stdout.readline())["url"]
        with urllib.request.urlopen(url, timeout=60) as page:  # noqa: S310 - our own server
            assert b"Which music?" in page.read()
        served.send_signal(signal.SIGINT)
        assert served.wait(60) == 130
    counted = told(capsys, "listen", "results", folder)
    assert (counted["votes"], counted["by_peer"]) == (0, [])
    trial = json.loads((folder / "test.json").read_text())["trials"][0]
    vote = {"trial": trial["id"], "listener": "anna", "quality": "left", "sync": "right"}
    (folder / "votes.jsonl").write_text(json.dumps(vote) + "\n")
    assert main(["evaluate", "listen", "results", str(folder)]) == 0
    words = capsys.readouterr().out
    assert "1 trials answered by 1 listeners" in words
    assert "V2M-Zero against VidMuse, listening, all videos: quality 0.689, sync 0.538" in words


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["sch", "--audio", "x.wav"], 2, "--video or --cuts"),
        (["sch", "--audio", "none", "--cuts", "none"], 3, "holds no"),
        (["dance", "--audio", "x.wav"], 2, "--poses"),
        (["fad", "--audio", "x", "--reference", "y", "--weights", "none.safetensors"], 4, "VGGish"),
        (["clap", "--audio", "x", "--model", "none"], 3, "holds no"),
        (["table", "oes-pub", "none", "--out", "out"], 3, "no folder"),
        (["listen", "serve", "none"], 3, "no listening test"),
        (["listen", "make", "x"], 2, "--ours"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[str],
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: Any,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *arguments]) == code
    out = capsys.readouterr()
    assert says in out.err
    assert out.err.count("\n") == 1


def test_the_manual_tells_every_flag_of_every_measure(repository: Path) -> None:
    text = (repository / "docs" / "evaluate.md").read_text(encoding="utf-8")
    actions = build_parser()._actions
    commands = next(action for action in actions if isinstance(action, argparse._SubParsersAction))
    kinds = next(
        a for a in commands.choices["evaluate"]._actions if isinstance(a, argparse._SubParsersAction)
    )
    for kind, parser in kinds.choices.items():
        section = re.search(rf"^## `v2m evaluate {kind}`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section is not None, kind
        flags = {
            flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")
        }
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section[1])) == flags - {"--help", "--json"}, kind
