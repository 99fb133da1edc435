"""Sound that waits on disk, and what a model composed as such: a programme's length costs no memory.

Conventions: 48 kHz float32 (s, 2), read span by span as arrays are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Final, Self

import numpy as np

from v2m.audio import WavReader
from v2m.backbones.sound.decoding import Latents, decoded
from v2m.backbones.sound.model import LatentGrid, SoundModel
from v2m.encoders.protocol import Sound
from v2m.errors import OutputWriteError
from v2m.sound_take.files import Samples, soxr_module
from v2m.stages import Cancel
from v2m.timebase import SAMPLE_RATE_HZ

_SAMPLE_BYTES: Final = 8  # two channels of float32

BLOCK: Final = 10 * SAMPLE_RATE_HZ
"""Samples read at once where all are wanted, in turn: 4 MB."""


class Spool:
    """Sound that is written once from front to back, then read; a context manager that lets it go."""

    def __init__(self, folder: Path | None = None) -> None:
        """Open.

        Args:
            folder: where it waits; None for the system's folder of temporary files.

        Raises:
            OutputWriteError: the folder cannot be written to.
        """
        self._folder = folder
        self._count = 0
        self.peak = 0.0
        """The largest sample so far, without its sign."""
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="v2m-sound-", dir=folder)  # noqa: SIM115
        except OSError as error:
            raise self._unwritable(error) from error

    def write(self, samples: Samples) -> None:
        """The next piece, (s, 2).

        Raises:
            OutputWriteError: the disk is full.
        """
        try:
            self._file.write(np.ascontiguousarray(samples, np.float32).tobytes())
        except OSError as error:
            raise self._unwritable(error) from error
        self._count += len(samples)
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0.0)))

    def __len__(self) -> int:
        """Length in samples."""
        return self._count

    def __getitem__(self, span: slice) -> Samples:
        """The samples of a span, (s, 2)."""
        first, last, step = span.indices(self._count)
        self._file.flush()
        self._file.seek(first * _SAMPLE_BYTES)
        content = self._file.read(max(0, last - first) * _SAMPLE_BYTES)
        return np.frombuffer(content, np.float32).reshape(-1, 2)[::step]

    def close(self) -> None:
        """Let it go."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unwritable(self, error: OSError) -> OutputWriteError:
        return OutputWriteError(
            f"The sound could not be kept in {self._folder or tempfile.gettempdir()}: {error.strerror}.",
            hint="Free some space there: an hour of sound takes 1.4 GB while it waits.",
        )


class StoredSound:
    """A WAV of a take, read span by span; it is open only while it is read."""

    def __init__(self, path: Path) -> None:
        """Look how long it is.

        Raises:
            MediaError: it is missing, broken, or not 48 kHz stereo.
        """
        self.path = path
        with WavReader(path) as sound:
            self._count = len(sound)

    def __len__(self) -> int:
        """Length in samples."""
        return self._count

    def __getitem__(self, span: slice) -> Samples:
        """The samples of a span, (s, 2)."""
        with WavReader(self.path) as sound:
            return sound[span]


def rendered(
    model: SoundModel,
    latents: Latents,
    on_progress: Callable[[float], None],
    cancel: Cancel,
    folder: Path | None = None,
) -> Spool:
    """Latents (t, c) as sound at the programme's rate; the caller lets it go.

    Raises:
        MissingPartError: the model has another rate, and soxr is not installed.
        OutputWriteError: the disk is full.
        UnfinishedError: the model gave numbers that are no sound.
        CancelledError: `cancel` said so.
    """
    spool = Spool(folder)
    try:
        pieces = decoded(model, latents, on_progress, cancel)
        for piece in at_programme_rate(pieces, model.grid, len(latents)):
            spool.write(piece)
    except BaseException:
        spool.close()
        raise
    return spool


def at_programme_rate(pieces: Iterable[Samples], grid: LatentGrid, frames: int) -> Iterator[Samples]:
    """A model's sound of so many latent frames at the programme's sample rate, exactly as long.

    Raises:
        MissingPartError: the model has another rate, and soxr is not installed.
    """
    if grid.sample_rate_hz == SAMPLE_RATE_HZ:
        yield from pieces
        return
    left = round(Fraction(frames * grid.hop_samples * SAMPLE_RATE_HZ, grid.sample_rate_hz))
    for piece in _resampled(pieces, grid.sample_rate_hz):
        yield piece[:left]
        left -= min(left, len(piece))
    if left:
        yield np.zeros((left, 2), np.float32)


def _resampled(pieces: Iterable[Samples], rate_hz: int) -> Iterator[Samples]:
    stream: Any = soxr_module().ResampleStream(rate_hz, SAMPLE_RATE_HZ, 2, dtype="float32", quality="VHQ")
    for piece in pieces:
        yield stream.resample_chunk(np.ascontiguousarray(piece))
    yield stream.resample_chunk(np.zeros((0, 2), np.float32), last=True)


def blocks(sound: Sound) -> Iterator[Samples]:
    """All of some sound in turn."""
    for first in range(0, len(sound), BLOCK):
        yield np.asarray(sound[first : first + BLOCK], np.float32)


@dataclass(frozen=True)
class Joined:
    """Spans of other sound one after the other, which is read when it is wanted."""

    parts: tuple[tuple[Sound, int, int], ...]
    """(sound, first sample, past the last)."""

    def __len__(self) -> int:
        """Length in samples."""
        return sum(last - first for _, first, last in self.parts)

    def __getitem__(self, span: slice) -> Samples:
        """The samples of a span, (s, 2)."""
        start, stop, step = span.indices(len(self))
        found, at = [np.zeros((0, 2), np.float32)], 0
        for sound, first, last in self.parts:
            low, high = max(start - at, 0), min(stop - at, last - first)
            if low < high:
                found.append(np.asarray(sound[first + low : first + high], np.float32))
            at += last - first
        return np.concatenate(found)[::step]
