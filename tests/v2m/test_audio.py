"""Mastering reaches its loudness under its ceiling, endings end, and files are whole or absent."""

import os
import resource
import signal as signals
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from v2m.audio import (
    Ending,
    LoudnessMeter,
    MasterSettings,
    WavReader,
    WavWriter,
    finish,
    integrated_lufs,
    master,
    master_blocks,
    mix,
    read_wav,
    true_peak_dbtp,
    write_wav,
)
from v2m.errors import InputError, MediaError, OutputExistsError, OutputWriteError
from v2m.timebase import SAMPLE_RATE_HZ, frame_to_sample

Samples = NDArray[np.float32]


def music(seconds: float, seed: int = 0, crest: float = 1.0) -> Samples:
    """Noise bursts over a chord: loud attacks, quiet rests."""
    rng = np.random.default_rng(seed)
    count = round(seconds * SAMPLE_RATE_HZ)
    time_s = np.arange(count) / SAMPLE_RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110.0, 277.2, 1318.5)) * 0.03
    # sound below 18 kHz, as recorded music is: at the very top of the band meters differ
    hiss = signal.sosfilt(
        signal.butter(8, 18_000, fs=SAMPLE_RATE_HZ, output="sos"), rng.standard_normal((count, 2)), axis=0
    )
    bursts = hiss * (np.exp(-(time_s % 0.5) * 25) * crest * 0.3)[:, None]
    return (bursts + np.stack([chord, chord[::-1]], axis=1)).astype(np.float32)


def risen_peak_db(samples: Samples) -> float:
    """True peak by an independent, finer oversampling."""
    return float(20 * np.log10(np.abs(signal.resample_poly(samples.astype(float), 8, 1)).max()))


@pytest.mark.parametrize("seed", range(3))
def test_loudness_agrees_with_an_independent_meter(seed: int) -> None:
    samples = music(7.3, seed)
    expected = pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(samples.astype(float))
    assert integrated_lufs(samples) == pytest.approx(expected, abs=0.1)


def test_a_full_scale_sine_reads_as_the_standard_says() -> None:
    sine = np.sin(2 * np.pi * 997 * np.arange(5 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    left_only = np.stack([sine, np.zeros_like(sine)], axis=1).astype(np.float32)
    assert integrated_lufs(left_only) == pytest.approx(-3.01, abs=0.02)


def test_the_true_peak_between_samples_is_seen() -> None:
    # a sine at a quarter of the rate, 45 degrees off: every sample lies 3 dB under the crest
    crest = np.sin(np.pi / 2 * np.arange(4800) + np.pi / 4) * signal.windows.tukey(4800)
    samples = np.stack([crest, crest], axis=1).astype(np.float32)
    assert np.abs(samples).max() == pytest.approx(0.7071, abs=1e-3)
    assert true_peak_dbtp(samples) == pytest.approx(0.0, abs=0.1)


@settings(max_examples=8)
@given(pieces=st.lists(st.integers(1, 30_000), min_size=1, max_size=8))
def test_loudness_and_master_do_not_depend_on_the_pieces(pieces: list[int]) -> None:
    samples = music(sum(pieces) / SAMPLE_RATE_HZ)
    cuts = np.cumsum(pieces)[:-1]
    blocks = [block for block in np.split(samples, cuts) if len(block)]
    meter = LoudnessMeter()
    for block in blocks:
        meter.add(block)
    assert meter.integrated_lufs() == pytest.approx(integrated_lufs(samples), abs=1e-9)
    whole = master(samples)
    np.testing.assert_allclose(np.concatenate(list(master_blocks(blocks))), whole, atol=1e-6)


@pytest.mark.parametrize(("target", "crest"), [(-16.0, 0.3), (-14.0, 0.5), (-23.0, 0.1)])
def test_master_reaches_its_loudness_under_its_ceiling(target: float, crest: float) -> None:
    out = master(music(5, crest=crest), MasterSettings(target_lufs=target))
    assert integrated_lufs(out) == pytest.approx(target, abs=0.3)
    assert risen_peak_db(out) <= -1.0


def test_the_ceiling_holds_even_where_the_loudness_cannot_be_had() -> None:
    out = master(music(6, crest=3.0), MasterSettings(target_lufs=-8.0))
    assert risen_peak_db(out) <= -1.0
    assert integrated_lufs(out) > -14


def test_the_limiter_clicks_nowhere() -> None:
    time_s = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    swell = np.sin(2 * np.pi * 80 * time_s) * np.where((time_s > 1) & (time_s < 1.5), 1.0, 0.1)
    samples = np.stack([swell, swell], axis=1).astype(np.float32)
    out = master(samples, MasterSettings(target_lufs=-8.0, ceiling_dbtp=-3.0))
    # away from the two seams of the test signal a sine stays a sine: no step beyond its own slope
    inside = (np.abs(time_s - 1) > 0.02) & (np.abs(time_s - 1.5) > 0.02)
    steps = np.abs(np.diff(out[:, 0]))[inside[1:]]
    assert steps.max() < 1.3 * np.abs(out).max() * 2 * np.pi * 80 / SAMPLE_RATE_HZ
    assert risen_peak_db(out) <= -3.0


def test_silence_and_scraps_pass_through() -> None:
    for count in (0, 1, 47, 5000):
        silence = np.zeros((count, 2), np.float32)
        np.testing.assert_array_equal(master(silence), silence)
    scrap = music(0.05)
    assert integrated_lufs(master(scrap)) == pytest.approx(-16, abs=1)
    assert np.isneginf(integrated_lufs(np.zeros((0, 2), np.float32)))
    assert np.isneginf(true_peak_dbtp(np.zeros((99, 2), np.float32)))


def test_what_cannot_be_mastered_is_refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        master(np.full((100, 2), np.nan, np.float32))
    with pytest.raises(InputError, match="LUFS"):
        MasterSettings(target_lufs=3)
    with pytest.raises(InputError, match="dBTP"):
        MasterSettings(ceiling_dbtp=1)
    with pytest.raises(InputError, match="no notes"):
        mix({})


def test_a_mix_is_the_sum_of_its_stems_and_leaves_them_alone() -> None:
    stems = {"drums": music(0.1, 1), "bass": music(0.1, 2), "lead": music(0.1, 3)}
    before = {part: stem.copy() for part, stem in stems.items()}
    np.testing.assert_allclose(mix(stems), sum(before.values()), atol=1e-6)
    for part, stem in stems.items():
        np.testing.assert_array_equal(stem, before[part])


@given(
    frames=st.integers(1, 200),
    rate=st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]),
    have=st.integers(0, 300_000),
    last=st.one_of(st.none(), st.floats(0, 1)),
)
def test_an_ending_is_exact_and_silent(frames: int, rate: Fraction, have: int, last: float | None) -> None:
    count = frame_to_sample(frames, rate)
    attack = None if last is None else int(last * (count - 1))
    out = finish(np.ones((have, 2), np.float32), count, last_attack=attack)
    assert out.shape == (count, 2)
    assert not out[-1].any()
    heard = out[48 : min(have, count), 0]
    assert (np.diff(heard) <= 1e-6).all()
    if len(heard) > 1:
        assert np.abs(np.diff(heard[:-1])).max() < max(0.02, 8 / count)


