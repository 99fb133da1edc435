"""A standard MIDI file as tracks in beats, in stretches of one metre.

Conventions: the tempo map is followed: positions are in beats of the metre (dotted quarters in 6/8) from the
first bar line of their stretch, and seconds are gone but for each stretch's mean tempo. 2/4 whose beats are
played in thirds is 6/8, as `v2m.codecs.midi` writes it.
This module is the only importer of pretty_midi. Source: Standard MIDI Files 1.0.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pretty_midi

from v2m.errors import InputError
from v2m_training.compose.facts import BEATS_PER_BAR, Metre

_LARGEST_BYTES: Final = 4_000_000
"""Music has tens of kilobytes; what is larger is a dump of something else."""

_METRES: Final[Mapping[tuple[int, int], tuple[Metre, float]]] = {
    # time signature -> metre, quarters a beat
    (4, 4): ("4/4", 1.0),
    (2, 4): ("4/4", 1.0),
    (2, 2): ("4/4", 1.0),
    (4, 2): ("4/4", 1.0),
    (8, 8): ("4/4", 1.0),
    (3, 4): ("3/4", 1.0),
    (6, 4): ("3/4", 1.0),
    (6, 8): ("6/8", 1.5),
    (12, 8): ("6/8", 1.5),
}

_PEDAL: Final = 64  # General MIDI: damper pedal
_PEDAL_DOWN: Final = 64

_SLOWEST_BPM, _FASTEST_BPM = 55.0, 185.0
"""Beyond these a beat of 4/4 is counted in half, or two as one: the music's own pulse lies between."""

_EARLY_BEATS: Final = 0.06
"""A note this little before a bar line belongs after it."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A note: beats from the stretch's start, key, velocity."""

    start_beat: float
    end_beat: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Track:
    """What one instrument plays in a stretch."""

    name: str
    program: int
    is_drum: bool
    strokes: tuple[Stroke, ...]
    pedals: tuple[tuple[float, float], ...]
    """When the damper pedal is down, in beats."""


