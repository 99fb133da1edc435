"""`v2m fit` as it is called: what it prints, where the music goes, how its takes are listed and verified."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest
import soundfile
from v2m_daemon.cli import main

RATE_HZ = 48000
RATE = 24


def write_document(path: Path, frames: list[int]) -> Path:
    """Shots without media, of so many frames."""
    timeline, track = otio.schema.Timeline("film"), otio.schema.Track("V1")
    timeline.global_start_time = otio.opentime.RationalTime(86400, RATE)
    timeline.tracks.append(track)
    for count in frames:
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(0, RATE), otio.opentime.RationalTime(count, RATE)
        )
        track.append(otio.schema.Clip("shot", otio.schema.ExternalReference("/nowhere/shot.mov"), span))
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")
    return path


def write_song(path: Path, beats: int = 64) -> Path:
    """A burst on each beat at 120 a minute, the first of four the loudest."""
    rng = np.random.default_rng(2)
    samples = np.zeros((RATE_HZ // 2 * beats, 2), np.float32)
    for beat in range(beats):
        at = RATE_HZ // 2 * beat
        level = 0.4 if beat % 4 == 0 else 0.15
        burst = level * rng.normal(0, 0.4, 4000) * np.exp(-np.arange(4000) / 600)
        samples[at : at + 4000] += burst[:, None]
    soundfile.write(path, samples, RATE_HZ)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fit")
    write_document(folder / "film.otio", [62, 58, 73, 37, 85, 69])
    write_song(folder / "song.wav")
    write_song(folder / "loop.wav", 16)
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


@pytest.mark.slow
def test_the_result_says_which_hits_are_met_and_by_how_much(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["fit", str(folder / "song.wav"), str(folder / "film.otio"), "--out", str(tmp_path)]
    assert main([*arguments, "--json"]) == 0
    result = told(capsys)
    assert Path(result["wav"]).is_file()
    assert result["duration_s"] == 16.0
    fitted = result["fit"]
    assert fitted["song"] == "song.wav"
    assert fitted["song_bpm"] == pytest.approx(120, rel=0.01)
    assert fitted["cuts"] == 0
    assert fitted["largest_stretch"] <= 0.0601
    assert fitted["hits_met"] == sum(hit["met"] for hit in result["hits"]) >= 4
    for hit in result["hits"]:
        nearest = min(abs(beat - hit["time_s"]) for beat in [*result["beats_s"], 1e9])
        assert abs(hit["beat_error_s"]) <= nearest + 1e-3
        assert hit["met"] == (abs(hit["beat_error_s"]) <= 1 / RATE)

    document = otio.adapters.read_from_file(result["timeline"])
    score = next(track for track in document.tracks if track.name == "V2M Score")
    assert score.kind == otio.schema.TrackKind.Audio

    assert main(["takes", str(tmp_path)]) == 0
    assert "fit song.wav" in capsys.readouterr().out
    assert main(["take", "verify", result["take"]]) == 0
    assert "the same bytes" in capsys.readouterr().out
    assert main(["retime", result["take"], "--nudge", "2=3"]) == 3
    assert "v2m fit" in capsys.readouterr().err


@pytest.mark.slow
def test_the_same_in_words_with_bars_repeated(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["fit", str(folder / "loop.wav"), str(folder / "film.otio"), "--out", str(tmp_path)]
    assert main(arguments) == 3
    refused = capsys.readouterr().err
    assert "loop.wav lasts 8.0 s" in refused
    assert "--edit" in refused
    assert not list(tmp_path.iterdir())

    assert main([*arguments, "--edit", "--no-report", "--to", "fcp7"]) == 0
    words = capsys.readouterr().out
    assert "cut" in words.split("Song", 1)[1].splitlines()[0]
    assert "have a beat within a frame" in words
    assert (tmp_path / "film-fitted_scored.xml").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.wav", "film.otio"], 3, "The song comes first"),
        (["song.wav", "none.otio"], 3, "There is no file"),
        (["film.otio", "film.otio"], 3, "film.otio"),
        (["song.wav", "film.otio", "--max-stretch", "60"], 2, "between 0 and 25 percent"),
        (["song.wav", "film.otio", "--tempo", "x"], 2, "'x' is no number"),
        (["song.wav", "film.otio", "--out", "song.wav"], 2, "is no folder"),
    ],
)
def test_wrong_use_is_answered_in_a_sentence(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(folder)
    assert main(["fit", *arguments, "--json"]) == code
    said = capsys.readouterr()
    assert words in said.err
    assert json.loads(said.out)["error"]["message"]
