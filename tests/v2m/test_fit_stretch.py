"""Stretched music: attacks where the map says, tones without a seam, a copy where nothing stretches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from v2m.fit.course import Piece, Warp
from v2m.fit.stretch import CourseSound, stretched
from v2m.stages import never_cancel

RATE_HZ = 48000
SONG_S = 12.0
BEATS_S = np.arange(0.0, SONG_S, 0.5)


def drums() -> np.ndarray:
    """A burst of noise on each beat, from silence."""
    rng = np.random.default_rng(1)
    out = np.zeros((int(SONG_S * RATE_HZ), 2), np.float32)
    for beat_s in BEATS_S:
        at = round(beat_s * RATE_HZ)
        out[at : at + 4800] += np.exp(-np.arange(4800) / 900)[:, None] * rng.normal(0, 0.2, (4800, 1))
    return out


def chord() -> np.ndarray:
    times_s = np.arange(int(SONG_S * RATE_HZ)) / RATE_HZ
    tones = sum(0.08 * np.sin(2 * np.pi * hz * times_s) for hz in (110.0, 164.8, 277.2, 440.0))
    return np.repeat(np.asarray(tones, np.float32)[:, None], 2, axis=1)


def swinging(depth: float, period: float) -> Warp:
    """A map whose stretch swings by so much."""
    stretch = 1 + depth * np.sin(np.arange(len(BEATS_S) - 1) / period)
    return Warp(BEATS_S, np.concatenate([[0.0], np.cumsum(0.5 * stretch)]))


def sound_of(samples: np.ndarray, warp: Warp, seconds: float = 10.0) -> np.ndarray:
    sound = CourseSound(samples, [Piece(0.0, 0.0, SONG_S)])
    return np.concatenate(list(stretched(sound, warp, round(seconds * RATE_HZ), never_cancel)))


def attack_s(samples: np.ndarray, near_s: float) -> float:
    """Where the loudness passes a tenth of its peak, around a time."""
    first = round((near_s - 0.1) * RATE_HZ)
    power = np.convolve(samples[first : first + 9600].mean(axis=1) ** 2, np.ones(48) / 48, "same")
    return (first + int(np.argmax(power > 0.1 * power.max()))) / RATE_HZ


@pytest.mark.slow
@settings(max_examples=5)
@given(st.floats(-0.06, 0.06), st.floats(1.5, 12.0))
def test_beats_land_within_five_milliseconds_of_the_map(depth: float, period: float) -> None:
    samples, warp = drums(), swinging(depth, period)
    out = sound_of(samples, warp)
    planned = warp.times(BEATS_S)
    for beat_s, time_s in zip(BEATS_S, planned, strict=True):
        if 0.2 < time_s < 9.8:
            late = attack_s(out, float(time_s)) - attack_s(samples, float(beat_s)) - (time_s - beat_s)
            assert abs(late) <= 0.005


@pytest.mark.slow
@settings(max_examples=2)
@given(st.floats(0.02, 0.06), st.floats(1.5, 12.0))
def test_no_seam_is_heard_in_a_held_chord(depth: float, period: float) -> None:
    out = sound_of(chord(), swinging(depth, period))[4800:-4800, 0]
    level = np.sqrt(np.convolve(out**2, np.ones(2400) / 2400, "valid"))
    plain = chord()[4800:-4800, 0]
    steady = np.sqrt(np.convolve(plain**2, np.ones(2400) / 2400, "valid"))
    assert 20 * np.log10(level.min() / steady.min()) > -1.5
    assert 20 * np.log10(level.max() / steady.max()) < 1.5
    clicks = signal.sosfilt(signal.butter(6, 3000, "hp", fs=RATE_HZ, output="sos"), out)[4800:]
    assert 20 * np.log10(np.abs(clicks).max()) < -60


def test_what_is_not_stretched_is_copied() -> None:
    samples = drums()
    shifted = Warp(BEATS_S + 1.0, BEATS_S)
    out = sound_of(samples, shifted, 8.0)
    assert np.array_equal(out, samples[RATE_HZ : 9 * RATE_HZ])


class Watched:
    """Ten minutes of sound, quickly told, that knows how much of it was asked for at once."""

    def __init__(self) -> None:
        self.longest = 0

    def __len__(self) -> int:
        return 600 * RATE_HZ

    def __getitem__(self, span: slice) -> np.ndarray:
        first, last, _ = span.indices(len(self))
        self.longest = max(self.longest, last - first)
        places = np.arange(first, last, dtype=np.int64) * 7919 % 997
        return np.repeat((places / 997 - 0.5).astype(np.float32)[:, None], 2, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(("pace", "seconds"), [(1.0, 150.0), (1.03, 90.0)])
def test_however_long_one_pace_lasts_a_minute_of_it_is_read_at_once(pace: float, seconds: float) -> None:
    song, beats_s = Watched(), np.arange(0.0, 500.0, 0.5)
    sound = CourseSound(song, [Piece(0.0, 0.0, 600.0)])
    out = stretched(sound, Warp(beats_s, beats_s * pace), round(seconds * RATE_HZ), never_cancel)
    at = 0
    for piece in out:
        if pace == 1:
            assert np.array_equal(piece, Watched()[at : at + len(piece)])
        at += len(piece)
    assert at == round(seconds * RATE_HZ)
    assert song.longest < 61 * RATE_HZ


@pytest.mark.parametrize("seconds", [0.1, 0.26, 1.0, 9.999])
def test_the_music_is_as_long_as_asked_and_comes_out_the_same_again(seconds: float) -> None:
    warp = swinging(0.05, 4.0)
    out = sound_of(drums(), warp, seconds)
    assert len(out) == round(seconds * RATE_HZ)
    assert np.array_equal(out, sound_of(drums(), warp, seconds))


def test_a_cut_takes_the_new_bar_up_where_the_old_one_ends() -> None:
    samples = drums()
    samples[: 4 * RATE_HZ] *= 0.5  # to tell the bars apart
    sound = CourseSound(samples, [Piece(0.0, 0.0, 2.0), Piece(2.0, 6.0, 12.0)])
    out = sound.read(0, 4 * RATE_HZ)
    cut, fade = 2 * RATE_HZ, round(0.016 * RATE_HZ)
    assert np.array_equal(out[: cut - fade], samples[: cut - fade])
    # the attack that follows on the cut is whole
    assert np.array_equal(out[cut - 100 :], samples[6 * RATE_HZ - 100 : 8 * RATE_HZ])
    tones = CourseSound(chord(), [Piece(0.0, 0.0, 2.003), Piece(2.003, 6.0, 12.0)]).read(0, 4 * RATE_HZ)
    assert np.abs(np.diff(tones[:, 0])).max() < 2 * np.abs(np.diff(chord()[:, 0])).max()


def test_there_is_silence_where_the_song_has_nothing() -> None:
    out = CourseSound(chord(), [Piece(0.0, 0.0, SONG_S)]).read(-4800, 9600)
    assert not out[:4800].any()
    assert out[4900:].any()
