"""Single pictures of a programme, large enough to be looked into, and those of its contact sheet.

Conventions: RGB uint8, (h, w, 3), upright; times in seconds of the programme.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from v2m.errors import MediaError
from v2m.frames.opening import media_errors
from v2m.frames.probing import probe
from v2m.frames.reading import Note, no_note
from v2m.frames.sheet import Sheet
from v2m.frames.shrinking import SMALL, Shrinker
from v2m.frames.source import PictureSource, no_cancel
from v2m.stages import Cancel
from v2m.timeline import Timeline

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Still:
    """What is seen at one moment."""

    time_s: float
    picture: Picture


def read_stills(
    timeline: Timeline,
    times_s: Sequence[Fraction],
    *,
    height_px: int,
    picture: Path | None = None,
    note: Note = no_note,
    cancel: Cancel = no_cancel,
) -> tuple[Still, ...]:
    """What a viewer sees at some moments, in order of time; moments without a readable picture are left out.

    Args:
        timeline: the programme.
        times_s: moments within it.
        height_px: of the pictures; their width keeps the shape.
        picture: a render of the programme, looked at in place of its media.
        note: hears which file could not be read, and why.
        cancel: raises CancelledError to stop.
    """
    wanted: dict[Path, list[tuple[Fraction, Fraction]]] = {}
    for time_s in times_s:
        shot = timeline.shot_at(time_s)
        path = picture or (shot.media.path if shot.media else None)
        if path is not None:
            at_s = time_s if picture else max(Fraction(0), shot.source_time_s(time_s))
            wanted.setdefault(path, []).append((at_s, time_s))
    stills: list[Still] = []
    for path, moments in wanted.items():
        try:
            stills += _of_file(path, sorted(moments), height_px, cancel)
        except MediaError as error:
            note(f"{path.name} was not looked into: {error.message}")
    return tuple(sorted(stills, key=lambda still: still.time_s))


def _of_file(
    path: Path, moments: Sequence[tuple[Fraction, Fraction]], height_px: int, cancel: Cancel
) -> Iterator[Still]:
    media = probe(path)
    width_px = max(2, round(height_px * media.width_px / media.height_px / 2) * 2)
    with PictureSource(path, cancel) as source:
        shrink = Shrinker((width_px, height_px), source.orientation)
        for at_s, time_s in moments:
            cancel()
            shown = next(iter(source.span(at_s, at_s)), None)
            if shown is not None:
                yield Still(float(time_s), shrink(shown.frame))


def sheet_pictures(sheet: Sheet) -> NDArray[np.uint8]:
    """The pictures of a contact sheet, (n, h, w, 3).

    Raises:
        MediaError: its JPEG is damaged.
    """
    codec: Any = av.CodecContext.create("mjpeg", "r")
    with media_errors(Path("The contact sheet"), "could not be read"):
        frames = [*codec.decode(av.Packet(sheet.jpeg)), *codec.decode(None)]
        page = frames[0].to_ndarray(format="rgb24")
    places = (sheet.place(index) for index in range(len(sheet.times_s)))
    return np.stack([page[top : top + SMALL[1], left : left + SMALL[0]] for left, top in places])