@dataclass(frozen=True)
class Stretch:
    """Music in one metre, from a bar line on."""

    metre: Metre
    bpm: float
    """Mean of the tempo map over it."""

    beat_count: int
    """Whole bars."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    metre: Metre
    start: float
    end: float
    quarters_a_beat: float


def read_stretches(path: Path) -> tuple[Stretch, ...]:
    """The stretches of a file whose metres can be composed in, in order.

    Raises:
        InputError: the file cannot be read, or holds no music in 4/4, 3/4 or 6/8.
    """
    file = _parse(path)
    quarters = float(file.time_to_tick(file.get_end_time())) / file.resolution
    spans = _spans(file, quarters)
    if not spans:
        named = ", ".join(sorted({f"{s.numerator}/{s.denominator}" for s in file.time_signature_changes}))
        raise InputError(f"{path.name} is in {named}, expected 4/4, 3/4 or 6/8.")
    stretches = tuple(stretch for span in spans if (stretch := _stretch(file, span)) is not None)
    if not stretches:
        raise InputError(f"{path.name} holds no notes.")
    return stretches


def _parse(path: Path) -> Any:  # noqa: ANN401 - the library has no types
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(f"{path.name} has over {_LARGEST_BYTES // 10**6} MB, expected a MIDI file.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tempo changes outside the first track, which it then ignores
            return pretty_midi.PrettyMIDI(str(path))
    except InputError:
        raise
    except Exception as error:  # the parser lets whatever a broken file causes through
        raise InputError(
            f"{path.name} is no MIDI file that can be read ({error or type(error).__name__})."
        ) from error


def _spans(file: Any, quarters: float) -> list[_Span]:  # noqa: ANN401
    """The stretches of known metre; a signature that is only repeated begins none."""
    changes = [(_quarter(file, s.time), (s.numerator, s.denominator)) for s in file.time_signature_changes]
    changes = sorted(changes) or [(0.0, (4, 4))]
    if changes[0][0] > 0:
        changes.insert(0, (0.0, (4, 4)))
    spans: list[_Span] = []
    for (start, signature), (end, _) in pairwise([*changes, (quarters, (0, 0))]):
        if signature not in _METRES or end <= start:
            continue
        metre, unit = _METRES[signature]
        if signature == (2, 4) and _in_thirds(file, start, end):
            metre = "6/8"
        last = spans[-1] if spans else None
        bar = BEATS_PER_BAR[metre] * unit
        if last and last.end == start and last.metre == metre and not (start - last.start) % bar:
            spans[-1] = _Span(metre, last.start, end, unit)
        else:
            spans.append(_Span(metre, start, end, unit))
    return spans


def _quarter(file: Any, time_s: float) -> float:  # noqa: ANN401
    return float(file.time_to_tick(time_s)) / float(file.resolution)


def _in_thirds(file: Any, start: float, end: float) -> bool:  # noqa: ANN401
    """Whether what lies between the beats lies at their thirds, not at their quarters."""
    onsets = (_quarter(file, note.start) for track in file.instruments for note in track.notes)
    inside = [onset % 1 for onset in onsets if start <= onset < end]
    thirds = sum(min(abs(x - 1 / 3), abs(x - 2 / 3)) < _EARLY_BEATS for x in inside)
    fourths = sum(min(abs(x - 1 / 4), abs(x - 1 / 2), abs(x - 3 / 4)) < _EARLY_BEATS for x in inside)
    return thirds > 2 * fourths


def _stretch(file: Any, span: _Span) -> Stretch | None:  # noqa: ANN401
    seconds = _second(file, span.end) - _second(file, span.start)
    beats = (span.end - span.start) / span.quarters_a_beat
    if seconds <= 0:
        return None
    bpm, unit = beats * 60 / seconds, span.quarters_a_beat
    while span.metre == "4/4" and bpm > _FASTEST_BPM:
        bpm, unit = bpm / 2, unit * 2
    while span.metre == "4/4" and bpm < _SLOWEST_BPM:
        bpm, unit = bpm * 2, unit / 2
    bar = BEATS_PER_BAR[span.metre]
    # the end counts as a bar line, if only the last note stops short of it
    count = int(-(-((span.end - span.start) / unit - _EARLY_BEATS) // bar)) * bar
    tracks = tuple(track for track in _tracks(file, span, unit) if track.strokes)
    return Stretch(span.metre, bpm, count, tracks) if tracks and count else None


def _second(file: Any, quarter: float) -> float:  # noqa: ANN401
    return float(file.tick_to_time(round(quarter * file.resolution)))


def _tracks(file: Any, span: _Span, unit: float) -> Iterator[Track]:  # noqa: ANN401
    def beat(time_s: float) -> float:
        return (_quarter(file, time_s) - span.start) / unit

    length = (span.end - span.start) / unit
    for track in file.instruments:
        strokes = [
            Stroke(
                max(0.0, start),
                max(start + _EARLY_BEATS, beat(note.end)),
                int(note.pitch),
                int(note.velocity),
            )
            for note in track.notes
            if -_EARLY_BEATS <= (start := beat(note.start)) < length - _EARLY_BEATS and note.velocity > 0
        ]
        strokes.sort(key=lambda stroke: (stroke.start_beat, stroke.pitch))
        pedals = _pedals(
            [(beat(c.time), c.value) for c in track.control_changes if c.number == _PEDAL], length
        )
        yield Track(track.name.strip(), int(track.program), bool(track.is_drum), tuple(strokes), pedals)


def _pedals(changes: Sequence[tuple[float, int]], length: float) -> tuple[tuple[float, float], ...]:
    spans: list[tuple[float, float]] = []
    down: float | None = None
    for at, value in [*sorted(changes), (length, 0)]:
        if value >= _PEDAL_DOWN and down is None:
            down = at
        elif value < _PEDAL_DOWN and down is not None:
            if at > max(0.0, down):
                spans.append((max(0.0, down), min(at, length)))
            down = None
    return tuple(span for span in spans if span[0] < span[1])
