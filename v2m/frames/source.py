"""The pictures of one media file in order of time, exact by PTS, skipping ahead only where that pays.

Conventions: times are exact seconds from the first picture that the file shows, whatever its PTS is (a file
cut out of a longer one may begin at 1.075 s, a fragmented one two frames after its sound). Broken packets
are left out and counted. Pictures stay FFmpeg frames here; `Shrinker` makes arrays of those that are needed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from numbers import Rational
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self, cast

from av import VideoFrame
from av.container import InputContainer
from av.rational import AVRational
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.stream import VideoStream

from v2m.errors import MediaError
from v2m.frames.opening import FOREIGN_ERRORS, media_errors, open_media
from v2m.frames.orientation import Orientation

MAX_PIXELS: Final = 1 << 27
"""134 megapixels, 16K by 8K: a header that claims more is broken or hostile, and would take all memory."""

CANCEL_EVERY: Final = 16
"""Pictures between two looks at the cancel flag: a tenth of a second at 1080p on one core."""

WORTH_SKIPPING_S: Final = Fraction(1, 2)
"""A seek drops what the decoder's threads hold, about 8 frames; below this it is cheaper to decode on."""

UNINDEXED_SKIP_S: Final = Fraction(5)
"""Without an index the keyframes are unknown; encoders put one at least each 250 frames as a rule."""

_MARGINS_S: Final = (Fraction(0), Fraction(2), Fraction(10))
"""How far before the wanted time a seek aims, in turn, until it lands before it."""

_MAX_BROKEN_READS: Final = 8
"""Reads in a row that fail before the rest of a file is given up."""


_LONG_AGO_S: Final = Fraction(-(1 << 40))


class TimedFrame(NamedTuple):
    """A decoded picture and the time it begins."""

    time_s: Fraction
    frame: VideoFrame


class Shown(NamedTuple):
    """A decoded picture and the span in which the file shows it."""

    time_s: Fraction
    next_s: Fraction | None
    """When the next picture begins; None for the last one of the file."""

    frame: VideoFrame


def no_cancel() -> None:
    """Never asks to stop."""


