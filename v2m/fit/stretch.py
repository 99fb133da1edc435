"""Music at the pace of a map, by Signalsmith Stretch (MIT), which keeps pitch and attacks.

The library stretches a span of sound evenly. A map that bends is followed span by span: the map is laid along
straight lines that leave it by `_TOLERANCE_S` at most and meet on beats, each span is stretched with sound to
spare on both sides, and each begins just before its beat's attack. There the next span fades in over the one
before; where both hold the same tones it is moved by up to `_SLIP_S` so that their waves agree, and the fade
is made up for what still cancels, so that no seam is heard. A span that is not stretched is copied.

Conventions: 48 kHz stereo, (s, 2) float32; times in seconds of the programme, positions in the course.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FloatArray
from v2m.encoders.protocol import Sound
from v2m.errors import MissingPartError
from v2m.fit.course import Piece, Warp
from v2m.stages import Cancel
from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

_TOLERANCE_S: Final = 0.002
"""How far a span's even stretch may leave the map at beats within it."""

_SLIP_S: Final = 0.0015
"""How far a span may be moved for its waves to agree with those before: with the above under 5 ms in all."""

_FADE: Final = round(0.02 * SAMPLE_RATE_HZ)
"""Length of the fade between spans: two waves of the lowest tones."""

_LEAD: Final = round(0.004 * SAMPLE_RATE_HZ)
"""The fade is over so long before the beat, and leaves its attack alone."""

_SPARE: Final = round(0.15 * SAMPLE_RATE_HZ)
"""Sound on both sides of a span, which the library looks at: a block of it is 120 ms."""

_LONGEST_S: Final = 60.0
"""Of a span: an hour at one pace, as music without a beat is laid, would be read at once."""

_EVEN: Final = 1e-4
"""Stretch under this is none: a tenth of a millisecond a second."""

_AGREE: Final = 0.1
"""A span is moved only if its waves agree so much better there, as a correlation."""

_MOST_BOOST: Final = 1.5
"""Where waves cancel, the fade is made up for by no more: noise would be raised."""

_CUT_FADE: Final = round(0.012 * SAMPLE_RATE_HZ)
"""At a cut the next bar fades in over so much of the bar before it."""


def signalsmith_module() -> Any:  # noqa: ANN401 - a module whose types say nothing
    """The library that stretches.

    Raises:
        MissingPartError: it is not installed.
    """
    try:
        from python_stretch import Signalsmith
    except ImportError as error:
        raise MissingPartError(
            "Fitting a song needs python-stretch, which is not installed.",
            hint='Install it with: pip install "v2m[fit]"',
        ) from error
    return Signalsmith


class CourseSound:
    """The sound of a course, read by position; silence where the track has none."""

    def __init__(self, samples: Sound, pieces: Sequence[Piece]) -> None:
        self._samples = samples
        self._pieces = pieces

    def read(self, first: int, count: int) -> Samples:
        """So many samples from a position in the course on, which is in samples and may be negative."""
        out = np.zeros((count, 2), np.float32)
        pieces = self._pieces
        for number, piece in enumerate(pieces):
            start = round(piece.course_s * SAMPLE_RATE_HZ)
            shift = round(piece.song_s * SAMPLE_RATE_HZ) - start
            is_first, is_last = number == 0, number == len(pieces) - 1
            begin = None if is_first else start - _LEAD - _CUT_FADE
            end = None if is_last else round(pieces[number + 1].course_s * SAMPLE_RATE_HZ) - _LEAD
            self._lay(out, first, shift, begin, end)
        return out

    def _lay(self, out: Samples, first: int, shift: int, begin: int | None, end: int | None) -> None:
        """Add the part of a piece that lies in a span; it fades in from `begin` and out until `end`."""
        low = max(first, begin if begin is not None else first, -shift)
        high = min(first + len(out), end if end is not None else first + len(out), len(self._samples) - shift)
        if high <= low:
            return
        laid = self._samples[low + shift : high + shift]
        if begin is not None or end is not None:
            places, gain = np.arange(low, high), np.ones(high - low)
            if begin is not None:
                gain *= np.sin(np.clip((places - begin) / _CUT_FADE, 0, 1) * np.pi / 2)
            if end is not None:
                gain *= np.sin(np.clip((end - places) / _CUT_FADE, 0, 1) * np.pi / 2)
            laid = (laid * gain[:, None]).astype(np.float32)
        out[low - first : high - first] += laid


@dataclass(frozen=True)
class _Span:
    """A stretch of the course that sounds evenly."""

    course: float
    """In samples."""

    end_course: float
    start: int
    """In samples of the programme."""

    end: int

    @property
    def rate(self) -> float:
        """Samples of the course for each of the programme."""
        return (self.end_course - self.course) / (self.end - self.start)


