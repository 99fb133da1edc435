"""A long piece of sound looked at in overlapping spans, whose rows fade into each other.

A network that was trained on half a minute is given half a minute. Each span begins in the middle of the one
before, and rows count less the nearer they are to an end of their span: a seam is no event then.
Conventions: sound in any rate, mono or not; rows evenly spaced, a whole number of them in half a span.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.encoders.protocol import Sound
from v2m.errors import InputError, MissingPartError
from v2m.stages import Cancel, never_cancel

FloatRows = NDArray[np.float32]

_CONTEXT_S: Final = 1
"""Read beyond a span on both sides and cut off again: the resampler's filter rings for some milliseconds."""


def rows_in_spans(
    samples: Sound,
    sample_rate_hz: int,
    compute: Callable[[NDArray[np.float32]], FloatRows],
    *,
    rate_hz: int,
    span_s: Fraction,
    row_s: Fraction,
    stereo: bool = False,
    cancel: Cancel = never_cancel,
) -> FloatRows:
    """The rows of a whole piece.

    Args:
        samples: (n,) or (n, channels).
        sample_rate_hz: of the samples.
        compute: rows (m, d) of sound at `rate_hz` that lasts up to `span_s`, (s,) or (s, 2).
        rate_hz: what the network wants.
        span_s: length of a span.
        row_s: time from row to row, from the beginning of a span on; half a span is a whole number of it.
        stereo: whether `compute` wants two channels; more than two are mixed down to one on both sides.
        cancel: raises CancelledError to stop; asked before each span.

    Raises:
        InputError: sound of another shape or not finite, too low a rate, or none at all.
        MissingPartError: there is no resampler.
    """
    _check(samples, sample_rate_hz)
    length_s = Fraction(len(samples), sample_rate_hz)
    whole: FloatRows | None = None
    weights = np.zeros(0, dtype=np.float32)
    start_s = Fraction(0)
    while True:
        cancel()
        part = _span(samples, sample_rate_hz, start_s, span_s, rate_hz)
        rows = compute(_two_channels(part) if stereo else _mixed(part))
        first = round(start_s / row_s)
        if whole is None:
            whole = np.zeros((round(length_s / row_s) + len(rows) + 1, rows.shape[1]), np.float32)
            weights = np.zeros(len(whole), np.float32)
        place = slice(first, first + len(rows))
        slope = nearness(len(rows))
        whole[place] += rows * slope[:, None]
        weights[place] += slope
        if start_s + span_s >= length_s:
            count = first + len(rows)
            return whole[:count] / weights[:count, None]
        start_s += span_s / 2


def nearness(count: int) -> FloatRows:
    """Weights of the rows of a span, a triangle with its top in the middle, (count,)."""
    position = (np.arange(count) + 0.5) / count
    return np.asarray(1 - np.abs(2 * position - 1), dtype=np.float32)


def _check(samples: Sound, sample_rate_hz: int) -> None:
    shape = samples[:1].shape[1:]
    if len(shape) > 1 or sample_rate_hz < 8000 or len(samples) == 0:
        raise InputError(
            f"Sound of shape {(len(samples), *shape)} at {sample_rate_hz} Hz is given, "
            "expected (samples,) or (samples, channels) at 8000 Hz or more."
        )


def _span(
    samples: Sound, sample_rate_hz: int, start_s: Fraction, length_s: Fraction, rate_hz: int
) -> NDArray[np.float32]:
    """A span at another rate, with the channels that it has."""
    # whole seconds are whole samples in both rates
    begin_s = max(0, math.floor(start_s) - _CONTEXT_S)
    end_s = math.ceil(start_s + length_s) + _CONTEXT_S
    part = samples[begin_s * sample_rate_hz : end_s * sample_rate_hz]
    sound = np.asarray(part, dtype=np.float32)
    if not np.isfinite(sound).all():
        raise InputError("The sound holds values that are no finite numbers.")
    if sample_rate_hz != rate_hz:
        sound = np.asarray(_resampler().resample(sound, sample_rate_hz, rate_hz), dtype=np.float32)
    first = round((start_s - begin_s) * rate_hz)
    return sound[first : first + round(length_s * rate_hz)]


def _mixed(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    return sound if sound.ndim == 1 else np.asarray(sound.mean(axis=1), dtype=np.float32)


def _two_channels(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    if sound.ndim == 2 and sound.shape[1] == 2:
        return sound
    return np.repeat(_mixed(sound)[:, None], 2, axis=1)


def _resampler() -> Any:  # noqa: ANN401 - a module without types
    try:
        return importlib.import_module("soxr")
    except ImportError as error:
        raise MissingPartError(
            "Sound of another rate needs the library soxr, which is not installed.",
            hint='Install it with `pip install "v2m[models]"`.',
            detail=repr(error),
        ) from error