class PictureSource:
    """One open file; use it in a `with`, and ask for spans in rising order for speed."""

    def __init__(self, path: Path, cancel: Callable[[], None] = no_cancel) -> None:
        self.path = path
        self.broken_packets = 0
        self._cancel = cancel
        self._decoded = 0
        self.container = open_media(path)
        try:
            with media_errors(path, "could not be read"):
                self.stream = picture_stream(self.container, path)
                self._prepare()
        except BaseException:
            self.container.close()
            raise

    def _prepare(self) -> None:
        context = self.stream.codec_context
        context.thread_type = "AUTO"
        context.options = {"max_pixels": str(MAX_PIXELS)}
        # the demuxers of single pictures are called png_pipe, jpeg_pipe …
        self.is_still = self.container.format.name.endswith("_pipe")
        self.time_base = as_fraction(self.stream.time_base) or Fraction(1, 1000)
        frames = self._raw_frames()
        first = next(frames, None)
        if first is None:
            raise MediaError(f"{self.path.name} holds no picture that can be decoded.")
        self.first_frame = first
        self.orientation = _orientation(first)
        self._first_pts = self._stamp(first) or 0
        self._last_s = Fraction(0)
        self._held: deque[TimedFrame] = deque([TimedFrame(Fraction(0), first)])
        self._frames = self._timed(frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()

    @property
    def first_pts_s(self) -> Fraction:
        """PTS of the first picture that is shown."""
        return self._first_pts * self.time_base

    @property
    def frame_s(self) -> Fraction:
        """How long one picture stands, as a rule."""
        return 1 / (as_fraction(self.stream.guessed_rate) or Fraction(25))

    def span(self, start_s: Fraction, end_s: Fraction) -> Iterator[Shown]:
        """Each picture seen in [start, end], from the one that stands at `start_s` on.

        Raises:
            MediaError: the file cannot be read any more.
            CancelledError: the caller asked to stop.
        """
        self._go_to(start_s)
        current = self._next()
        while current is not None:
            following = self._next()
            next_s = following.time_s if following else None
            if next_s is None or next_s > start_s:
                yield Shown(current.time_s, next_s, current.frame)
            if current.time_s >= end_s or following is None:
                # the next span may begin within this picture
                self._held.extend(held for held in (current, following) if held)
                return
            current = following

    def _next(self) -> TimedFrame | None:
        return self._held.popleft() if self._held else next(self._frames, None)

    # --- decoding -----------------------------------------------------------------------------------

    def _timed(self, frames: Iterator[VideoFrame]) -> Iterator[TimedFrame]:
        for frame in frames:
            self._decoded += 1
            if self._decoded % CANCEL_EVERY == 0:
                self._cancel()
            time_s = self._time_of(frame)
            if time_s <= self._last_s:  # a broken stamp: two pictures cannot begin at once
                continue
            self._last_s = time_s
            yield TimedFrame(time_s, frame)

    def _stamp(self, frame: VideoFrame) -> int | None:
        # AVI stores pictures in order of decoding and no stamps: only the order in which they leave the
        # decoder is right, which FFmpeg counts as DTS
        return frame.dts if self.container.format.name == "avi" else frame.pts

    def _time_of(self, frame: VideoFrame) -> Fraction:
        stamp = self._stamp(frame)
        return self._last_s + self.frame_s if stamp is None else (stamp - self._first_pts) * self.time_base

    def _raw_frames(self) -> Iterator[VideoFrame]:
        """Decoded pictures; what is broken is counted and left out."""
        failures = 0
        packets = self.container.demux(self.stream)
        while failures < _MAX_BROKEN_READS:
            try:
                packet = next(packets)
                frames = packet.decode()
            except (StopIteration, EOFError):
                return
            except FOREIGN_ERRORS:
                failures += 1
                self.broken_packets += 1
                packets = self.container.demux(self.stream)
                continue
            failures = 0
            for frame in frames:
                if isinstance(frame, VideoFrame):
                    yield frame

    # --- seeking ------------------------------------------------------------------------------------

    def _go_to(self, start_s: Fraction) -> None:
        position = self._held[0].time_s if self._held else self._last_s
        if position <= start_s and not self._jump_pays(position, start_s):
            return
        for margin_s in _MARGINS_S:
            if start_s > margin_s and self._land(start_s - margin_s, start_s):
                return
        if not self._land(Fraction(0), start_s):
            raise MediaError(f"{self.path.name} cannot be wound back to {float(start_s):.3f} s.")

    def _jump_pays(self, position_s: Fraction, start_s: Fraction) -> bool:
        if start_s - position_s < WORTH_SKIPPING_S:
            return False
        keyframe_s = self._keyframe_before(start_s)
        if keyframe_s is None:
            return start_s - position_s > UNINDEXED_SKIP_S
        return keyframe_s - position_s > WORTH_SKIPPING_S

    def _keyframe_before(self, time_s: Fraction) -> Fraction | None:
        """The last keyframe at or before a time by the container's index; None where that does not reach."""
        entries = self.stream.index_entries
        wanted = self._first_pts + int(time_s / self.time_base)
        if len(entries) < 2 or entries[len(entries) - 1].timestamp < wanted:
            return None
        found = entries.search_timestamp(wanted)
        return (entries[found].timestamp - self._first_pts) * self.time_base if found >= 0 else None

    def _land(self, aim_s: Fraction, start_s: Fraction) -> bool:
        """Seek to a keyframe before `aim_s`; whether the pictures now begin at or before `start_s`."""
        try:
            offset = self._first_pts + int(aim_s / self.time_base)
            self.container.seek(offset, stream=self.stream, backward=True)
        except FOREIGN_ERRORS:
            return False
        self._held.clear()
        self._last_s = _LONG_AGO_S
        self._frames = self._timed(self._raw_frames())
        first = next(self._frames, None)
        if first is not None:
            self._held.append(first)
        return first is None or first.time_s <= max(start_s, Fraction(0))


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures: no cover art, no thumbnails.

    Raises:
        MediaError: there is none, or no decoder for it.
    """
    extras = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [s for s in container.streams.video if not s.disposition & extras]
    if not streams:
        raise MediaError(f"{path.name} holds no picture, expected a video file.")
    usable = next((s for s in streams if s.codec_context is not None), None)
    if usable is None:
        raise MediaError(f"The picture of {path.name} is in a format that no decoder here reads.")
    if usable.width * usable.height > MAX_PIXELS:
        raise MediaError(f"{path.name} claims {usable.width} x {usable.height} pixels, more than 16K.")
    return usable


def as_fraction(ratio: Rational | AVRational | None) -> Fraction | None:
    """PyAV's ratio as a Fraction; None for a missing one, for 0/0 and for 0."""
    if ratio is None:
        return None
    numerator, denominator = int(ratio.numerator), int(ratio.denominator)
    return Fraction(numerator, denominator) if numerator and denominator else None


def _orientation(frame: VideoFrame) -> Orientation:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return Orientation.from_matrix(bytes(cast(SideData, matrix))) if matrix is not None else Orientation()