def stretched(sound: CourseSound, warp: Warp, sample_count: int, cancel: Cancel) -> Iterator[Samples]:
    """The programme's music from its first sample to its last, in pieces (s, 2).

    Args:
        sound: of the course.
        warp: the map; its inner points, which are beats, are where spans may meet.
        sample_count: length of the programme.
        cancel: raises CancelledError to stop.

    Raises:
        MissingPartError: the library is not installed.
    """
    spans = _spans(warp, sample_count)
    module = signalsmith_module()
    tail = np.zeros((0, 2), np.float32)
    for number, span in enumerate(spans):
        cancel()
        is_last = number == len(spans) - 1
        fade = 0 if number == 0 else _FADE
        body = _span_sound(module, sound, span, before=_LEAD + _FADE, behind=0)
        first = body[0] + _LEAD + _FADE
        lead = 0 if number == 0 else _LEAD + _FADE
        slip = _slip(tail, body[1], first - lead) if fade else 0
        begin = first - lead + slip
        piece = body[1][begin : begin + lead + span.end - span.start].copy()
        if fade:
            piece[:_FADE] = _faded(tail, piece[:_FADE])
        keep = len(piece) if is_last else len(piece) - _LEAD - _FADE
        tail = piece[keep : keep + _FADE]
        yield piece[:keep]


def _spans(warp: Warp, sample_count: int) -> list[_Span]:
    """The programme in spans of even stretch that meet on beats."""
    duration_s = sample_count / SAMPLE_RATE_HZ
    inside = (warp.time_s > 0.25) & (warp.time_s < duration_s - 0.25)  # no span shorter than its fades
    times = np.concatenate([[0.0], warp.time_s[inside], [duration_s]])
    ends = warp.positions(times[[0, -1]])
    places = np.concatenate([ends[:1], warp.course_s[inside], ends[1:]])
    knots = _corners(places, times)
    at = np.round(times[knots] * SAMPLE_RATE_HZ).astype(int)
    course_at = places[knots] * SAMPLE_RATE_HZ
    return [
        _Span(float(course_at[k]), float(course_at[k + 1]), int(at[k]), int(at[k + 1]))
        for k in range(len(knots) - 1)
    ]


def _corners(places: FloatArray, times: FloatArray) -> list[int]:
    """Indices of the points between which straight lines stay near all others, as few as go in one pass.

    They are no farther apart than `_LONGEST_S`, where there are points between.
    """
    knots = [0]
    while knots[-1] < len(places) - 1:
        start = knots[-1]
        end = start + 1
        while end + 1 < len(places) and times[end + 1] - times[start] <= _LONGEST_S:
            if not _is_near_line(places[start : end + 2], times[start : end + 2]):
                break
            end += 1
        knots.append(end)
    return knots


def _is_near_line(places: FloatArray, times: FloatArray) -> bool:
    along = times[0] + (places - places[0]) * (times[-1] - times[0]) / (places[-1] - places[0])
    return bool(np.abs(along - times).max() <= _TOLERANCE_S)


def _span_sound(
    module: Any,  # noqa: ANN401 - see `signalsmith_module`
    sound: CourseSound,
    span: _Span,
    *,
    before: int,
    behind: int,
) -> tuple[int, Samples]:
    """A span's sound with `before` and `behind` samples and more around it, and where in it that begins."""
    slip = round(_SLIP_S * SAMPLE_RATE_HZ) + 1
    rate = span.rate
    if abs(rate - 1) < _EVEN:
        first = round(span.course) - before - slip
        return slip, sound.read(first, before + span.end - span.start + behind + 2 * slip)
    first = round(span.course) - int((before + slip) * rate) - _SPARE
    count = round(span.end_course) + int((behind + slip) * rate) + _SPARE - first
    stretcher = module.Stretch(0)  # a seed, so that the same comes again
    stretcher.preset(2, SAMPLE_RATE_HZ)
    stretcher.setTimeFactor(rate)
    out = stretcher.process(np.ascontiguousarray(sound.read(first, count).T))
    return round((span.course - first) / rate) - before, np.ascontiguousarray(out.T)


def _slip(tail: Samples, body: Samples, at: int) -> int:
    """By how many samples a span is best moved for its waves to agree with the one before."""
    reach = round(_SLIP_S * SAMPLE_RATE_HZ)
    one = tail.sum(axis=1, dtype=np.float64)
    other = body[at - reach : at + reach + len(one)].sum(axis=1, dtype=np.float64)
    products = np.correlate(other, one, "valid")
    power = np.convolve(other**2, np.ones(len(one)), "valid")
    agreement = products / np.sqrt(power * float(one @ one) + 1e-12)
    best = int(np.argmax(agreement))
    return best - reach if agreement[best] > agreement[reach] + _AGREE else 0


def _faded(tail: Samples, head: Samples) -> Samples:
    """One sound fading into another as long, its level kept whether their waves agree or cancel."""
    if np.array_equal(tail, head):
        return head
    angle = (np.arange(len(head)) + 0.5) / len(head) * np.pi / 2
    down, up = np.cos(angle), np.sin(angle)
    one, other = tail.astype(np.float64), head.astype(np.float64)
    scale = float(np.sqrt((one**2).sum() * (other**2).sum())) + 1e-12
    alike = float((one * other).sum()) / scale
    boost = np.minimum(1 / np.sqrt(np.maximum(1 + 2 * down * up * alike, 1e-3)), _MOST_BOOST)
    faded: Samples = ((one * down[:, None] + other * up[:, None]) * boost[:, None]).astype(np.float32)
    return faded
