"""Exact time: every spelling of a rate, and no drift over hours."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m import timebase
from v2m.errors import InputError, UsageError

NTSC = Fraction(30000, 1001)
FILM = Fraction(24000, 1001)
RATES = (
    FILM,
    Fraction(24),
    Fraction(25),
    NTSC,
    Fraction(30),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)
HOURS_24 = 24 * 3600


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (23.976024627685547, FILM),
        (23.976, FILM),
        (23.98, FILM),
        ("23.98", FILM),
        ("24000/1001", FILM),
        (float(np.float32(24000 / 1001)), FILM),
        (24, Fraction(24)),
        (24.0, Fraction(24)),
        ("24p", Fraction(24)),
        (29.97, NTSC),
        ("29.97 DF", NTSC),
        ("29.97 fps", NTSC),
        (29.97002983093262, NTSC),
        (30.0, Fraction(30)),
        (59.94, Fraction(60000, 1001)),
        (59.9401, Fraction(60000, 1001)),
        (60, Fraction(60)),
        (47.952, Fraction(48000, 1001)),
        (119.88, Fraction(120000, 1001)),
        (12.5, Fraction(25, 2)),
        (17.3, Fraction(173, 10)),
    ],
)
def test_a_rate_snaps_to_what_was_meant(written: float | str, meant: Fraction) -> None:
    assert timebase.snap_rate(written) == meant


@pytest.mark.parametrize("nonsense", [0, -24, float("nan"), float("inf"), "fast", "24/0", 1e300, ""])
def test_a_senseless_rate_is_refused_in_one_sentence(nonsense: float | str) -> None:
    with pytest.raises(InputError, match="frame rate is"):
        timebase.snap_rate(nonsense)


@given(st.sampled_from(RATES), st.floats(-1e-4, 1e-4))
def test_a_known_rate_survives_small_errors(rate: Fraction, relative_error: float) -> None:
    assert timebase.snap_rate(float(rate) * (1 + relative_error)) == rate


@given(st.sampled_from(RATES), st.integers(0, HOURS_24 * 60))
def test_frames_come_back_from_seconds_and_samples(rate: Fraction, frame: int) -> None:
    seconds = timebase.frame_to_seconds(frame, rate)
    assert timebase.seconds_to_frame(seconds, rate) == frame
    sample = timebase.frame_to_sample(frame, rate)
    assert abs(sample - seconds * timebase.SAMPLE_RATE_HZ) <= Fraction(1, 2)
    assert timebase.seconds_to_frame(Fraction(sample, timebase.SAMPLE_RATE_HZ), rate) == frame


@given(st.sampled_from(RATES), st.integers(0, HOURS_24 * 23), st.booleans())
def test_timecode_comes_back(rate: Fraction, frame: int, drop: bool) -> None:
    drop = drop and timebase.can_drop_frames(rate)
    timecode = timebase.frame_to_timecode(frame, rate, drop_frame=drop)
    assert timebase.timecode_to_frame(timecode, rate) == frame


@given(st.integers(0, HOURS_24 * 23))
def test_drop_frame_timecode_keeps_to_the_clock(frame: int) -> None:
    timecode = timebase.frame_to_timecode(frame, NTSC, drop_frame=True)
    hours, minutes, rest = timecode.split(":")
    seconds, frames = rest.split(";")
    shown_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(frames) / 30
    # SMPTE ST 12-1: under 2 frames within ten minutes, and 3.6 ms an hour that the scheme leaves
    assert abs(shown_s - frame / NTSC) < 0.07 + shown_s / 3600 * 0.0036


@pytest.mark.parametrize(
    ("timecode", "rate", "frame"),
    [
        ("01:00:00:00", Fraction(24), 86400),
        ("01:00:00:00", NTSC, 108000),
        ("01:00:00;00", NTSC, 107892),
        ("00:01:00;02", NTSC, 1800),
        ("00:10:00;00", NTSC, 17982),
        ("00:01:00;04", Fraction(60000, 1001), 3600),
    ],
)
def test_published_timecodes(timecode: str, rate: Fraction, frame: int) -> None:
    assert timebase.timecode_to_frame(timecode, rate) == frame


@pytest.mark.parametrize(
    ("timecode", "rate"),
    [
        ("00:01:00;00", NTSC),
        ("01:00:00;00", Fraction(24)),
        ("00:60:00:00", Fraction(24)),
        ("00:00:00:24", Fraction(24)),
        ("1:2:3", Fraction(24)),
        ("hello", Fraction(24)),
    ],
)
def test_a_timecode_that_cannot_be_is_refused(timecode: str, rate: Fraction) -> None:
    with pytest.raises(InputError, match="timecode"):
        timebase.timecode_to_frame(timecode, rate)


def test_times_on_the_command_line() -> None:
    rate = Fraction(25)
    assert timebase.parse_time("12.4", rate) == Fraction(62, 5)
    assert timebase.parse_time("12.4s", rate) == Fraction(62, 5)
    assert timebase.parse_time("120f", rate) == Fraction(24, 5)
    assert timebase.parse_time("01:00:02:05", rate, start_frame=90000) == Fraction(11, 5)
    for nonsense in ("", "soon", "12,4", "1e9", "f", "00:99:00:00"):
        with pytest.raises(UsageError):
            timebase.parse_time(nonsense, rate)


def test_a_float_is_taken_to_the_microsecond_and_must_be_finite() -> None:
    assert timebase.float_to_fraction(0.1) == Fraction(1, 10)
    with pytest.raises(InputError):
        timebase.float_to_fraction(float("nan"))


@given(
    frames=st.integers(1, 2_000_000),
    rate=st.sampled_from(["24000/1001", "25", "30000/1001", "60000/1001", "120000/1001"]).map(Fraction),
)
def test_covering_samples_hold_every_whole_frame_and_no_sample_more(frames: int, rate: Fraction) -> None:
    count = timebase.samples_covering(frames / rate)
    assert Fraction(count, timebase.SAMPLE_RATE_HZ) * rate // 1 == frames
    assert Fraction(count - 1, timebase.SAMPLE_RATE_HZ) < frames / rate


@pytest.mark.parametrize("text", ["01:00:10:00", "01:00:10;00", "01:00:10,00"])
def test_a_drop_frame_timeline_is_asked_in_its_own_counting(text: str) -> None:
    rate = Fraction(30000, 1001)
    start_frame = timebase.timecode_to_frame("01:00:00;00", rate)
    time_s = timebase.parse_time(text, rate, start_frame=start_frame, drop_frame=True)
    assert time_s == timebase.frame_to_seconds(300, rate)


def test_colons_count_every_frame_where_the_timeline_does() -> None:
    rate = Fraction(30000, 1001)
    assert timebase.parse_time("01:00:10:00", rate, start_frame=108_000) == 300 / rate
