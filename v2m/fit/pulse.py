"""The beats of a track, tracked by librosa and then put on the attacks that are heard.

Conventions: times in float seconds from the track's first sample; beats cover the whole track, those that
nothing sounds at are carried on from their neighbours. `clarity` is the correlation of the onset envelope
with itself one and two beats later, by stretches of eight seconds, the median of them: music for dancing
reaches 0.3 to 0.9, noise and speech 0.1.

Sources: beat tracking by dynamic programming (Ellis 2007) as in librosa; onset strength of our own, which
places an attack to 2 ms where the tracker's hop is 12 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FloatArray
from v2m.errors import InputError
from v2m.fit.spectrum import HOP, LISTENED_HZ, Samples, Spectrum, librosa_module, spectrum_of
from v2m.metrics.heard import onset_strength
from v2m.timebase import SAMPLE_RATE_HZ

CLEAR: Final = 0.15
"""Clarity below which no beat is taken for found: noise, drones and free rubato lie at 0.1 and below."""

_AUDIBLE_DB: Final = 0.5
"""Rise of a mel band's level, on average over the bands, below which nothing is struck: a held tone's beating
rises 0.01, bowed strings 1 to 3."""

_SHORT_S: Final = 16.0
"""A shorter track is most likely a loop: it is listened to several times over."""

_LOOP_BEATS: Final = (2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Beats of a loop: one to eight bars of two, three or four."""

_AS_GOOD: Final = 0.6
"""A beat that repeats at this share of the best one's strength may be the beat: its double often does."""

_USUAL_BPM: Final = 110.0
"""Where people tap most: of two tempi an octave apart the nearer is meant, if nothing else tells."""

_PULL: Final = 0.3
"""How much that counts against what was tracked."""

_ATTACK_S: Final = 0.03
"""An attack this near to a tracked beat is the beat's own: its grid, and the width of its onsets."""

_TOLD_BY_S: Final = 150.0
"""The middle of a track tells its tempo: all of a long one would take gigabytes, and say no more."""

_WINDOW_S: Final = 8.0

_BPM_RANGE: Final = (60.0, 180.0)
"""Tempi that count as beats, as everywhere in the planner; others are halved or doubled."""


@dataclass(frozen=True)
class Pulse:
    """Where the beats of a track are."""

    beats_s: FloatArray  # (n,)
    clarity: float
    is_loop: bool = False
    """Whether the track is bars from end to end, so that its start can follow on its end."""

    @property
    def bpm(self) -> float:
        """The tempo of the middle one of its beats."""
        return 60.0 / float(np.median(np.diff(self.beats_s)))


def track_pulse(
    samples: Samples, spectrum: Spectrum, *, bpm: float | None = None, name: str = "The song"
) -> Pulse:
    """The beats of a track (s, 2) at 48 kHz.

    Args:
        samples: the track.
        spectrum: what it is made of.
        bpm: its tempo, where the user says it; then whatever beats are found are taken.
        name: what the track is called in an error.

    Raises:
        InputError: it is silent or too short, or no beat can be made out.
    """
    duration_s = len(samples) / SAMPLE_RATE_HZ
    if float(np.abs(samples).max(initial=0.0)) < 1e-3:  # -60 dB of full scale at its loudest
        raise InputError(f"{name} is silent, expected music.", hint="Check that it plays elsewhere.")
    copies = 1 if duration_s >= _SHORT_S else int(np.ceil(2 * _SHORT_S / duration_s))
    heard = spectrum if copies == 1 else spectrum_of(np.tile(samples, (copies, 1)))
    envelope = heard.onset_strength
    beats = _tracked(envelope, bpm)
    clarity = _clarity(envelope, beats)
    if len(beats) < 4 or (clarity < CLEAR and bpm is None):
        raise InputError(
            f"{name} has no steady beat that can be made out (clarity {clarity:.2f}, expected {CLEAR} or "
            "more).",
            hint="Give its tempo with --tempo if it has one, or choose a song with a clearer pulse.",
        )
    beats_s = _folded(beats * HOP / LISTENED_HZ)
    grid = None
    if copies > 1:
        grid = _loop_grid(envelope, duration_s, bpm or 60.0 / float(np.median(np.diff(beats_s))))
        beats_s = _of_one_copy(beats_s, duration_s) if grid is None else grid
    beats_s = _on_attacks(beats_s, samples)
    if len(beats_s) < 2:
        raise InputError(
            f"{name} lasts {duration_s:.2f} s, too short for a beat to be made out.",
            hint="Choose a song of some bars.",
        )
    return Pulse(_covering(beats_s, duration_s), clarity, is_loop=grid is not None)


def _tracked(envelope: FloatArray, bpm: float | None) -> NDArray[np.int64]:
    """Frames of the envelope that are beats."""
    if float(np.ptp(envelope)) < _AUDIBLE_DB:
        return np.zeros(0, np.int64)
    if bpm is None:
        middle = len(envelope) // 2
        reach = int(_TOLD_BY_S * LISTENED_HZ / HOP / 2)
        piece = envelope[max(0, middle - reach) : middle + reach]
        bpm = float(librosa_module().feature.tempo(onset_envelope=piece, sr=LISTENED_HZ, hop_length=HOP)[0])
    _, beats = librosa_module().beat.beat_track(
        onset_envelope=envelope, sr=LISTENED_HZ, hop_length=HOP, bpm=bpm, trim=False
    )
    return np.asarray(beats, np.int64)


