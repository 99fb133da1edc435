"""Edit decision lists (CMX 3600): the rate that their timecodes tell, and events of ours in them.

An EDL says no frame rate. What it shows of it: drop-frame counting exists at 30000/1001 and 60000/1001 alone,
and a frame number of 24 rules 24 frames a second out. The lowest rate that all its timecodes allow is taken
and said so. Record timecodes count from the first event: `zero_frame` gives back what the adapter drops.

Sources: SMPTE 258M; what Premiere, Avid and Resolve write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from v2m.errors import DocumentError, InputError
from v2m.timebase import frame_to_timecode, snap_rate, timecode_to_frame
from v2m_otio.exchange.music import NAME, Music

REEL: Final = "V2MMUSIC"
"""The reel of our events: eight characters, as CMX 3600 has room for."""

_TIMECODE: Final = r"\d{1,2}:\d{2}:\d{2}[:;.,]\d{2}"
_EVENT: Final = re.compile(rf"^\s*\d+\s+.*?({_TIMECODE})\s+({_TIMECODE})\s+({_TIMECODE})\s+({_TIMECODE})\s*$")
_OURS: Final = re.compile(rf"^\s*\d+\s+{REEL}\s")
_STATED: Final = re.compile(r"^\*?\s*(?:FRAME ?RATE|FPS)\s*:?\s*([\d./]+)", re.IGNORECASE)
_DROP: Final = re.compile(r"^\s*FCM\s*:\s*DROP", re.IGNORECASE)

_RATES: Final = ((24, Fraction(24)), (25, Fraction(25)), (30, Fraction(30)), (50, Fraction(50)),
                 (60, Fraction(60)))  # fmt: skip
_DROP_RATES: Final = ((30, Fraction(30000, 1001)), (60, Fraction(60000, 1001)))


@dataclass(frozen=True)
class EdlText:
    """An EDL as it is handed to the adapter."""

    text: str
    """With drop-frame timecodes spelled with `;`, which is how the adapter knows them."""

    rate: Fraction
    zero_frame: int
    """Where its first event is recorded."""

    drop_frame: bool
    notes: tuple[str, ...] = ()


def _encoding(raw: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else one byte a character as old systems wrote."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16-le" if raw[0] == 0xFF else "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _decoded(raw: bytes) -> str:
    return raw.decode(_encoding(raw), errors="replace").removeprefix("\ufeff")


def understood(raw: bytes, rate: Fraction | None = None) -> EdlText:
    """The EDL with what it says of its timing.

    Args:
        raw: the file.
        rate: frames a second, if the user says so.

    Raises:
        DocumentError: no event, or timecodes that the rate has not.
    """
    lines = _decoded(raw).replace("\0", "").splitlines()
    events = [match.groups() for line in lines if (match := _EVENT.match(line)) and not _OURS.match(line)]
    if not events:
        raise DocumentError("is no edit decision list: it holds no event with four timecodes.")
    drop_frame = any(map(_DROP.match, lines)) or any(code[-3] in ";," for event in events for code in event)
    notes: tuple[str, ...] = ()
    if rate is None:
        rate, notes = _told_rate(lines, events, drop_frame)
    try:
        records = [timecode_to_frame(_spelled(event[2], drop_frame), rate) for event in events]
    except InputError as error:
        raise DocumentError(
            f"has timecodes that {float(rate):.6g} frames a second does not have: {error.message}"
        ) from error
    kept = list(_without(lines))
    first = next(index for index, line in enumerate(kept) if _EVENT.match(line))
    head = [
        line for line in kept[:first] if line.startswith(("TITLE:", "FCM"))
    ]  # the adapter knows no others
    text = "\n".join(_spelled_line(line, drop_frame) for line in [*head, *kept[first:]])
    return EdlText(text, rate, min(records), drop_frame, notes)


def _told_rate(
    lines: Sequence[str], events: Sequence[tuple[str, ...]], drop_frame: bool
) -> tuple[Fraction, tuple[str, ...]]:
    """The rate that the EDL states, else the lowest one that has all its frame numbers."""
    for line in lines:
        if match := _STATED.match(line):
            return snap_rate(match[1]), ()
    highest = max(int(code[-2:]) for event in events for code in event)
    for nominal, rate in _DROP_RATES if drop_frame else _RATES:
        if highest < nominal:
            told = f"{float(rate):.6g} frames a second were taken, as its highest frame number is {highest}"
            if drop_frame:
                told = f"drop-frame counting at {float(rate):.6g} frames a second was taken"
            return rate, (f"an EDL does not say its frame rate: {told}; say --frame-rate if it is another",)
    raise DocumentError(f"has a timecode with frame number {highest}, expected at most 59.")


def _spelled(code: str, drop_frame: bool) -> str:
    return code[:-3] + (";" if drop_frame else ":") + code[-2:]


def _spelled_line(line: str, drop_frame: bool) -> str:
    if not _EVENT.match(line):
        return line
    return re.sub(_TIMECODE, lambda match: _spelled(match[0], drop_frame), line)


# --- our event ------------------------------------------------------------------------------------


def with_music(raw: bytes, music: Music) -> bytes:
    """The EDL with our music as its last event; everything else stays as it is.

    A last line that no line break ends is taken to want none: ours ends like it.
    """
    raw = without_music(raw)
    encoding = _encoding(raw)
    text = raw.decode(encoding, errors="surrogateescape")
    ending = "\r\n" if "\r\n" in text else "\n"
    event = ending.join(_event(music, _last_number(text.splitlines()) + 1))
    block = event + ending if text.endswith(("\n", "\r")) or not text else ending + event
    try:
        return raw + block.encode(encoding, errors="surrogateescape")
    except UnicodeEncodeError:  # our path has letters that the EDL's encoding has not
        return raw + block.encode("utf-8", errors="surrogateescape")


def without_music(raw: bytes) -> bytes:
    """The EDL without events of ours."""
    encoding = _encoding(raw)
    text = raw.decode(encoding, errors="surrogateescape")
    lines = text.splitlines(keepends=True)
    kept = "".join(_without(lines))
    if len(kept) < len(text) and not text.endswith(("\n", "\r")):
        kept = re.sub(r"\r?\n$", "", kept)
    return kept.encode(encoding, errors="surrogateescape")


def _event(music: Music, number: int) -> Iterator[str]:
    def shown(frame: int) -> str:
        return frame_to_timecode(frame, music.rate, drop_frame=music.drop_frame)

    record = (shown(music.zero_frame + music.start_frame), shown(music.zero_frame + music.end_frame))
    source = (shown(0), shown(music.frame_count))
    yield f"{number:03d}  {REEL} AA    C        {' '.join((*source, *record))}"
    yield f"* FROM CLIP NAME: {NAME}"
    yield f"* SOURCE FILE: {music.wav}"


def _last_number(lines: Sequence[str]) -> int:
    numbers = [int(match[0]) for line in lines if _EVENT.match(line) and (match := re.search(r"\d+", line))]
    return max(numbers, default=0)


def _without(lines: Sequence[str]) -> Iterator[str]:
    """The lines that are not ours: our events go with the comments below them."""
    ours = False
    for line in lines:
        if _EVENT.match(line):
            ours = _OURS.match(line) is not None
        elif not line.startswith("*"):
            ours = False
        if not ours:
            yield line
