"""The sound of a media file as samples: 48 kHz, stereo, float32, whatever was stored.

Conventions: (s, 2), full scale 1; sample 0 is the first that a player would sound. Mono is heard on both
sides, more channels are mixed down as FFmpeg does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from av import AudioResampler
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from v2m.errors import MediaError
from v2m.frames.opening import FOREIGN_ERRORS, media_errors, open_media
from v2m.frames.source import no_cancel
from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

_CANCEL_EVERY = 256
"""Decoded pieces between two looks at the cancel flag: some seconds of sound, some ms of work."""

_MAX_BROKEN_PACKETS = 64
"""Packets in a row that cannot be decoded before the rest of a file is given up."""


def read_sound(path: Path, *, longest_s: float, cancel: Callable[[], None] = no_cancel) -> Samples:
    """The first sound stream of a file, (s, 2).

    Args:
        path: a sound or video file.
        longest_s: more than this is refused before it fills the memory.
        cancel: raises CancelledError to stop.

    Raises:
        MediaError: it is missing, broken, not of a kind that is opened, holds no sound, or is too long.
    """
    with open_media(path) as container:
        stream = next((s for s in container.streams if isinstance(s, AudioStream)), None)
        if stream is None or stream.codec_context is None:
            raise MediaError(f"{path.name} holds no sound that can be decoded, expected music.")
        pieces = list(_pieces(path, container, stream, longest_s, cancel))
    if not pieces:
        raise MediaError(
            f"{path.name} holds no sound that can be decoded, expected music.",
            hint="Check that it plays elsewhere, or export it again.",
        )
    samples: Samples = np.concatenate(pieces)
    return np.nan_to_num(samples, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)


def _pieces(
    path: Path, container: InputContainer, stream: AudioStream, longest_s: float, cancel: Callable[[], None]
) -> Iterator[Samples]:
    resampler = AudioResampler(format="flt", layout="stereo", rate=SAMPLE_RATE_HZ)
    count = 0
    for number, frame in enumerate(_frames(container, stream)):
        if number % _CANCEL_EVERY == 0:
            cancel()
        for piece in _resampled(path, resampler, frame):
            yield piece
            count += len(piece)
        if count > longest_s * SAMPLE_RATE_HZ:
            raise MediaError(
                f"{path.name} lasts over {longest_s / 60:g} minutes, expected a song.",
                hint="Cut out the part that is meant.",
            )
    yield from _resampled(path, resampler, None)


def _resampled(path: Path, resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[Samples]:
    """What the resampler gives for a frame, or at the end for None."""
    with media_errors(path, "could not be read"):
        if frame is not None:
            frame.pts = None  # gaps in the stamps of broken files would be filled with silence
        for out in resampler.resample(frame):
            yield np.asarray(out.to_ndarray(), np.float32).reshape(-1, 2)


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Decoded frames; what is broken is left out."""
    failures = 0
    packets = container.demux(stream)
    while failures < _MAX_BROKEN_PACKETS:
        try:
            frames = next(packets).decode()
        except (StopIteration, EOFError):
            return
        except FOREIGN_ERRORS:
            failures += 1
            packets = container.demux(stream)
            continue
        failures = 0
        yield from (frame for frame in frames if isinstance(frame, AudioFrame))
