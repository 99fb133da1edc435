"""The beats, bars and sections of tracks whose beats are known, and tracks that have none."""

from pathlib import Path

import numpy as np
import pytest

from v2m.errors import InputError
from v2m.fit.form import find_form
from v2m.fit.pulse import Pulse, track_pulse
from v2m.fit.spectrum import spectrum_of
from v2m.frames.sound import read_sound

RATE_HZ = 48000


def pulse_of(samples: np.ndarray, bpm: float | None = None, name: str = "The song") -> Pulse:
    return track_pulse(samples, spectrum_of(samples), bpm=bpm, name=name)


def band(bars: int, bpm: float, start_s: float = 0.0, seed: int = 0) -> np.ndarray:
    """A hat on each beat, a kick and a new chord on each bar; twice as loud from the middle on."""
    rng = np.random.default_rng(seed)
    beat_s = 60 / bpm
    out = np.zeros((round((start_s + 4 * bars * beat_s + 1) * RATE_HZ), 2), np.float32)
    for beat in range(4 * bars):
        at = round((start_s + beat * beat_s) * RATE_HZ)
        hat = 0.1 * rng.normal(0, 1, 2400) * np.exp(-np.arange(2400) / 400)
        out[at : at + 2400] += hat[:, None]
        if beat % 4 == 0:
            count = round(3.9 * beat_s * RATE_HZ)
            times_s = np.arange(count) / RATE_HZ
            root = 110 * 2 ** (rng.choice([0, 3, 5, 7]) / 12)
            kick = 0.5 * np.sin(2 * np.pi * 55 * times_s) * np.exp(-times_s * 20)
            tones = sum(0.04 * np.sin(2 * np.pi * hz * times_s) for hz in (root, 1.5 * root, 2.52 * root))
            out[at : at + count] += ((kick + tones) * (1.0 if beat < 2 * bars else 2.0))[:, None]
    return out


def test_beats_lie_on_the_attacks_and_bars_on_the_kicks() -> None:
    samples = band(16, 104, start_s=0.8)
    pulse = pulse_of(samples)
    truth = 0.8 + np.arange(64) * 60 / 104
    off_s = np.abs(pulse.beats_s[:, None] - truth).min(axis=0)
    assert np.median(off_s) <= 0.005
    assert np.mean(off_s <= 0.02) >= 0.95
    assert pulse.bpm == pytest.approx(104, rel=0.01)
    form = find_form(spectrum_of(samples), pulse)
    assert form.beats_per_bar == 4
    bars_s = pulse.beats_s[list(form.downbeats)]
    assert np.abs(bars_s[:, None] - truth[::4]).min(axis=0).max() < 0.03
    loud = pulse.beats_s[int(np.argmax(form.moments * (pulse.beats_s > 10)))]
    assert loud == pytest.approx(0.8 + 32 * 60 / 104, abs=0.05)  # where it becomes twice as loud


def test_a_loop_has_its_beats_from_end_to_end() -> None:
    samples = band(4, 120)[: 8 * RATE_HZ]
    pulse = pulse_of(samples)
    assert pulse.is_loop
    assert pulse.beats_s[0] == pytest.approx(0.0, abs=0.01)
    assert pulse.beats_s[-1] == pytest.approx(8.0, abs=0.001)
    assert len(pulse.beats_s) == 17
    form = find_form(spectrum_of(samples), pulse)
    assert form.first_downbeat == 0
    assert form.likeness[-1, 0] == 1.0


@pytest.mark.parametrize(
    ("kind", "words"), [("silence", "is silent"), ("noise", "no steady beat"), ("drone", "no steady beat")]
)
def test_a_track_without_a_beat_is_refused_with_what_was_seen(kind: str, words: str) -> None:
    count = 20 * RATE_HZ
    times_s = np.arange(count) / RATE_HZ
    mono = {
        "silence": np.zeros(count),
        "noise": np.random.default_rng(3).normal(0, 0.1, count),
        "drone": 0.2 * np.sin(2 * np.pi * 110 * times_s),
    }[kind]
    samples = np.repeat(np.asarray(mono, np.float32)[:, None], 2, axis=1)
    with pytest.raises(InputError, match=words) as told:
        pulse_of(samples, name="wind.wav")
    assert "wind.wav" in str(told.value)
    assert told.value.hint


def test_a_frame_of_sound_is_refused_whatever_is_in_it() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (48000, 2)).astype(np.float32)
    for count in (400, 1200, 4000, 9600):
        with pytest.raises(InputError, match=r"too short|no steady beat"):
            pulse_of(noise[:count])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "bpm"),
    [
        ("loop_compus.flac", 148.0),
        ("loop_mika.flac", 120.0),
        ("loop_electric.flac", 97.0),
        ("loop_breakbeat.flac", 126.0),
        ("trumpet_90bpm.ogg", 90.0),
    ],
)
def test_loops_of_known_tempo(media_dir: Path, name: str, bpm: float) -> None:
    pulse = pulse_of(read_sound(media_dir / "music" / name, longest_s=60))
    assert min(abs(pulse.bpm * factor / bpm - 1) for factor in (0.5, 1, 2)) < 0.02


@pytest.mark.slow
def test_an_orchestra_that_plays_freely_has_no_steady_beat_unless_one_is_told(media_dir: Path) -> None:
    samples = read_sound(media_dir / "music" / "brahms_hungarian5.ogg", longest_s=60)
    with pytest.raises(InputError, match="no steady beat"):
        pulse_of(samples)
    assert pulse_of(samples, bpm=150).bpm == pytest.approx(150, rel=0.1)
