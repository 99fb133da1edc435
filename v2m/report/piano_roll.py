"""The notes, a lane for each part that sounds: higher is higher, stronger is darker."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import PARTS, Part
from v2m.codecs.midi_notes import PartNotes
from v2m.curves import FloatArray
from v2m.report.axis import Axis, stretched
from v2m.report.contents import Contents
from v2m.report.lane import Lane
from v2m.report.markup import Content, tag

_ROW: Final = 10
"""Units of a pitch."""

_FEWEST_ROWS: Final = 12
"""A part that plays two pitches is not drawn in bars as thick as the lane."""

_THICKNESS: Final = 8
_SHORTEST: Final = 8
"""Units across: a pixel at magnification 1."""

_STRENGTHS: Final = (("soft", 0, 64), ("mid", 64, 96), ("loud", 96, 128))
"""Classes by velocity."""


def piano_roll(contents: Contents, axis: Axis) -> list[Lane]:
    """The lanes of the parts, in the order of a score."""
    return [_part_lane(part, contents.notes[part], axis) for part in PARTS if part in contents.notes]


def pitch_rows(part: str, notes: PartNotes) -> tuple[FloatArray, int]:
    """The row of each note, 0 the lowest, and how many rows there are."""
    pitches = np.unique(notes.pitches)
    if part == "drums":  # which are no scale: each that plays has a row, whatever its number
        return np.searchsorted(pitches, notes.pitches).astype(np.float64), len(pitches)
    return notes.pitches - pitches[0], int(np.ptp(pitches)) + 1


def _part_lane(part: Part, notes: PartNotes, axis: Axis) -> Lane:
    rows, count = pitch_rows(part, notes)
    margin = max(0, _FEWEST_ROWS - count) / 2 if part != "drums" else 0.5
    height = round(_ROW * (count + 2 * margin))
    heights = np.rint(height - _ROW * (rows + margin + 0.5)).astype(int)
    marks: list[Content] = []
    for strength, low, high in _STRENGTHS:
        wanted = (notes.velocities >= low) & (notes.velocities < high) & (notes.starts_s < axis.duration_s)
        path = _strokes(notes.starts_s[wanted], notes.ends_s[wanted], heights[wanted], axis)
        if path:
            marks.append(tag("path", d=path, class_=strength, stroke_width=_THICKNESS))
    aside = [tag("span", f"{len(notes.pitches)} notes")]
    told = f"The notes of {part}: {len(notes.pitches)}, higher ones higher up."
    return Lane(f"roll p-{part}", part.capitalize(), told, stretched(height, marks), aside)


def _strokes(starts_s: FloatArray, ends_s: FloatArray, heights: NDArray[np.int_], axis: Axis) -> str:
    """Notes as strokes of one path, each but once: in a long piece many fall together."""
    starts, ends = axis.units(starts_s), axis.units(ends_s)
    found = dict.fromkeys(
        f"M{start} {height}h{max(_SHORTEST, end - start)}"
        for start, end, height in zip(starts, ends, heights.tolist(), strict=True)
    )
    return "".join(found)