def test_the_last_hit_is_heard_whole_and_the_music_before_it_untouched() -> None:
    count, attack = 10 * SAMPLE_RATE_HZ, round(9.2 * SAMPLE_RATE_HZ)
    out = finish(np.ones((count, 2), np.float32), count, last_attack=attack)
    assert (out[48 : attack + round(0.1 * SAMPLE_RATE_HZ)] == 1).all()
    assert out[attack + SAMPLE_RATE_HZ // 2, 0] < 0.6


def test_an_ending_shapes_pieces_as_it_shapes_the_whole() -> None:
    samples = music(3)
    whole = finish(samples, 130_000, last_attack=90_000)
    ending = Ending(130_000, 90_000)
    pieces = [ending.shape(samples[at : at + 7000], at) for at in range(0, len(samples), 7000)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


# --- files ------------------------------------------------------------------------------------------


def test_a_written_file_reads_back_within_a_24th_bit(tmp_path: Path) -> None:
    samples = np.clip(music(1.5), -1, 1)
    write_wav(tmp_path / "a.wav", samples)
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (48000, 2, "PCM_24", len(samples))
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav"), samples, atol=2**-22)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_pieces_make_the_same_file(tmp_path: Path) -> None:
    samples = music(1)
    write_wav(tmp_path / "whole.wav", samples)
    with WavWriter(tmp_path / "pieces.wav") as writer:
        for at in range(0, len(samples), 1234):
            writer.write(samples[at : at + 1234])
    assert (tmp_path / "whole.wav").read_bytes() == (tmp_path / "pieces.wav").read_bytes()


def test_a_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match=r"a\.wav"):
        write_wav(path, music(0.1))
    assert path.read_bytes() == b"mine"
    write_wav(path, music(0.1), overwrite=True)
    assert len(read_wav(path)) == 4800


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(path)
    with pytest.raises(OutputExistsError), writer:  # noqa: PT012 - the race is the point
        writer.write(music(0.1))
        path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_an_error_midway_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), WavWriter(tmp_path / "a.wav") as writer:  # noqa: PT012
        writer.write(music(0.1))
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


_FILL = """
import sys, numpy as np
from pathlib import Path
from v2m.audio import write_wav
from v2m.errors import OutputWriteError
try:
    write_wav(Path(sys.argv[1]), np.zeros((480_000, 2), np.float32))
except OutputWriteError as error:
    sys.exit(0 if "could not be written" in error.message and error.hint else 3)
sys.exit(5)
"""


def _limit_files_to_64_kib() -> None:
    signals.signal(signals.SIGXFSZ, signals.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(tmp_path / "a.wav")],
        preexec_fn=_limit_files_to_64_kib,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda folder: write_wav(folder / "missing" / "a.wav", music(0.01)),
        lambda folder: write_wav(folder / "file" / "a.wav", music(0.01)),
    ],
)
def test_a_folder_that_takes_no_files_is_said(tmp_path: Path, call: Callable[[Path], None]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputWriteError, match="could not be written"):
        call(tmp_path)


def test_what_is_no_wav_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFFnope")
    with pytest.raises(MediaError, match="could not be read"):
        read_wav(tmp_path / "a.wav")
    soundfile.write(tmp_path / "b.wav", np.zeros(100), 44100)
    with pytest.raises(MediaError, match="44100"):
        read_wav(tmp_path / "b.wav")


def test_a_wav_is_read_span_by_span(tmp_path: Path) -> None:
    samples = music(0.5)
    write_wav(tmp_path / "a.wav", samples)
    whole = read_wav(tmp_path / "a.wav")
    with WavReader(tmp_path / "a.wav") as sound:
        assert len(sound) == len(samples)
        for span in (slice(700, 900), slice(0, 10), slice(len(samples) - 5, len(samples) + 5), slice(9, 3)):
            np.testing.assert_array_equal(sound[span], whole[span])


def test_a_wav_that_ends_early_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, music(0.5))
    with WavReader(path) as sound:
        os.truncate(path, 20_000)
        with pytest.raises(MediaError, match=r"ends before sample|could not be read"):
            sound[20_000:24_000]
