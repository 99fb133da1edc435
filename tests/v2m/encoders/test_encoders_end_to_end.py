"""`v2m analyze` and `v2m score` with every encoder, from tiny checkpoints to the take."""

import json
import shutil
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from v2m_daemon.cli import main

from v2m import analysis
from v2m.analysis import analyze, analyze_video
from v2m.encoders import choosing
from v2m.encoders.choosing import ENCODERS
from v2m.errors import CancelledError
from v2m.frames import SMALL, SheetGatherer
from v2m.timeline import Cut, Media, Shot, Timeline

FRAMES, CUT = 20, 8
PRETRAINED = ("dinov2-small", "dinov2-small:crop", "vjepa2", "avsiam", "cotracker")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Less than a second, with one cut; twice as wide as high."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    looks = np.random.default_rng(5).integers(40, 220, (2, 8, 16, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        for number in range(FRAMES):
            picture = looks[int(number >= CUT)].repeat(8, 0).repeat(8, 1)
            picture[24:40, 3 * number : 3 * number + 16] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def programme(film: Path) -> Timeline:
    media, rate = Media("film.mp4", film), Fraction(24)
    shots = tuple(
        Shot(begin / rate, (end - begin) / rate, media, begin / rate)
        for begin, end in ((0, CUT), (CUT, FRAMES))
    )
    return Timeline(rate, FRAMES / rate, shots, (Cut(CUT / rate),))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    """Exit code, the object on stdout, and what stood on stderr."""
    code = main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


@pytest.mark.parametrize(
    "encoder", ["flow", *PRETRAINED[:-1], pytest.param("cotracker", marks=pytest.mark.slow)]
)
def test_analyze_sees_the_cut_the_same_each_time(
    film: Path, models: Path, capsys: pytest.CaptureFixture[str], encoder: str
) -> None:
    results = []
    for _ in range(2):  # the second time from the features that were kept
        code, result, words = run(capsys, "analyze", film, "--encoder", encoder)
        assert code == 0, words
        results.append(result)
    assert results[0] == results[1]
    assert results[0]["curve"]["encoder"] == encoder
    values = np.array(results[0]["curve"]["values"])
    assert np.isfinite(values).all()
    assert abs(values.argmax() / 25 - CUT / 24) < 0.2
    notes = " ".join(results[0]["notes"])
    assert ("not for commercial use" in notes) == (encoder == "cotracker")
    assert ("ask its authors" in notes) == (encoder == "avsiam")


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["flow", *PRETRAINED])
def test_score_follows_each_encoder_and_its_take_names_the_weights(
    film: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], encoder: str
) -> None:
    flags = ("--encoder", encoder, "--seed", "3", "--steps", "1", "--no-report")
    takes = []
    for name in ("one", "two"):
        code, result, words = run(capsys, "score", film, "--out", tmp_path / name, *flags)
        assert code == 0, words
        assert result["encoder"] == encoder
        takes.append(Path(result["take"]))
    record = json.loads((takes[0] / "take.json").read_text())
    assert record["encoder"] == record["curve"]["encoder"] == encoder
    assert (len(record["curve"]["encoder_sha256"]) == 64) == (encoder != "flow")
    said = [note for note in record["notes"] if "not for commercial use" in note]
    assert len(said) == (encoder == "cotracker")
    assert (takes[0] / "music.wav").read_bytes() == (takes[1] / "music.wav").read_bytes()


def test_auto_takes_dinov2_where_its_weights_are_and_says_so(
    film: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "_has_gpu", lambda: False)
    seen = analyze(programme(film))
    assert seen.encoder == "dinov2-small"
    assert seen.notes[0].startswith("dinov2-small looks at the picture: ")


def test_without_weights_the_default_is_as_it_was(film: Path) -> None:
    seen, plain = analyze_video(film), analyze_video(film, encoder="pixel")
    assert seen.encoder == "pixel"
    assert seen.notes == plain.notes == ()
    np.testing.assert_array_equal(seen.curve.values, plain.curve.values)
    assert "torch" not in sys.modules or not seen.curve.encoder_sha256


@pytest.mark.parametrize(
    "encoder", [name for name in ENCODERS if name not in ("auto", "dinov2-base", "dinov2-large")]
)
def test_a_document_and_a_video_are_looked_at_alike(
    film: Path, models: Path, monkeypatch: pytest.MonkeyPatch, encoder: str
) -> None:
    if encoder == "cotracker":
        pytest.skip("its tracks are compared in test_encoder_cotracker, and take seconds")
    monkeypatch.setattr(choosing, "_has_gpu", lambda: False)
    told: list[float] = []
    whole = analyze_video(film, encoder=encoder, on_progress=told.append)
    part = analyze(programme(film), encoder=encoder)
    assert [cut.time_s for cut in whole.timeline.cuts] == [Fraction(CUT, 24)]
    np.testing.assert_allclose(whole.curve.values, part.curve.values, atol=1e-6)
    assert told == sorted(told)
    assert told[-1] > 0.9  # a file's last picture begins before its end
    assert whole.sheet is not None
    assert part.sheet is not None
    assert whole.sheet.aspect == part.sheet.aspect == 2.0
    assert whole.sheet.times_s == part.sheet.times_s


def test_a_sheet_of_large_pictures_shows_them_small() -> None:
    small = np.random.default_rng(1).integers(0, 256, (1, SMALL[1], SMALL[0], 3), dtype=np.uint8)
    sheets = []
    for pictures in (small, small.repeat(3, axis=1).repeat(5, axis=2)):
        gatherer = SheetGatherer(1.0)
        gatherer.push(np.zeros(1), pictures)
        sheets.append(gatherer.sheet(2.0))
    assert sheets[0] == sheets[1]


@pytest.mark.parametrize("encoder", ["flow", "dinov2-small", "vjepa2", "avsiam"])
def test_a_cancel_is_heard_while_it_looks(film: Path, models: Path, encoder: str) -> None:
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        analyze(programme(film), encoder=encoder, cancel=stop)
    assert asked == 2


@pytest.mark.parametrize("encoder", ["dinov2-small", "vjepa2", "cotracker", "avsiam"])
def test_a_broken_file_ends_in_one_sentence(
    film: Path, home: Path, checkpoints: Path, capsys: pytest.CaptureFixture[str], encoder: str
) -> None:
    folder = home / "data" / "models" / encoder
    shutil.copytree(checkpoints / encoder, folder)
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-64])
    code, result, _ = run(capsys, "analyze", film, "--encoder", encoder)
    assert code == 3
    assert result["error"]["code"] == "bad_checkpoint"
    assert "cut short" in result["error"]["message"]
    weights.unlink()
    code, result, _ = run(capsys, "analyze", film, "--encoder", encoder)
    assert code == 4
    assert result["error"]["code"] == "missing_part"
    assert f"v2m models add {encoder}" in result["error"]["hint"]


@pytest.mark.parametrize(
    ("rate", "wanted"),
    [
        ("24", None),
        ("30000/1001", None),
        ("30", None),
        ("50", 25.0),
        ("60", 30.0),
        ("60000/1001", 30000 / 1001),
        ("120", 30.0),
    ],
)
def test_pictures_are_left_out_evenly(rate: str, wanted: float | None) -> None:
    second = Fraction(1)
    timeline = Timeline(Fraction(rate), second, (Shot(Fraction(0), second, None, Fraction(0)),), ())
    got = analysis._rate_hz(timeline, choosing.new_encoder("flow"))
    assert got == (None if wanted is None else pytest.approx(wanted))
