"""The sound under the shots of a programme as recognisers of speech want it: mono, 16 kHz, piece by piece.

Only shots that play forwards at their own speed are heard; what an editor laid on tracks of sound alone is
not part of a `Timeline`.
Conventions: float32, full scale 1; media times count from the first picture of a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from av import AudioResampler
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from v2m.errors import MediaError
from v2m.frames.opening import FOREIGN_ERRORS, media_errors, open_media
from v2m.frames.reading import Note, no_note
from v2m.frames.source import as_fraction, no_cancel
from v2m.stages import Cancel
from v2m.timeline import Timeline

VOICE_RATE_HZ: Final = 16_000
PIECE_S: Final = 30
"""What Whisper listens to at once."""

_PREROLL_S: Final = Fraction(1, 2)
"""A seek aims so much earlier: codecs of sound need a few packets until they sound right."""

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class VoicePiece:
    """Some seconds of a programme's sound."""

    start_s: float
    samples: Samples  # (s,)


def read_voice(
    timeline: Timeline, *, picture: Path | None = None, note: Note = no_note, cancel: Cancel = no_cancel
) -> Iterator[VoicePiece]:
    """The sound of a programme in pieces of `PIECE_S` at most, in order.

    Args:
        timeline: the programme.
        picture: a render of it, heard in place of its media where it has sound.
        note: hears which file could not be heard, and why.
        cancel: raises CancelledError to stop.
    """
    for start_s, path, from_s, length_s in _spans(timeline, picture):
        done = Fraction(0)
        while done < length_s:
            cancel()
            piece_s = min(Fraction(PIECE_S), length_s - done)
            try:
                samples = _read(path, from_s + done, piece_s)
            except MediaError as error:
                note(f"{path.name} was not listened to: {error.message}")
                break
            if samples is None:
                break  # it has no sound
            if len(samples):
                yield VoicePiece(float(start_s + done), samples)
            done += piece_s


def _spans(timeline: Timeline, picture: Path | None) -> Iterator[tuple[Fraction, Path, Fraction, Fraction]]:
    """(programme time, file, time in the file, length); shots that go on in one file are one span."""
    if picture is not None:
        yield Fraction(0), picture, Fraction(0), timeline.duration_s
        return
    held: tuple[Fraction, Path, Fraction, Fraction] | None = None
    for shot in timeline.shots:
        path = shot.media.path if shot.media and shot.speed == 1 else None
        if held and path == held[1] and shot.source_start_s == held[2] + held[3]:
            held = (*held[:3], held[3] + shot.duration_s)
            continue
        if held:
            yield held
        held = (shot.start_s, path, shot.source_start_s, shot.duration_s) if path else None
    if held:
        yield held


def _read(path: Path, from_s: Fraction, length_s: Fraction) -> Samples | None:
    """Samples of a span of a file; fewer where it ends before, None where it has no sound.

    Raises:
        MediaError: it cannot be read.
    """
    with open_media(path) as container:
        stream = next((s for s in container.streams if isinstance(s, AudioStream)), None)
        if stream is None or stream.codec_context is None:
            return None
        base = as_fraction(stream.time_base) or Fraction(1, 1000)
        first_s = _first_s(container, stream)
        with media_errors(path, "could not be read"):
            seek_s = max(Fraction(0), from_s - _PREROLL_S) + first_s
            container.seek(int(seek_s / base), stream=stream, backward=True)
            pieces = list(_pieces(container, stream, base, first_s + from_s, length_s))
    samples: Samples = np.concatenate([np.zeros(0, np.float32), *pieces])
    return np.nan_to_num(samples[: round(length_s * VOICE_RATE_HZ)], copy=False)


def _first_s(container: InputContainer, stream: AudioStream) -> Fraction:
    """The file's own time of its first picture, else of its first sound."""
    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    of = pictures[0] if pictures else stream
    return (of.start_time or 0) * (as_fraction(of.time_base) or Fraction(0))


def _pieces(
    container: InputContainer, stream: AudioStream, base: Fraction, start_s: Fraction, length_s: Fraction
) -> Iterator[Samples]:
    """Resampled sound from a time on; what lies before it is cut off."""
    resampler = AudioResampler(format="flt", layout="mono", rate=VOICE_RATE_HZ)
    ahead: int | None = None
    count, wanted = 0, round(length_s * VOICE_RATE_HZ)
    for frame in _decoded(container, stream):
        at_s = (frame.pts or 0) * base
        if ahead is None:  # the resampler goes on without gaps, so the first frame decides
            ahead = round((start_s - at_s) * VOICE_RATE_HZ)
            if ahead < 0:
                yield np.zeros(min(-ahead, wanted), np.float32)
                count, ahead = -ahead, 0
        frame.pts = None
        for out in resampler.resample(frame):
            piece = np.asarray(out.to_ndarray(), np.float32).reshape(-1)
            cut = min(ahead, len(piece))
            ahead -= cut
            count += len(piece) - cut
            yield piece[cut:]
        if count >= wanted:
            return


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Frames of a stream; a file that is broken further on ends there."""
    packets = container.demux(stream)
    while True:
        try:
            frames = next(packets).decode()
        except (StopIteration, *FOREIGN_ERRORS):
            return
        yield from (frame for frame in frames if isinstance(frame, AudioFrame))
