"""WAV files that are whole or absent: 48 kHz, 24 bit, stereo.

A file is written under a hidden name in its own folder, forced to the disk, and then renamed into place.
This module is the only importer of soundfile in the library.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from v2m.errors import MediaError, OutputExistsError, OutputWriteError
from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

Stored = NDArray[np.int32]
"""Samples as they lie in a file, in the upper 24 bits: read and written without a conversion."""

_FRAME_BYTES = 6  # 24 bits, twice
MAX_SAMPLES: Final = (2**32 - 1024) // _FRAME_BYTES
"""A WAV file counts its bytes in 32 bits: four hours and eight minutes."""


def as_stored(samples: Samples) -> Samples:
    """Samples (s, 2) as a WAV of ours gives them back: cut to 24 bits, and to full scale."""
    scaled = np.rint(samples.astype(np.float64) * 2.0**31).clip(-(2.0**31), 2.0**31 - 1)
    return (np.floor(scaled / 256) / 2.0**23).astype(np.float32)


class WavWriter:
    """Writes a WAV piece by piece; a context manager that puts it in place when its block ends well."""

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        """Check and open.

        Raises:
            OutputExistsError: the file is there and may not be replaced.
            OutputWriteError: its folder cannot be written to.
        """
        if path.exists() and not overwrite:
            raise OutputExistsError(f"{path} is there already.", hint="Use --overwrite or another name.")
        self._path = path
        self._overwrite = overwrite
        self._count = 0
        try:
            handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=".part", dir=path.parent)
            os.close(handle)
            self._part = Path(name)
            self._file = soundfile.SoundFile(
                name, "w", SAMPLE_RATE_HZ, channels=2, format="WAV", subtype="PCM_24"
            )
        except (OSError, soundfile.SoundFileError) as error:
            raise self._unwritable(error) from error

    def write(self, samples: Samples | Stored) -> None:
        """The next piece, (s, 2); what exceeds full scale is clipped.

        Raises:
            OutputWriteError: the disk is full, or the file would outgrow what a WAV can be.
        """
        self._count += len(samples)
        if self._count > MAX_SAMPLES:
            raise OutputWriteError(f"{self._path.name} would be over four hours long, a WAV holds no more.")
        try:
            self._file.write(samples)
        except (OSError, soundfile.SoundFileError, AssertionError) as error:
            # soundfile asserts that every sample was taken; on a full disk some are not
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the file in place, or after an error remove what was written."""
        try:
            try:
                self._file.close()
            finally:
                if kind is None:
                    self._check_whole()
                    self._put_in_place()
        except (OSError, soundfile.SoundFileError) as problem:
            raise self._unwritable(problem) from problem
        finally:
            self._part.unlink(missing_ok=True)

    def _check_whole(self) -> None:
        size = self._part.stat().st_size
        if size < self._count * _FRAME_BYTES:
            raise OSError(f"{size} bytes on disk for {self._count} samples")

    def _put_in_place(self) -> None:
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())
        self._part.chmod(0o644)  # mkstemp made it private
        if self._overwrite:
            self._part.replace(self._path)
        else:
            _rename_new(self._part, self._path)
        _sync_folder(self._path.parent)

    def _unwritable(self, error: BaseException) -> OutputWriteError:
        reason = getattr(error, "strerror", None) or str(error) or "the disk took only a part"
        return OutputWriteError(
            f"{self._path} could not be written: {reason}.",
            hint="Check that the folder is there and writable, and that the disk has space.",
            detail=repr(error),
        )


def _rename_new(part: Path, path: Path) -> None:
    """Rename without replacing what appeared meanwhile.

    Raises:
        OutputExistsError: a file appeared.
    """
    try:
        os.link(part, path)
    except FileExistsError as error:
        raise OutputExistsError(
            f"{path} is there already.", hint="Use --overwrite or another name."
        ) from error
    except OSError:  # a file system without links
        part.rename(path)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_wav(path: Path, samples: Samples, *, overwrite: bool = False) -> None:
    """Write (s, 2) as a 24-bit WAV, whole or not at all.

    Raises:
        OutputExistsError: the file is there and may not be replaced.
        OutputWriteError: the disk is full or the folder not writable.
    """
    with WavWriter(path, overwrite=overwrite) as writer:
        writer.write(samples)


class WavReader:
    """A WAV of ours, read slice by slice so that its length costs no memory; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open.

        Raises:
            MediaError: it is missing, broken, or not 48 kHz stereo.
        """
        self._path = path
        try:
            self._file = soundfile.SoundFile(path)
        except (OSError, soundfile.SoundFileError) as error:
            raise self._unreadable(error) from error
        rate_hz, channels = self._file.samplerate, self._file.channels
        if rate_hz != SAMPLE_RATE_HZ or channels != 2:
            self._file.close()
            raise MediaError(f"{path} is {rate_hz} Hz with {channels} channels, expected 48 kHz stereo.")

    def __len__(self) -> int:
        """Length in samples."""
        return int(self._file.frames)

    def __getitem__(self, span: slice) -> Samples:
        """The samples of a span, (s, 2) float32.

        Raises:
            MediaError: the file ends early.
        """
        first, last, step = span.indices(len(self))
        return np.asarray(self._read(first, last, "float32"), np.float32)[::step]

    def stored(self, first: int, last: int) -> Stored:
        """The samples of a span as they lie in the file, (s, 2).

        Raises:
            MediaError: the file ends early.
        """
        return np.asarray(self._read(first, last, "int32"), np.int32)

    def _read(self, first: int, last: int, kind: str) -> NDArray[Any]:
        count = max(0, last - first)
        try:
            self._file.seek(first)
            samples: NDArray[Any] = self._file.read(count, dtype=kind, always_2d=True)
        except (OSError, soundfile.SoundFileError) as error:
            raise self._unreadable(error) from error
        if len(samples) != count:
            raise MediaError(f"{self._path} ends before sample {last}, which its header promises.")
        return samples

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _unreadable(self, error: BaseException) -> MediaError:
        what = "could not be read as a WAV file" if self._path.exists() else "is not there"
        return MediaError(f"{self._path} {what}.", detail=repr(error))


def read_wav(path: Path) -> Samples:
    """A whole WAV of ours, (s, 2) float32.

    Raises:
        MediaError: it is missing, broken, or not 48 kHz stereo.
    """
    with WavReader(path) as sound:
        return sound[:]
