"""Mastering: the mix at a wanted loudness, under a true-peak ceiling.

Two passes. The first measures energy by 100 ms and true peaks by 1 ms; from these a plan is made, one gain
and one limiter curve for the whole programme; the second applies it. So pieces and whole give the same bits.

Sources: EBU R 128 (loudness, true peak), ITU-R BS.1770-4. Music under a picture: -16 LUFS, -1 dBTP, the level
of streaming platforms, from which a mixer can only turn down.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from v2m.audio.limiter import apply_gains, limiter_gains
from v2m.audio.loudness import HOP_SAMPLES, LoudnessMeter, gated_lufs
from v2m.audio.peaks import FRAME_SAMPLES, PeakMeter
from v2m.errors import InputError, OutputWriteError

Samples = NDArray[np.float32]
FloatArray = NDArray[np.float64]

_PIECE_SAMPLES = 480_000  # ten seconds, a whole number of frames and hops
_SAFETY_DB = 0.3
"""The limiter aims this far under the ceiling: so much do meters differ near the top of the band."""

_ROUNDS = 6
"""Limiting takes loudness, gain makes up for it and limits more: it settles within a few rounds."""


@dataclass(frozen=True)
class MasterSettings:
    """How loud the music is delivered."""

    target_lufs: float = -16.0
    ceiling_dbtp: float = -1.0
    max_gain_db: float = 30.0
    """A near-silent mix is raised by no more than this, else its noise would be the programme."""

    def __post_init__(self) -> None:
        """Refuse levels that no delivery has.

        Raises:
            InputError: a level is not in its range.
        """
        if not -70 <= self.target_lufs <= -5:
            raise InputError(f"The target loudness is {self.target_lufs} LUFS, expected -70 to -5.")
        if not -30 <= self.ceiling_dbtp <= 0:
            raise InputError(f"The true-peak ceiling is {self.ceiling_dbtp} dBTP, expected -30 to 0.")

    @property
    def ceiling(self) -> float:
        """What the limiter aims at, linear."""
        return _amplitude(self.ceiling_dbtp - _SAFETY_DB)


@dataclass(frozen=True)
class MasterPlan:
    """What is done to every sample."""

    gain: float
    """Linear, before the limiter."""

    limiter: FloatArray
    """The limiter's gain at the edges of frames, (frames + 1,)."""

    first_frame: int = 0
    """Millisecond of the programme at which the limiter's curve begins."""

    def apply(self, samples: Samples, at: int) -> Samples:
        """The mastered piece (s, 2) that begins at sample `at`."""
        return apply_gains(samples * np.float32(self.gain), self.limiter, at, self.first_frame)


class MixMeter:
    """Measures a mix piece by piece, then plans its mastering."""

    def __init__(self) -> None:
        self._loudness = LoudnessMeter()
        self._peaks = PeakMeter()

    def add(self, samples: Samples) -> None:
        """The next piece of the mix, (s, 2).

        Raises:
            InputError: a sample is not finite.
        """
        if not np.isfinite(samples).all():
            raise InputError("The mix holds samples that are not finite numbers.")
        self._loudness.add(samples)
        self._peaks.add(samples)

    def plan(self, settings: MasterSettings) -> MasterPlan:
        """The gain and limiter that bring what was measured to the wanted loudness."""
        hops, peaks = self._loudness.hop_energies(), self._peaks.frame_peaks()
        loudness = gated_lufs(hops)
        ceiling = settings.ceiling
        if not np.isfinite(loudness):
            return MasterPlan(1.0, limiter_gains(peaks, 1.0, ceiling))
        gain_db = min(settings.max_gain_db, settings.target_lufs - loudness)
        limiter = limiter_gains(peaks, _amplitude(gain_db), ceiling)
        for _ in range(_ROUNDS):
            missing = settings.target_lufs - gated_lufs(
                _limited(hops, peaks, limiter) * _amplitude(gain_db) ** 2
            )
            if missing < 0.02:
                break
            gain_db = min(settings.max_gain_db, gain_db + missing)
            limiter = limiter_gains(peaks, _amplitude(gain_db), ceiling)
        return MasterPlan(_amplitude(gain_db), limiter)

    def excerpt_plan(self, gain: float, settings: MasterSettings, first_frame: int) -> MasterPlan:
        """The plan of the whole programme, whose gain is known, where only an excerpt was measured.

        Args:
            gain: of the whole.
            settings: as for the whole.
            first_frame: millisecond at which the excerpt begins, a whole second; the plan holds from
                `FORGETS_FRAMES` later on, or from the start if the excerpt begins there.
        """
        return MasterPlan(gain, limiter_gains(self._peaks.frame_peaks(), gain, settings.ceiling), first_frame)


def _limited(hops: FloatArray, peaks: Samples, limiter: FloatArray) -> FloatArray:
    """Hops' energies after the limiter, as if each millisecond's energy went with its peak squared."""
    energy = np.square(peaks, dtype=np.float64) + 1e-12
    starts = np.arange(0, len(energy), HOP_SAMPLES // FRAME_SAMPLES)[: len(hops)]
    kept = np.add.reduceat(energy * limiter[:-1] ** 2, starts) / np.add.reduceat(energy, starts)
    return hops * kept


def _amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def mix(stems: Mapping[str, Samples]) -> Samples:
    """The sum of stems of the same length, each (s, 2).

    Raises:
        InputError: there is no stem.
    """
    if not stems:
        raise InputError("There is nothing to mix: the arrangement has no notes.")
    first, *others = stems.values()
    out = first.copy()
    for stem in others:
        out += stem
    return out


def master(samples: Samples, settings: MasterSettings | None = None) -> Samples:
    """The mastered mix, (s, 2), the same length.

    Raises:
        InputError: the mix holds samples that are not finite.
    """
    meter = MixMeter()
    for at in range(0, len(samples), _PIECE_SAMPLES):
        meter.add(samples[at : at + _PIECE_SAMPLES])
    plan = meter.plan(settings or MasterSettings())
    out = np.empty_like(samples)
    for at in range(0, len(samples), _PIECE_SAMPLES):
        out[at : at + _PIECE_SAMPLES] = plan.apply(samples[at : at + _PIECE_SAMPLES], at)
    return out


def master_blocks(blocks: Iterable[Samples], settings: MasterSettings | None = None) -> Iterator[Samples]:
    """The mastered mix in pieces, in flat memory: the mix waits in a temporary file between the passes.

    Raises:
        InputError: the mix holds samples that are not finite.
        OutputWriteError: the temporary file, 23 MB a minute, could not be written.
    """
    meter = MixMeter()
    with tempfile.TemporaryFile(prefix="v2m-mix-") as spool:
        try:
            for block in blocks:
                meter.add(block)
                spool.write(np.ascontiguousarray(block, np.float32).tobytes())
            spool.seek(0)
        except OSError as error:
            raise OutputWriteError(
                f"The mix could not be kept in {tempfile.gettempdir()}: {error.strerror}.",
                hint="Free some space there, or set TMPDIR to a folder that has it.",
            ) from error
        plan = meter.plan(settings or MasterSettings())
        at = 0
        while piece := spool.read(_PIECE_SAMPLES * 8):
            samples = np.frombuffer(piece, np.float32).reshape(-1, 2)
            yield plan.apply(samples, at)
            at += len(samples)
