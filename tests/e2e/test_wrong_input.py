"""Whatever is given, the answer is a result or one sentence, with the right exit code and no traceback."""

import json
from pathlib import Path

import pytest
from v2m_daemon.cli import main

Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, code: int, *arguments: object) -> str:
    """Run a command that must be refused; returns its sentence."""
    assert main([*map(str, arguments), "--json"]) == code
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert error.keys() == {"code", "message", "detail", "hint"}
    assert "Traceback" not in captured.err
    assert captured.err.startswith("v2m: " + error["message"])
    assert error["message"].endswith(".")
    return str(error["message"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("score",),
        ("frobnicate",),
        ("score", "x.otio", "--adherence", 2),
        ("score", "x.otio", "--takes", 0),
        ("score", "x.otio", "--seed", -1),
        ("score", "x.otio", "--tempo", 300),
        ("score", "x.otio", "--tempo", "quick"),
        ("score", "x.otio", "--path-map", "C:"),
        ("score", "x.otio", "--to", "betamax"),
        ("analyze", "x.otio", "--frobnicate"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[object, ...], capsys: Capture) -> None:
    refused(capsys, 2, *arguments)


def test_wrong_use_that_needs_a_look_is_told(edit: Path, tmp_path: Path, capsys: Capture) -> None:
    assert "encoder" in refused(capsys, 2, "analyze", edit, "--encoder", "eyes")
    assert "backbone" in refused(capsys, 2, "score", edit, "--backbone", "choir", "--out", tmp_path)
    assert "steps" in refused(capsys, 2, "score", edit, "--steps", 0, "--out", tmp_path)
    assert ".png" in refused(capsys, 2, "analyze", edit, "--plot", tmp_path / "curve.jpg")
    assert "is no time" in refused(capsys, 2, "analyze", edit, "--in", "soon")
    assert "expected one within" in refused(capsys, 2, "analyze", edit, "--in", "9", "--out-point", "8")
    assert "expected one within" in refused(capsys, 2, "analyze", edit, "--out-point", "00:00:01:00")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.otio", b""),
        ("words.otio", b"hello"),
        ("deep.otio", b"[" * 50_000),
        ("list.otio", b"[1, 2, 3]"),
        ("binary.otio", bytes(range(256)) * 10),
        ("fake.otioz", b"PK\x03\x04 not a zip"),
        ("cut.edl", b"TITLE: X\n"),
        ("words.mp4", b"hello"),
        ("empty.mov", b""),
        ("list.m3u8", b"#EXTM3U\nhttp://127.0.0.1:9/a.ts\n"),
        ("noname", b"\x00" * 100),
    ],
)
def test_what_is_no_timeline_is_told(name: str, content: bytes, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    refused(capsys, 3, "score", path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_wrong_paths_are_told(edit: Path, tmp_path: Path, capsys: Capture) -> None:
    assert "There is no file" in refused(capsys, 3, "score", tmp_path / "nowhere.otio")
    assert "picture" in refused(capsys, 3, "score", edit, "--picture", tmp_path / "nowhere.mp4")
    refused(capsys, 3, "score", tmp_path)
    assert "SoundFont" in refused(
        capsys, 3, "score", edit, "--soundfont", tmp_path / "no.sf2", "--out", tmp_path / "out"
    )
    (tmp_path / "file").write_text("a file")
    assert "no folder" in refused(capsys, 2, "score", edit, "--out", tmp_path / "file")
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


@pytest.mark.slow
def test_a_plot_is_not_written_over(edit: Path, tmp_path: Path, capsys: Capture) -> None:
    plot = tmp_path / "curve.png"
    assert main(["analyze", str(edit), "--plot", str(plot), "--json"]) == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    refused(capsys, 4, "analyze", edit, "--plot", plot)


def test_analysis_says_what_the_music_would_follow(edit: Path, capsys: Capture) -> None:
    assert main(["analyze", str(edit), "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert {"duration_s", "frame_rate", "cuts", "markers", "curve", "notes"} <= seen.keys()
    assert [cut["kind"] for cut in seen["cuts"]] == ["cut"] * 4
    assert seen["markers"][0]["color"].lower() == "red"
    values = seen["curve"]["values"]
    rate_hz = seen["curve"]["rate_hz"]
    at_cuts = [values[round(cut["time_s"] * rate_hz)] for cut in seen["cuts"]]
    assert min(at_cuts) > sum(values) / len(values)


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "readable"), [("odd", 17), ("timelines", 7)])
def test_real_odd_files_are_analysed_or_told(
    folder: str, readable: int, media_dir: Path, capsys: Capture
) -> None:
    analysed = []
    for path in sorted((media_dir / folder).iterdir()):
        code = main(["analyze", str(path), "--json"])
        captured = capsys.readouterr()
        assert code in (0, 3), path.name
        assert "Traceback" not in captured.err
        if code == 0:
            analysed.append(path.name)
        else:
            assert captured.err.count("\n") == 1, path.name
    assert len(analysed) >= readable


@pytest.mark.slow
def test_a_real_export_without_its_media_is_scored(media_dir: Path, tmp_path: Path, capsys: Capture) -> None:
    path = media_dir / "timelines" / "resolve_picchu_effects.otio"
    assert main(["score", str(path), "--out", str(tmp_path), "--steps", "2", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["encoder"] == "cuts"
    assert result["duration_s"] == pytest.approx(46.875)
    assert any("cuts alone" in note for note in result["notes"])
