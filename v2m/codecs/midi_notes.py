"""The notes of a standard MIDI file as `v2m.codecs.midi` writes it, in seconds.

Conventions: seconds from tick 0, which is the first frame of the programme; pitch and velocity as in MIDI;
parts by their names in `v2m.codecs.arrangement`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mido
import numpy as np

from v2m.codecs.arrangement import PARTS, Part
from v2m.curves import FloatArray
from v2m.errors import DocumentError

_DEFAULT_TEMPO_US: Final = 500_000  # 120 BPM, by the standard


@dataclass(frozen=True)
class PartNotes:
    """What one part plays, in order of time; four arrays of one length."""

    starts_s: FloatArray
    ends_s: FloatArray
    pitches: FloatArray
    velocities: FloatArray


def read_notes(path: Path) -> dict[Part, PartNotes]:
    """The notes of the parts that sound.

    Raises:
        DocumentError: it is no MIDI file that can be read.
    """
    try:
        file = mido.MidiFile(path)
        ticks, seconds = _tempo_grid(file)
        tracks = {track.name.lower(): _strokes(track) for track in file.tracks}
    except (OSError, EOFError, ValueError, IndexError, KeyError, TypeError) as error:
        raise DocumentError(
            f"{path.name} could not be read as a MIDI file.", detail=repr(error), hint="Make the take again."
        ) from error
    return {part: _in_seconds(tracks[part], ticks, seconds) for part in PARTS if tracks.get(part)}


def _tempo_grid(file: Any) -> tuple[FloatArray, FloatArray]:  # noqa: ANN401 - the library has no types
    """Ticks at which the tempo changes, and one beat past the last, with their seconds."""
    changes, at = [(0, _DEFAULT_TEMPO_US)], 0
    for message in file.tracks[0]:
        at += message.time
        if message.type == "set_tempo":
            changes.append((at, message.tempo))
    changes.append((at + file.ticks_per_beat, changes[-1][1]))
    ticks = np.array([tick for tick, _ in changes], np.float64)
    rates = np.array([tempo for _, tempo in changes[:-1]], np.float64) * 1e-6 / file.ticks_per_beat
    return ticks, np.concatenate([[0.0], np.cumsum(np.diff(ticks) * rates)])


def _strokes(track: Any) -> list[tuple[int, int, int, int]]:  # noqa: ANN401 - as above
    """Start and end in ticks, pitch, velocity."""
    strokes: list[tuple[int, int, int, int]] = []
    sounding: dict[int, tuple[int, int]] = {}
    at = 0
    for message in track:
        at += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        if message.note in sounding:
            start, velocity = sounding.pop(message.note)
            strokes.append((start, at, message.note, velocity))
        if message.type == "note_on" and message.velocity:
            sounding[message.note] = at, message.velocity
    return sorted(strokes)


def _in_seconds(
    strokes: list[tuple[int, int, int, int]], ticks: FloatArray, seconds: FloatArray
) -> PartNotes:
    table = np.array(strokes, np.float64)
    # past the last change the tempo stays, where np.interp would stand still
    slope = (seconds[-1] - seconds[-2]) / (ticks[-1] - ticks[-2])
    times_s = np.interp(table[:, :2], ticks, seconds) + np.maximum(0.0, table[:, :2] - ticks[-1]) * slope
    return PartNotes(times_s[:, 0], times_s[:, 1], table[:, 2], table[:, 3])
