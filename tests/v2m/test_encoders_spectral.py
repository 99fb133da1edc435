"""The music encoder: its definition, what it hears, and what it must not mind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m import curves
from v2m.encoders import spectral
from v2m.errors import InputError

RATE_HZ = 48_000


def tone(hz: float, duration_s: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate_hz)) / rate_hz).astype(np.float32)


def drums(duration_s: float, crashes_s: tuple[float, ...] = ()) -> np.ndarray:
    """A steady beat of 120 BPM: kick on each, snare on every second, hats between; and some crashes."""
    noise = np.random.default_rng(2).standard_normal(RATE_HZ * 2)
    ring_s = np.arange(len(noise)) / RATE_HZ
    kick = 0.6 * np.sin(2 * np.pi * 55 * ring_s) * np.exp(-18 * ring_s)
    snare, hat, crash = (level * noise * np.exp(-decay * ring_s) for level, decay in
                         [(0.3, 30), (0.12, 80), (0.5, 2.5)])  # fmt: skip
    music = np.zeros(round((duration_s + 2) * RATE_HZ))
    for beat in range(round(duration_s * 2)):
        for sound, at_s in [(kick, beat / 2), (hat, beat / 2 + 0.25), (snare, beat / 2)][: 2 + beat % 2]:
            begin = round(at_s * RATE_HZ)
            music[begin : begin + len(sound)] += sound[: len(music) - begin]
    for at_s in crashes_s:
        begin = round(at_s * RATE_HZ)
        music[begin : begin + len(crash)] += crash
    return music[: round(duration_s * RATE_HZ)].astype(np.float32)


def music_curve(samples: np.ndarray, rate_hz: int = RATE_HZ) -> curves.EventCurve:
    return curves.event_curve(spectral.encode(samples, rate_hz), len(samples) / rate_hz, rate_hz=24)


def test_golden_vectors(repository: Path) -> None:
    """Against a direct Fourier sum, see `about` in the file."""
    golden = json.loads((repository / "tests" / "golden" / "spectral_features.json").read_text())
    low, high = tone(440, 0.1, 8000), tone(1320, 0.1, 8000)
    late = np.arange(800) >= 400
    got = spectral.encode(0.5 * low * np.where(late, 0.2, 1) + 0.3 * high * late, 8000)
    np.testing.assert_allclose(got.values, golden["rows"], atol=2e-5)
    np.testing.assert_allclose(got.times_s, np.arange(5) * 0.02)


@pytest.mark.parametrize(("hz", "pitch_class"), [(261.63, 0), (440.0, 9), (622.25, 3), (1567.98, 7)])
def test_a_tone_shows_its_pitch_class(hz: float, pitch_class: int) -> None:
    chroma = spectral.encode(tone(hz, 0.5), RATE_HZ).values[5:-5, 65:77]
    assert np.all(chroma.argmax(axis=1) == pitch_class)


@settings(max_examples=30)
@given(st.integers(0, 30_000), st.sampled_from([8000, 11025, 22050, 44100, 48000]), st.integers(1, 3))
def test_any_sound_gives_finite_rows_of_the_right_number(count: int, rate_hz: int, channels: int) -> None:
    samples = np.random.default_rng(count).normal(size=(count, channels)).astype(np.float32)
    got = spectral.encode(samples, rate_hz)
    assert got.values.shape == (-(-count * 50 // rate_hz), 153)
    assert got.values.dtype == np.float32
    assert np.isfinite(got.values).all()
    assert np.all(np.linalg.norm(got.values, axis=1) > 7)  # no row without a direction


@settings(max_examples=15)
@given(st.floats(-40, 20))
def test_gain_does_not_matter(gain_db: float) -> None:
    music = drums(3)
    loud = spectral.encode(music * np.float32(10 ** (gain_db / 20)), RATE_HZ)
    np.testing.assert_allclose(loud.values, spectral.encode(music, RATE_HZ).values, atol=1e-3)


def test_two_equal_channels_are_one() -> None:
    music = drums(2)
    stereo = spectral.encode(np.stack([music, music], axis=1), RATE_HZ)
    np.testing.assert_allclose(stereo.values, spectral.encode(music, RATE_HZ).values, atol=1e-5)


@pytest.mark.parametrize("rate_hz", [22_050, 32_000, 44_100])
def test_the_curve_does_not_depend_on_the_sample_rate(rate_hz: int) -> None:
    music = drums(12, (6.0,))
    other = music_curve(soxr.resample(music, RATE_HZ, rate_hz), rate_hz)
    assert np.corrcoef(music_curve(music).values, other.values)[0, 1] >= 0.98


def test_silence_and_a_held_tone_give_a_flat_curve() -> None:
    # the tone's mirror at the ends, where it has a kink, reaches in by half a second
    for samples in (np.zeros(RATE_HZ * 4, np.float32), tone(440, 4)):
        values = spectral.encode(samples, RATE_HZ).values
        assert curves.dissimilarity(values)[60:-60].max() < 1e-6


def test_an_attack_is_dated_to_a_row() -> None:
    music = np.concatenate([np.zeros(RATE_HZ), tone(523.25, 1.0)])
    times_s, change = curves.novelty(spectral.encode(music, RATE_HZ))
    assert times_s[change.argmax()] == pytest.approx(1.0, abs=0.021)


def test_a_crash_stands_above_a_steady_beat() -> None:
    curve = music_curve(drums(16, (8.0,)))
    beats = np.abs(curve.times_s - 8.0) > 1.5
    assert curve.times_s[curve.values.argmax()] == pytest.approx(8.0, abs=0.1)
    assert curve.at([8.0])[0] > 1.8 * curve.values[beats].max()


def test_a_new_section_stands_out_though_the_beat_goes_on() -> None:
    pad = sum(tone(hz, 16) for hz in (220, 277, 330))
    band = sum(tone(hz, 16) for hz in (196, 247, 294, 494, 988, 1976))
    music = drums(16)
    music[: RATE_HZ * 8] += 0.03 * pad[: RATE_HZ * 8]
    music[RATE_HZ * 8 :] += 0.1 * band[RATE_HZ * 8 :]
    curve = music_curve(music)
    assert curve.at([8.0])[0] > 1.2 * curve.values[np.abs(curve.times_s - 8.0) > 1].max()


@pytest.mark.parametrize(
    ("samples", "rate_hz"),
    [(np.zeros((2, 2, 2)), RATE_HZ), (np.zeros(9), 4000), (np.array([0.0, np.nan] * 4000), RATE_HZ)],
)
def test_what_is_no_sound_is_refused(samples: np.ndarray, rate_hz: int) -> None:
    with pytest.raises(InputError):
        spectral.encode(samples, rate_hz)


def test_real_music_changes_more_while_notes_begin(media_dir: Path) -> None:
    samples, rate_hz = soundfile.read(media_dir / "music" / "nutcracker.ogg", frames=44_100 * 40)
    _, change = curves.novelty(spectral.encode(samples, rate_hz))
    level = np.sqrt(np.square(samples.reshape(-1, rate_hz // 50 * 2)).mean(axis=1))
    rises = np.diff(level, append=level[-1])
    near_attacks = np.convolve(rises > np.quantile(rises, 0.98), np.ones(3), "same") > 0
    assert change[near_attacks].mean() > 3 * change[~near_attacks].mean()


def test_the_orchestra_coming_in_after_a_rest_is_the_top_of_the_curve(media_dir: Path) -> None:
    samples, rate_hz = soundfile.read(media_dir / "music" / "brahms_hungarian5.ogg", dtype="float32")
    before, after = (
        samples[int(34.2 * rate_hz) : int(34.6 * rate_hz)],
        samples[35 * rate_hz :][: rate_hz // 2],
    )
    assert np.abs(after).mean() > 8 * np.abs(before).mean()
    curve = music_curve(samples, rate_hz)
    assert 34.6 < curve.times_s[curve.values.argmax()] < 35.0