def _clarity(envelope: FloatArray, beats: NDArray[np.int64]) -> float:
    size = int(_WINDOW_S * LISTENED_HZ / HOP)
    found = []
    for start in range(0, max(1, len(envelope) - size + 1), size // 2):
        inside = beats[(beats >= start) & (beats < start + size)]
        if len(inside) < 4:
            found.append(0.0)
            continue
        piece = envelope[start : start + size] - envelope[start : start + size].mean()
        lag = float(np.median(np.diff(inside)))
        found.append((_correlation(piece, lag) + _correlation(piece, 2 * lag)) / 2)
    return float(np.median(found))


def _correlation(piece: FloatArray, lag: float) -> float:
    """The best correlation of an envelope without its mean with itself about a lag later."""
    power = float(piece @ piece) + 1e-12
    lags = range(max(1, int(lag * 0.93)), int(np.ceil(lag * 1.07)) + 1)  # as far as a tempo is even
    usable = [k for k in lags if k < len(piece) * 0.7]
    return max(
        (float(piece[:-k] @ piece[k:]) / power * len(piece) / (len(piece) - k) for k in usable), default=0.0
    )


def _folded(beats_s: FloatArray) -> FloatArray:
    """Beats at a tempo that counts as one: every other one, or those between as well."""
    bpm = 60.0 / float(np.median(np.diff(beats_s)))
    slow, fast = _BPM_RANGE
    if bpm > fast:
        return beats_s[::2]
    if bpm < slow:
        between = (beats_s[:-1] + beats_s[1:]) / 2
        return np.sort(np.concatenate([beats_s, between]))
    return beats_s


def _loop_grid(envelope: FloatArray, duration_s: float, bpm: float) -> FloatArray | None:
    """Even beats from end to end, where the track is a loop of bars; None where its sound speaks against."""
    counts = [n for n in _LOOP_BEATS if _BPM_RANGE[0] <= 60.0 * n / duration_s <= _BPM_RANGE[1]]
    per_s = LISTENED_HZ / HOP
    repeats = {n: _correlation(envelope - envelope.mean(), duration_s / n * per_s) for n in counts}
    good = [n for n in counts if repeats[n] >= max(CLEAR, _AS_GOOD * max(repeats.values()))]
    if not good:
        return None
    tempi = {n: 60.0 * n / duration_s for n in good}
    count = min(good, key=lambda n: abs(np.log(tempi[n] / bpm)) + _PULL * abs(np.log(tempi[n] / _USUAL_BPM)))
    return np.asarray(np.arange(count + 1) * (duration_s / count), np.float64)


def _of_one_copy(beats_s: FloatArray, duration_s: float) -> FloatArray:
    """The beats of the second time through a loop, from its start."""
    inside = beats_s[(beats_s >= duration_s - 0.05) & (beats_s < 2 * duration_s - 0.05)] - duration_s
    return np.asarray(np.maximum(inside, 0.0))


def _on_attacks(beats_s: FloatArray, samples: Samples) -> FloatArray:
    """Each beat on the strongest attack beside it; where there is none it stays."""
    moved = beats_s.copy()
    mono = samples.mean(axis=1)
    hop_s = 0.002  # of `onset_strength`
    reach = round(2 * _ATTACK_S * SAMPLE_RATE_HZ)
    for i, beat_s in enumerate(beats_s):
        if beat_s > len(mono) / SAMPLE_RATE_HZ - _ATTACK_S:
            continue  # the end of a loop: its attack is the one at the start
        middle = round(beat_s * SAMPLE_RATE_HZ)
        first = max(0, middle - reach)
        piece = mono[first : middle + reach]
        if len(piece) < reach // 2:
            continue
        strength = onset_strength(piece, SAMPLE_RATE_HZ)
        times_s = first / SAMPLE_RATE_HZ + np.arange(len(strength)) * hop_s
        near = np.abs(times_s - beat_s) <= _ATTACK_S
        if near.any() and strength[near].max() > 3 * np.median(strength) + 1e-3:
            moved[i] = times_s[near][np.argmax(strength[near])]
    keep = np.diff(moved, prepend=-np.inf) > 0.15  # 400 a minute: two beats found one attack
    return np.asarray(moved[keep])


def _covering(beats_s: FloatArray, duration_s: float) -> FloatArray:
    """The beats carried on to both ends of the track, and those beyond them taken away."""
    first_s = float(np.median(np.diff(beats_s[:5])))
    last_s = float(np.median(np.diff(beats_s[-5:])))
    before = beats_s[0] - first_s * np.arange(int((beats_s[0] + 0.02) / first_s), 0, -1)
    after = beats_s[-1] + last_s * np.arange(1, int((duration_s - beats_s[-1] + 0.02) / last_s) + 1)
    whole = np.concatenate([np.maximum(before, 0.0), beats_s, np.minimum(after, duration_s)])
    return np.asarray(whole[(whole >= 0) & (whole <= duration_s)])
