"""What librosa hears: clicks where they are, and files of any kind at the rate of the published scripts."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from v2m.errors import MediaError
from v2m.metrics.beats import RATE_HZ, detect_onsets, read_mono, track_beats, whole_seconds


def click_track(bpm: float, duration_s: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    times = np.arange(0.2, duration_s, 60 / bpm)
    return np.asarray(librosa.clicks(times=times, sr=RATE_HZ, length=round(duration_s * RATE_HZ)), np.float32)


@pytest.mark.slow
def test_the_beats_of_a_click_track_are_found() -> None:
    beats = track_beats(click_track(120, 12))
    assert beats.tempo_bpm == pytest.approx(120, rel=0.03)
    assert np.median(np.diff(beats.times_s)) == pytest.approx(0.5, abs=0.02)


def test_silence_has_no_beats() -> None:
    beats = track_beats(np.zeros(RATE_HZ, np.float32))
    assert (len(beats.times_s), beats.tempo_bpm) == (0, 0.0)


def test_onsets_follow_the_settings_asked_for() -> None:
    mono = click_track(90, 6)
    assert len(detect_onsets(mono, "loris-1s")) >= len(detect_onsets(mono, "d2m-gan-1s")) > 0
    assert whole_seconds(mono[:-1]) == 6


def test_files_are_read_as_librosa_reads_them(tmp_path: Path) -> None:
    stereo = np.random.default_rng(0).normal(0, 0.1, (30_000, 2))
    soundfile.write(tmp_path / "sound.flac", stereo, 44_100)
    stored, _ = soundfile.read(tmp_path / "sound.flac", dtype="float32")  # the steps of librosa.load
    peer = librosa.resample(librosa.to_mono(stored.T), orig_sr=44_100, target_sr=RATE_HZ)
    assert read_mono(tmp_path / "sound.flac") == pytest.approx(peer, abs=1e-6)


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.wav").write_text("no sound")
    with pytest.raises(MediaError):
        read_mono(tmp_path / "note.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), 44_100)
    with pytest.raises(MediaError):
        read_mono(tmp_path / "empty.wav")
