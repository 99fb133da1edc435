"""Which pieces are the same recording, whatever their format, level or beginning.

A fingerprint is 32 bits for every tenth of a second: whether the difference of neighbouring bands of the
spectrum rises or falls. Pieces that share some words of 32 bits at one and the same offset are laid over each
other there; where few bits differ they are one recording.
Conventions: fingerprints (n,) uint32, ten a second.
Source: Haitsma and Kalker, "A highly robust audio fingerprinting system", ISMIR 2002.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from v2m_training.prepare.sound import resampled

Fingerprint = NDArray[np.uint32]

RATE_HZ: Final = 10
_SOUND_HZ: Final = 8000
_WINDOW: Final = 6400
"""0.8 s, eight hops: two copies whose windows lie half a hop apart still share most of their sound."""

_BACK: Final = 4
"""Hops between the two spectra that are compared, half a window: neighbours would be nearly equal."""

_BANDS: Final = 33
_LOWEST_HZ, _HIGHEST_HZ = 300.0, 2000.0  # where encoders keep the most, as in the source

_SHARED_WORDS: Final = 3
"""Equal words at one offset before two pieces are laid over each other: one may be chance."""

_COMMON: Final = 64
"""A word that so many places share says nothing: silence, held tones, loops."""

MOST_BIT_ERRORS: Final = 0.30
"""Of the bits laid over each other; 0.5 is chance, 0.35 the source's threshold for three seconds."""

_SHORTEST: Final = 5 * RATE_HZ


@dataclass(frozen=True)
class Overlap:
    """Two pieces that are one recording over some of their length."""

    first: int
    second: int
    share: float
    """Of the shorter one."""


def fingerprint(samples: NDArray[np.float32], rate_hz: int) -> Fingerprint:
    """The fingerprint of samples (s, 2)."""
    mono = resampled(samples.mean(axis=1, keepdims=True), rate_hz, _SOUND_HZ)[:, 0]
    hop = _SOUND_HZ // RATE_HZ
    if len(mono) < _WINDOW + _BACK * hop:
        return np.zeros(0, np.uint32)
    windows = np.lib.stride_tricks.sliding_window_view(mono, _WINDOW)[::hop]
    power = np.concatenate([_band_power(part) for part in np.array_split(windows, -(-len(windows) // 256))])
    slope = np.diff(power, axis=1)  # (n, 32) between neighbouring bands
    bits = (slope[_BACK:] > slope[:-_BACK]).astype(np.uint32)
    return np.asarray((bits << np.arange(32, dtype=np.uint32)).sum(axis=1), np.uint32)


def _band_power(windows: NDArray[np.float32]) -> NDArray[np.float64]:
    spectrum = np.abs(scipy.fft.rfft(windows * np.hanning(_WINDOW).astype(np.float32), axis=1)) ** 2
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1) * _WINDOW / _SOUND_HZ
    bins = edges.round().astype(int)
    return np.asarray(np.add.reduceat(spectrum[:, : bins[-1]], bins[:-1], axis=1), np.float64)


def overlaps(prints: Sequence[Fingerprint]) -> Iterator[Overlap]:
    """All pairs of pieces that are one recording over at least five seconds."""
    votes: Counter[tuple[int, int, int]] = Counter()
    for first, second, offset in _equal_words(prints):
        votes[first, second, offset] += 1
    found: dict[tuple[int, int], float] = {}
    for (first, second, offset), count in votes.items():
        if count >= _SHARED_WORDS:
            share = _agreement(prints[first], prints[second], offset)
            found[first, second] = max(share, found.get((first, second), 0.0))
    yield from (
        Overlap(first, second, share) for (first, second), share in sorted(found.items()) if share > 0
    )


def _equal_words(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, int, int]]:
    """(first, second, offset) of equal words in two pieces; the second's place is the first's less offset."""
    words = np.concatenate([*prints, np.zeros(0, np.uint32)])
    pieces = np.repeat(np.arange(len(prints)), [len(one) for one in prints])
    places = np.concatenate([np.arange(len(one)) for one in prints] or [np.zeros(0, int)])
    order = np.argsort(words, kind="stable")
    words, pieces, places = words[order], pieces[order], places[order]
    counts = np.unique(words, return_counts=True)[1]
    rare = np.repeat(counts <= _COMMON, counts) & (words != 0) & (words != 0xFFFFFFFF)
    words, pieces, places = words[rare], pieces[rare], places[rare]
    for step in range(1, min(_COMMON, len(words))):
        same = (words[step:] == words[:-step]) & (pieces[step:] != pieces[:-step])
        if not (words[step:] == words[:-step]).any():
            return
        here = np.flatnonzero(same)
        # equal words lie in the order of their pieces, since the sort is stable
        offsets = places[here] - places[here + step]
        yield from zip(pieces[here].tolist(), pieces[here + step].tolist(), offsets.tolist(), strict=True)


def _agreement(first: Fingerprint, second: Fingerprint, offset: int) -> float:
    """Share of the shorter piece that the overlap covers, 0 where it is no overlap."""
    start, stop = max(0, offset), min(len(first), len(second) + offset)
    if stop - start < _SHORTEST:
        return 0.0
    differing = first[start:stop] ^ second[start - offset : stop - offset]
    if np.unpackbits(differing.view(np.uint8)).mean() > MOST_BIT_ERRORS:
        return 0.0
    return (stop - start) / min(len(first), len(second))
