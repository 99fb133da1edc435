"""Exact time: seconds, frames, timecode and samples as rationals that never drift.

Conventions: a time is a `Fraction` of seconds counted from the first frame of the programme; a frame
number is an `int`; a rate is a `Fraction` in frames a second. `float` seconds appear only at the edge.
Sources: SMPTE ST 12-1 (drop-frame counting); the rates are those that editors write.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from v2m.errors import InputError, UsageError

SAMPLE_RATE_HZ = 48_000
"""The delivery rate: a frame is a whole number of samples at 24000/1001, 24, 25, 30, 50 and 60."""

KNOWN_RATES: tuple[Fraction, ...] = tuple(
    Fraction(n, d)
    for n, d in (
        (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48000, 1001), (48, 1), (50, 1),
        (60000, 1001), (60, 1), (100, 1), (120000, 1001), (120, 1),
        (8, 1), (10, 1), (12, 1), (25, 2), (15000, 1001), (15, 1), (16, 1), (18, 1), (20, 1),
    )
)  # fmt: skip
"""The rates that cameras and editors mean; every spelling of one (23.98, 23.976024627685547) snaps to it."""

_SNAP_TOLERANCE = Fraction(1, 4000)
"""Relative. 23.98 is 1.7e-4 off 24000/1001 and 24 is 1e-3 off: a quarter of a thousandth parts the two."""

MAX_RATE = Fraction(1000)


def snap_rate(rate: float | str | Fraction) -> Fraction:
    """The exact rate that a written one means: `23.976024627685547`, `"23.98"`, `"29.97 DF"`, `"24000/1001"`.

    A rate near none of `KNOWN_RATES` is kept, as the nearest ratio with a denominator up to 1001.

    Raises:
        InputError: the rate is not a finite number in (0, 1000].
    """
    exact = _as_fraction(rate)
    if not 0 < exact <= MAX_RATE:
        raise InputError(f"The frame rate is {rate}, expected a number above 0 and up to {MAX_RATE}.")
    nearest = min(KNOWN_RATES, key=lambda known: abs(known - exact))
    if abs(nearest - exact) <= nearest * _SNAP_TOLERANCE:
        return nearest
    return exact.limit_denominator(1001) or exact


def _as_fraction(rate: float | str | Fraction) -> Fraction:
    if isinstance(rate, str):
        rate = re.sub(r"\s*(n?df|fps|p|i)\s*$", "", rate.strip(), flags=re.IGNORECASE)
    try:
        return Fraction(rate)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise InputError(f"The frame rate is {rate!r}, expected one such as 23.976 or 30000/1001.") from error


def frame_to_seconds(frame: int, rate: Fraction) -> Fraction:
    """The time at which a frame begins, exactly."""
    return Fraction(frame) / rate


def seconds_to_frame(seconds: Fraction, rate: Fraction) -> int:
    """The frame whose beginning is nearest; a tie goes to the later frame."""
    return math.floor(seconds * rate + Fraction(1, 2))


def seconds_to_sample(seconds: Fraction, sample_rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """The sample nearest to a time; a tie goes to the later sample."""
    return math.floor(seconds * sample_rate_hz + Fraction(1, 2))


def samples_covering(seconds: Fraction, sample_rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """The least number of samples that last so long.

    At 30000/1001 a frame is 1601.6 samples: two are 3204, for a reader that counts the whole frames of a file
    finds only one in 3203.
    """
    return math.ceil(seconds * sample_rate_hz)


def frame_to_sample(frame: int, rate: Fraction, sample_rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """The sample nearest to the beginning of a frame: computed from zero each time, so it never drifts."""
    return seconds_to_sample(frame_to_seconds(frame, rate), sample_rate_hz)


def on_frame(seconds: Fraction, rate: Fraction) -> Fraction:
    """The beginning of the frame nearest to a time."""
    return frame_to_seconds(seconds_to_frame(seconds, rate), rate)


def float_to_fraction(seconds: float, what: str = "time") -> Fraction:
    """A finite float as a Fraction on a grid of a microsecond.

    Raises:
        InputError: the value is NaN or infinite.
    """
    if not math.isfinite(seconds):
        raise InputError(f"The {what} is {seconds}, expected a finite number of seconds.")
    return Fraction(round(seconds * 1_000_000), 1_000_000)


# --- timecode ---------------------------------------------------------------------------------------


def can_drop_frames(rate: Fraction) -> bool:
    """Drop-frame timecode exists at 30000/1001, 60000/1001 and 120000/1001 only."""
    return rate in (Fraction(30000, 1001), Fraction(60000, 1001), Fraction(120000, 1001))


def _drop_counts(rate: Fraction) -> tuple[int, int, int, int]:
    nominal = round(rate)  # 30, 60 or 120 numbers a second are counted
    dropped = nominal // 15  # 2, 4 or 8 numbers are skipped each minute that is no multiple of ten
    per_minute = nominal * 60 - dropped
    return nominal, dropped, per_minute, per_minute * 10 + dropped


def frame_to_timecode(frame: int, rate: Fraction, *, drop_frame: bool = False) -> str:
    """`HH:MM:SS:FF`, or `HH:MM:SS;FF` in drop-frame counting; negative frames get a leading minus.

    Raises:
        InputError: drop-frame counting was asked for at a rate that has none.
    """
    sign, frame = ("-", -frame) if frame < 0 else ("", frame)
    nominal = _nominal(rate)
    if drop_frame:
        frame += _skipped_before(frame, rate)
    seconds, frames = divmod(frame, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}{';' if drop_frame else ':'}{frames:02d}"


def _nominal(rate: Fraction) -> int:
    return max(1, math.floor(rate + Fraction(1, 2)))


def _skipped_before(frame: int, rate: Fraction) -> int:
    if not can_drop_frames(rate):
        raise InputError(f"Drop-frame timecode was asked for at {rate} frames a second, which has none.")
    _, dropped, per_minute, per_ten_minutes = _drop_counts(rate)
    tens, rest = divmod(frame, per_ten_minutes)
    minutes = max(0, (rest - dropped) // per_minute)
    return dropped * (9 * tens + minutes)


_TIMECODE = re.compile(r"(-?)(\d{1,3}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")


def timecode_to_frame(timecode: str, rate: Fraction) -> int:
    """The frame that a timecode names; a `;` or `,` before the frames means drop-frame counting.

    Raises:
        InputError: it is no timecode, a field is out of range, or the name is one that drop-frame skips.
    """
    match = _TIMECODE.fullmatch(timecode.strip())
    if match is None:
        raise InputError(f"{timecode!r} is no timecode, expected HH:MM:SS:FF or HH:MM:SS;FF.")
    sign, hours, minutes, seconds, separator, frames = match.groups()
    nominal = _nominal(rate)
    if int(minutes) > 59 or int(seconds) > 59 or int(frames) >= nominal:
        raise InputError(f"The timecode {timecode} has a field out of range at {rate} frames a second.")
    total_minutes = int(hours) * 60 + int(minutes)
    frame = (total_minutes * 60 + int(seconds)) * nominal + int(frames)
    if separator in ";,":
        frame -= _skipped_by_name(timecode, total_minutes, int(seconds), int(frames), rate)
    return -frame if sign else frame


def _skipped_by_name(timecode: str, minutes: int, seconds: int, frames: int, rate: Fraction) -> int:
    if not can_drop_frames(rate):
        raise InputError(f"The timecode {timecode} is drop-frame, but {rate} frames a second has none.")
    _, dropped, _, _ = _drop_counts(rate)
    if minutes % 10 and seconds == 0 and frames < dropped:
        raise InputError(f"The timecode {timecode} does not exist: drop-frame counting skips it.")
    return dropped * (minutes - minutes // 10)


def parse_time(text: str, rate: Fraction, *, start_frame: int = 0, drop_frame: bool = False) -> Fraction:
    """A time from the command line: `12.4` or `12.4s` seconds, `120f` frames, or a timecode.

    Args:
        text: what the user wrote.
        rate: frames a second of the timeline.
        start_frame: the timeline's first frame; a timecode counts from it, seconds and frames from zero.
        drop_frame: whether the timeline counts in drop-frame; then so does a timecode written with colons,
            else it would be 3.6 s off an hour into the timeline.

    Raises:
        UsageError: it is none of the three.
    """
    text = text.strip()
    try:
        if ":" in text:
            if drop_frame:
                text = re.sub(r":(\d+)$", r";\1", text)
            return frame_to_seconds(timecode_to_frame(text, rate) - start_frame, rate)
        if re.fullmatch(r"-?\d+f", text):
            return frame_to_seconds(int(text[:-1]), rate)
        if re.fullmatch(r"-?\d+(\.\d+)?s?|-?\.\d+s?", text):
            return Fraction(text.rstrip("s"))
    except InputError as error:
        raise UsageError(error.message) from error
    raise UsageError(
        f"{text!r} is no time, expected seconds (12.4), frames (120f) or timecode (00:00:12:10)."
    )
