"""Who plays which part: the tracks of a MIDI file dealt out to drums, bass, harmony, lead and extras.

    a track that is called like a part      is that part
    the drum channel                        drums
    keyboards and nothing else              bass, lead and harmony by register, all on the keyboard
    a bass program, or one low line         bass, the one with most notes
    single lines                            lead the highest that plays much, then extras, then harmony
    chords                                  harmony, on the program with most notes

Conventions: positions as the tracks have them; programs stay what they are, the codec brings them near.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from v2m.codecs.arrangement import PARTS, Note, Part, Span
from v2m_training.midi.reading import Stroke, Track

_KEYBOARDS: Final = range(0, 8)
_BASSES: Final = range(32, 40)

_SINGLE_LINE: Final = 1.3
"""Notes an onset up to which a track is a line: a melody with a few double stops."""

_LOW_LINE: Final = 50.0
"""D3: a line whose mean lies below plays the bass."""

_LEFT_HAND: Final = 52
"""E3: the lowest note below it is the left hand's bass."""

_TUNE: Final = 64
"""E4: the highest note from here on is the tune."""

_LEAD_NAMES: Final = ("melody", "lead", "vocal", "voice", "solo", "sing")

_GRID: Final = 12
"""Ticks a beat at which onsets count as one: a third of a sixteenth."""


@dataclass(frozen=True)
class Cast:
    """The parts of a stretch."""

    notes: tuple[Note, ...]
    programs: Mapping[Part, int]
    pedals: Mapping[Part, tuple[Span, ...]]


def deal_parts(tracks: Sequence[Track]) -> Cast:
    """The parts that tracks with strokes play; a part may have several tracks."""
    drums = [track for track in tracks if track.is_drum]
    pitched = [track for track in tracks if not track.is_drum]
    named: dict[str, Part] = {part.lower(): part for part in PARTS if part != "drums"}
    dealt: dict[Part, list[Track]] = {"drums": drums} if drums else {}
    if pitched and all(track.name.lower() in named for track in pitched):
        for track in pitched:
            dealt.setdefault(named[track.name.lower()], []).append(track)
    elif pitched and all(track.program in _KEYBOARDS for track in pitched):
        dealt |= _hands(pitched)
    else:
        dealt |= _by_role(pitched)
    return _cast(dealt)


def _by_role(tracks: Sequence[Track]) -> dict[Part, list[Track]]:
    dealt: dict[Part, list[Track]] = {}
    rest = list(tracks)
    low = [t for t in rest if t.program in _BASSES or "bass" in t.name.lower() or _is_low_line(t)]
    if low:
        dealt["bass"] = [max(low, key=lambda track: len(track.strokes))]
        rest = [track for track in rest if track not in dealt["bass"]]
    lines = sorted((t for t in rest if _density(t) <= _SINGLE_LINE), key=_tunefulness, reverse=True)
    melodic: tuple[Part, ...] = ("lead", "extras")
    for part, line in zip(melodic, lines, strict=False):
        dealt[part] = [line]
        rest.remove(line)
    if rest:
        dealt["harmony"] = sorted(rest, key=lambda track: -len(track.strokes))
    return dealt


def _density(track: Track) -> float:
    """Notes an onset."""
    return len(track.strokes) / len({round(stroke.start_beat * _GRID) for stroke in track.strokes})


def _mean_pitch(track: Track) -> float:
    return sum(stroke.pitch for stroke in track.strokes) / len(track.strokes)


def _is_low_line(track: Track) -> bool:
    return _density(track) <= _SINGLE_LINE and _mean_pitch(track) < _LOW_LINE


def _tunefulness(track: Track) -> float:
    """By name first; then high is better, and so is playing in much of the music."""
    named = any(word in track.name.lower() for word in _LEAD_NAMES)
    beats = len({int(stroke.start_beat) for stroke in track.strokes})
    return 1000.0 * named + _mean_pitch(track) + min(24.0, beats / 4)


def _hands(tracks: Sequence[Track]) -> dict[Part, list[Track]]:
    """A keyboard's bass, tune and what lies between."""
    onsets: defaultdict[int, list[Stroke]] = defaultdict(list)
    for track in tracks:
        for stroke in track.strokes:
            onsets[round(stroke.start_beat * _GRID)].append(stroke)
    dealt: dict[Part, list[Stroke]] = {"bass": [], "harmony": [], "lead": []}
    for _, together in sorted(onsets.items()):
        chord = sorted(together, key=lambda stroke: stroke.pitch)
        if chord[0].pitch < _LEFT_HAND:
            dealt["bass"].append(chord.pop(0))
        if chord and chord[-1].pitch >= _TUNE:
            dealt["lead"].append(chord.pop())
        dealt["harmony"] += chord
    program = max(tracks, key=lambda track: len(track.strokes)).program
    pedals = tuple(span for track in tracks for span in track.pedals) if len(tracks) == 1 else ()
    return {
        part: [Track(part, program, False, tuple(strokes), pedals if part == "harmony" else ())]
        for part, strokes in dealt.items()
        if strokes
    }


def _cast(dealt: Mapping[Part, Sequence[Track]]) -> Cast:
    notes = [
        Note(part, s.start_beat, s.end_beat - s.start_beat, s.pitch, s.velocity)
        for part, tracks in dealt.items()
        for track in tracks
        for s in track.strokes
    ]
    return Cast(
        tuple(sorted(notes, key=lambda n: (n.start_beat, PARTS.index(n.part), n.pitch))),
        {part: tracks[0].program for part, tracks in dealt.items()},
        {
            part: tracks[0].pedals
            for part, tracks in dealt.items()
            if part not in ("drums", "bass") and tracks[0].pedals
        },
    )
