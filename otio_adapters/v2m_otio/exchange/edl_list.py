"""A whole edit decision list (CMX 3600) of what is seen: one track of picture, cuts and dissolves.

Conventions: a dissolve is two events under one number, a cut of no length to the outgoing picture and the mix
from it; the event before ends where the mix begins. A retime is an M2 line in frames a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from v2m.errors import DocumentError
from v2m.timebase import frame_to_timecode, seconds_to_frame
from v2m.timeline import Cut, Shot, Timeline

REEL_LENGTH = 8
_HEAD_LINES = 3


def made(timeline: Timeline) -> str:
    """The list, with the timeline's own record timecode.

    Raises:
        DocumentError: nothing that is seen comes out of a file.
    """
    title = re.sub(r"\s+", " ", timeline.name).strip()[:70] or "V2M"
    counting = "DROP FRAME" if timeline.drop_frame else "NON-DROP FRAME"
    lines = [f"TITLE: {title}", f"FCM: {counting}", f"* FRAME RATE: {timeline.rate}"]
    for number, event in enumerate(_events(timeline), start=1):
        lines += event.lines(number)
    if len(lines) == _HEAD_LINES:
        raise DocumentError("shows no picture out of a file, and an EDL lists nothing else.")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Event:
    """A shot from where it begins to be seen to where the next one does."""

    timeline: Timeline
    shot: Shot
    before: Shot | None
    """The outgoing shot of a dissolve."""

    lead: int
    """Frames that are seen before the shot's own seam."""

    end: int
    """Programme frame after its last."""

    width: int = 0
    """Of the dissolve, in frames."""

    def lines(self, number: int) -> Iterator[str]:
        """The event as text."""
        start = self._frame(self.shot.start_s) - self.lead
        first = max(0, self._frame(self.shot.source_start_s) - round(self.lead * self.shot.speed))
        last = first + max(1, abs(round((self.end - start) * self.shot.speed)))
        if self.before is not None:
            at = max(
                0,
                self._frame(self.before.source_time_s(self.shot.start_s))
                - round(self.lead * self.before.speed),
            )
            yield self._line(number, self.before, "C    ", (at, at, start, start))
            yield self._line(number, self.shot, f"D {self.width:03d}", (first, last, start, self.end))
            yield f"* FROM CLIP NAME: {_one_line(self.before.name)}"
            yield f"* TO CLIP NAME: {_one_line(self.shot.name)}"
        else:
            yield self._line(number, self.shot, "C    ", (first, last, start, self.end))
            yield f"* FROM CLIP NAME: {_one_line(self.shot.name)}"
        if self.shot.media is not None:
            yield f"* SOURCE FILE: {_one_line(str(self.shot.media.path or self.shot.media.target))}"
        if self.shot.speed != 1:
            speed = float(self.shot.speed * self.timeline.rate)
            yield f"M2   {_reel(self.shot)}       {speed:06.2f}                {self._shown(first)}"

    def _line(self, number: int, shot: Shot, effect: str, frames: tuple[int, int, int, int]) -> str:
        zero = self.timeline.start_frame
        codes = [self._shown(frame) for frame in (*frames[:2], zero + frames[2], zero + frames[3])]
        return f"{number:03d}  {_reel(shot)} V     {effect}    {' '.join(codes)}"

    def _shown(self, frame: int) -> str:
        return frame_to_timecode(frame, self.timeline.rate, drop_frame=self.timeline.drop_frame)

    def _frame(self, time_s: Fraction) -> int:
        return seconds_to_frame(time_s, self.timeline.rate)


def _events(timeline: Timeline) -> Iterator[_Event]:
    mixes = {cut.time_s: cut for cut in timeline.cuts if cut.kind == "dissolve"}
    shots = timeline.shots
    for index, shot in enumerate(shots):
        if shot.media is None:
            continue
        before = shots[index - 1] if index and shots[index - 1].media is not None else None
        mix = mixes.get(shot.start_s) if before is not None else None
        after = shots[index + 1] if index + 1 < len(shots) else None
        ending = mixes.get(shot.end_s) if after is not None and after.media is not None else None
        end = seconds_to_frame(shot.end_s, timeline.rate) - _lead(timeline, ending)
        width = seconds_to_frame(mix.width_s, timeline.rate) if mix else 0
        yield _Event(timeline, shot, before if mix else None, _lead(timeline, mix), end, width)


def _lead(timeline: Timeline, mix: Cut | None) -> int:
    """How many frames before its seam a dissolve begins."""
    return seconds_to_frame(mix.width_s / 2 - mix.center_offset_s, timeline.rate) if mix else 0


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n\0]+", " ", text)


def _reel(shot: Shot) -> str:
    target = shot.media.target if shot.media else shot.name
    stem = re.split(r"[\\/]", target)[-1].rsplit(".", 1)[0]
    return (re.sub(r"[^A-Za-z0-9]", "", stem).upper() or "AX")[:REEL_LENGTH].ljust(REEL_LENGTH)
