"""A song fitted from its file to a take: heard on the hits, as loud and as long as asked, the same again."""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from v2m.analysis import Analysis
from v2m.audio import integrated_lufs, read_wav
from v2m.curves import curve_from_cuts
from v2m.errors import (
    CancelledError,
    DocumentError,
    InputError,
    MediaError,
    MissingPartError,
    UsageError,
)
from v2m.fit import FitSettings, fit
from v2m.fit.account import beat_errors_s, heard_pieces
from v2m.frames.sound import read_sound
from v2m.hits import find_hits
from v2m.score import Scored
from v2m.stages import StageClock
from v2m.take.opened import OpenedTake
from v2m.take.record import from_json, read_record, take_id, to_json
from v2m.take.remake import compare, remake_of
from v2m.take.shelf import Shelf
from v2m.timeline import Cut, Shot, Timeline

RATE_HZ = 48000
BPM = 116.0
Fit = Callable[..., Scored]


def song_samples(bars: int = 16) -> np.ndarray:
    """Drums and a chord a bar, from 0.3 s on."""
    rng, beat_s = np.random.default_rng(5), 60 / BPM
    out = np.zeros((round((0.3 + 4 * bars * beat_s + 0.5) * RATE_HZ), 2), np.float32)
    for beat in range(4 * bars):
        at = round((0.3 + beat * beat_s) * RATE_HZ)
        burst = rng.normal(0, 0.12, 3000) * np.exp(-np.arange(3000) / 500)
        out[at : at + 3000] += burst[:, None]
        if beat % 4 == 0:
            times_s = np.arange(round(3.8 * beat_s * RATE_HZ)) / RATE_HZ
            low = 0.3 * np.sin(2 * np.pi * 60 * times_s) * np.exp(-times_s * 12)
            chord = 0.05 * np.sin(2 * np.pi * 220 * 2 ** ((beat // 4 % 4) / 12) * times_s)
            out[at : at + len(times_s)] += (low + chord)[:, None]
    return out


def analysis_of(cuts_s: list[float], length_s: float) -> Analysis:
    cuts = tuple(Cut(Fraction(round(cut_s * 25), 25)) for cut_s in cuts_s)
    length = Fraction(round(length_s * 25), 25)
    bounds = [Fraction(0), *(cut.time_s for cut in cuts), length]
    shots = tuple(Shot(start, end - start) for start, end in pairwise(bounds))
    timeline = Timeline(Fraction(25), length, shots, cuts)
    return Analysis(timeline, curve_from_cuts(cuts, float(length), rate_hz=25.0), find_hits(timeline), ())


CUTS_S = [2.2, 5.0, 7.64, 11.2, 13.96, 18.4]
FILM = analysis_of(CUTS_S, 22.0)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "My Söng.wav"
    soundfile.write(path, song_samples(), RATE_HZ, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def made(song: Path, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    with Shelf(tmp_path_factory.mktemp("takes")) as shelf:
        return fit(song, FILM, FitSettings(), shelf=shelf, stem="film-fitted", with_report=True)


@pytest.fixture
def try_fit(tmp_path: Path) -> Fit:
    def run(path: Path, film: Analysis = FILM, settings: FitSettings | None = None) -> Scored:
        with Shelf(tmp_path / "out") as shelf:
            wish = settings or FitSettings()
            return fit(path, film, wish, shelf=shelf, stem="film", with_report=False)

    return run


@pytest.mark.slow
def test_the_songs_beats_are_heard_on_the_cuts(made: Scored) -> None:
    record = made.record
    errors = beat_errors_s(record)
    met = [id_ for id_, error_s in errors.items() if abs(error_s) <= 0.04]
    assert len(met) >= 5  # of six cuts and the end
    heard = record.metrics["hit_errors_s"]
    assert all(heard[id_] is not None and abs(heard[id_]) <= 0.04 for id_ in met if id_ != "end")
    assert record.metrics["sch"]["value"] >= 4 / 6
    assert record.metrics["largest_stretch"] <= 0.06 + 1e-4
    assert record.tempo_map.beats_s[0] <= 0
    assert record.tempo_map.beats_s[-1] >= 22


@pytest.mark.slow
def test_the_music_is_as_long_and_as_loud_as_it_should_be(made: Scored) -> None:
    music = read_wav(made.wav)
    assert len(music) == 22 * RATE_HZ
    assert integrated_lufs(music) == pytest.approx(-16, abs=0.5)
    assert not music[-1].any()
    assert np.abs(music[0]).max() < 0.05
    tail = np.sqrt((music[-480:] ** 2).mean())
    assert tail < 0.1 * np.sqrt((music[-3 * RATE_HZ : -2 * RATE_HZ] ** 2).mean())


@pytest.mark.slow
def test_the_take_tells_what_was_done_and_is_made_again_from_its_folder(made: Scored, tmp_path: Path) -> None:
    record = read_record(made.folder)
    assert record == made.record
    assert record.fitted is not None
    assert record.fitted.name == "My Söng.wav"
    assert (made.folder / record.fitted.song).is_file()
    assert (made.folder / "report.html").stat().st_size > 10_000
    pieces = heard_pieces(record)
    assert len(pieces) == 1
    assert 0 <= pieces[0].from_s < pieces[0].to_s
    again = tmp_path / "again"
    again.mkdir()
    assert remake_of(made.folder, again, StageClock()) is None
    compared = list(compare(made.folder, again))
    assert {file.name for file in compared} == {"take.json", "music.wav"}
    assert all(file.identical for file in compared)
    assert from_json(to_json(record)) == record
    assert take_id(record)


@pytest.mark.slow
def test_a_take_whose_song_was_changed_cannot_be_made_again(
    made: Scored, tmp_path: Path, try_fit: Fit, song: Path
) -> None:
    other = try_fit(song)
    assert other.record.fitted is not None
    (other.folder / other.record.fitted.song).write_bytes(b"another song")
    with pytest.raises(DocumentError, match="was changed"):
        remake_of(other.folder, tmp_path, StageClock())


@pytest.mark.slow
def test_what_is_done_to_composed_takes_is_refused_in_words(made: Scored) -> None:
    with pytest.raises(InputError, match="a song that was fitted") as told:
        OpenedTake.read(made.folder)
    assert "v2m fit" in told.value.hint


@pytest.mark.slow
def test_a_short_song_is_refused_with_the_way_out_and_repeats_with_it(tmp_path: Path, try_fit: Fit) -> None:
    path = tmp_path / "short.flac"
    soundfile.write(path, song_samples(4), RATE_HZ)
    with pytest.raises(InputError, match=r"lasts 9\.1 s, stretched 9\.6 s at most; the programme lasts 22"):
        try_fit(path)
    made = try_fit(path, settings=FitSettings(edit=True))
    pieces = heard_pieces(made.record)
    assert len(pieces) >= 3
    assert all(piece.to_s <= 9.2 for piece in pieces)
    assert made.record.metrics["sch"]["value"] >= 5 / 6


def test_a_programme_without_a_hit_gets_music_too(song: Path, try_fit: Fit) -> None:
    silent_film = replace(analysis_of([], 2.0), hits=())
    made = try_fit(song, silent_film)
    assert len(read_wav(made.wav)) == 2 * RATE_HZ
    assert made.record.metrics["hits_heard"] == 1.0


def encode(path: Path, codec: str, samples: np.ndarray) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout="stereo")
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray((samples.T * 32767).astype(np.int16).T.reshape(1, -1)), "s16", "stereo"
        )
        frame.sample_rate = RATE_HZ
        resampler = av.AudioResampler(stream.format, "stereo", RATE_HZ, frame_size=stream.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.opus", "libopus")]
)
def test_songs_are_read_from_what_they_come_in(tmp_path: Path, name: str, codec: str) -> None:
    samples = song_samples(2)
    path = encode(tmp_path / name, codec, samples)
    read = read_sound(path, longest_s=60)
    assert len(read) == pytest.approx(len(samples), abs=3000)  # coders pad with a block or two
    at = round(0.3 * RATE_HZ)
    assert np.abs(read[: at - 3000]).max() < 0.05 < np.abs(read[at - 3000 : at + 6000]).max()


def test_files_that_are_no_song_are_refused_in_words(tmp_path: Path, try_fit: Fit) -> None:
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(b"\x00broken" * 1000)
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros((30 * RATE_HZ, 2)), RATE_HZ)
    for path, kind, words in (
        (broken, MediaError, "broken.mp3"),
        (silent, InputError, "silent.wav is silent"),
        (tmp_path, MediaError, "is a folder"),
        (tmp_path / "none.wav", MediaError, "no file"),
    ):
        with pytest.raises(kind, match=words):
            try_fit(path)
    assert not list(tmp_path.glob("out/*"))


def test_damaged_songs_are_read_as_far_as_they_go_or_refused(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp3", "libmp3lame", song_samples(1)).read_bytes()
    rng, path = np.random.default_rng(4), tmp_path / "damaged.mp3"
    for _ in range(40):
        bytes_ = np.frombuffer(whole, np.uint8)[: rng.integers(1, len(whole) + 1)].copy()
        places = rng.integers(0, len(bytes_), rng.choice([1, 10, 300]))
        bytes_[places] = rng.integers(0, 256, len(places))
        path.write_bytes(bytes_.tobytes())
        with contextlib.suppress(MediaError):
            read = read_sound(path, longest_s=60)
            assert len(read)
            assert np.isfinite(read).all()


def test_a_song_is_no_album(song: Path) -> None:
    with pytest.raises(MediaError, match="minutes"):
        read_sound(song, longest_s=5)


def test_the_wish_is_checked_and_stopping_leaves_nothing(tmp_path: Path, song: Path) -> None:
    with pytest.raises(UsageError, match="25 percent"):
        FitSettings(max_stretch=0.4)
    with pytest.raises(UsageError, match="30 to 300"):
        FitSettings(tempo_bpm=5)

    def stop() -> None:
        raise CancelledError("stop")

    with pytest.raises(CancelledError), Shelf(tmp_path / "out") as shelf:
        fit(song, FILM, FitSettings(), shelf=shelf, stem="film", cancel=stop)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["librosa", "python_stretch"])
def test_a_missing_library_is_named_with_its_install_line(
    missing: str, song: Path, try_fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingPartError, match="not installed") as told:
        try_fit(song)
    assert 'pip install "v2m[fit]"' in told.value.hint
