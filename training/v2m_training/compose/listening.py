"""What a listener would tell of a piece's notes: groove, articulation, harmony, register, beginning and end.

Conventions: everything is measured on the notes of the arrangement in its own key. Rates are per beat of
the bars in which a part plays; shares are 0..1; levels are the energy of a bar (squared velocities, full = 1)
over the mean of all bars that sound.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import fmean, median
from typing import Final, TypeVar

from v2m.codecs.arrangement import DRUM_VOICES, Arrangement, Note, Part

_T = TypeVar("_T")

_ON_BEAT: Final = 0.12
"""Beats: an attack nearer to a beat than half a sixteenth is on it, late or early playing included."""

_SWELL: Final = 1.25
"""Growth of a swell before it arrives: 2 dB and more, beyond what sections and players drift."""

_ENDING_BEATS: Final = 1.5
"""A last stroke that rings at least this long with nothing after it is an ending."""


@dataclass(frozen=True)
class Listening:
    """An arrangement as it is heard."""

    music: Arrangement

    @cached_property
    def by_part(self) -> dict[Part, list[Note]]:
        """The notes of each part that sounds, in order."""
        parts: dict[Part, list[Note]] = {}
        for note in self.music.notes:
            parts.setdefault(note.part, []).append(note)
        return parts

    @cached_property
    def bar_count(self) -> int:
        """Bars, the last perhaps not full."""
        return max(1, math.ceil(self.music.beat_count / self.music.beats_per_bar))

    def bar_of(self, note: Note) -> int:
        """The bar that a note begins in."""
        return min(self.bar_count - 1, int((note.start_beat + _ON_BEAT) / self.music.beats_per_bar))

    @cached_property
    def bars_played(self) -> dict[Part, set[int]]:
        """The bars in which each part strikes."""
        return {part: {self.bar_of(note) for note in notes} for part, notes in self.by_part.items()}

    def rate(self, part: Part) -> float:
        """Attacks a beat, chords counted once."""
        notes = self.by_part.get(part, [])
        return self._a_beat(part, len({round(note.start_beat * 12) for note in notes}))

    def _a_beat(self, part: Part, count: float) -> float:
        return count / (self.music.beats_per_bar * max(1, len(self.bars_played.get(part, ()))))

    # --- drums ---------------------------------------------------------------------------------------

    def voice_rate(self, *voices: str) -> float:
        """Strokes a beat on some voices of the kit."""
        keys = {DRUM_VOICES[voice] for voice in voices}
        return self._a_beat("drums", sum(note.pitch in keys for note in self.by_part.get("drums", [])))

    def beats_struck(self, voices: Iterable[str], beats: Iterable[int]) -> float:
        """Share of given beats of the bar (0 the first) on which one of the voices strikes."""
        keys, wanted = {DRUM_VOICES[voice] for voice in voices}, set(beats)
        bars = self.bars_played.get("drums", set())
        struck = {
            (bar, beat)
            for note in self.by_part.get("drums", [])
            if note.pitch in keys
            for bar, beat in (self._beat_of(note),)
            if beat in wanted
        }
        return len(struck) / max(1, len(bars) * len(wanted))

    def _beat_of(self, note: Note) -> tuple[int, int]:
        """Bar and beat that a note strikes; the beat is -1 between beats."""
        nearest = round(note.start_beat)
        if abs(note.start_beat - nearest) > _ON_BEAT:
            return self.bar_of(note), -1
        return nearest // self.music.beats_per_bar, nearest % self.music.beats_per_bar

    @cached_property
    def drum_weight(self) -> float:
        """Energy of the drums a beat."""
        notes = self.by_part.get("drums", [])
        return self._a_beat("drums", sum((note.velocity / 127) ** 2 for note in notes))

    @cached_property
    def broken_share(self) -> float:
        """Share of kick and snare strokes on sixteenths off the eighths."""
        keys = {DRUM_VOICES["kick"], DRUM_VOICES["snare"]}
        strokes = [note for note in self.by_part.get("drums", []) if note.pitch in keys]
        return _share(strokes, lambda note: round(note.start_beat * 4) % 2 == 1)

    # --- rhythm and articulation ---------------------------------------------------------------------

    @cached_property
    def syncopation(self) -> float:
        """Share of the pitched attacks off the beat that the next beat does not answer in the same part."""
        off = total = 0
        for part, notes in self.by_part.items():
            if part == "drums":
                continue
            starts = sorted({round(note.start_beat * 12) for note in notes})
            total += len(starts)
            off += sum(a % 12 >= 3 and b > 12 * (a // 12 + 1) + 1 for a, b in pairwise(starts))
        return off / max(1, total)

    def typical_length(self, part: Part) -> float:
        """Median duration in beats; 0 of a part that is silent."""
        notes = self.by_part.get(part, [])
        return median(note.duration_beats for note in notes) if notes else 0.0

    @cached_property
    def tones_a_stroke(self) -> float:
        """How many tones the harmony strikes together."""
        notes = self.by_part.get("harmony", [])
        return len(notes) / max(1, len({round(note.start_beat * 12) for note in notes}))

    @cached_property
    def walks(self) -> float:
        """Share of neighbouring bass notes that stand a beat apart, on the beat, at another pitch."""
        notes = self.by_part.get("bass", [])
        return _share(
            list(pairwise(notes)),
            lambda pair: (
                abs(pair[1].start_beat - pair[0].start_beat - 1) < 2 * _ON_BEAT
                and abs(pair[0].start_beat - round(pair[0].start_beat)) <= _ON_BEAT
                and pair[0].pitch != pair[1].pitch
            ),
        )

    def repeats(self, part: Part) -> float:
        """Share of a part's bars with the rhythm and contour of the bar before."""
        shapes: dict[int, list[tuple[int, int]]] = {}
        for note in self.by_part.get(part, []):
            at = round((note.start_beat - self.bar_of(note) * self.music.beats_per_bar) * 12)
            shapes.setdefault(self.bar_of(note), []).append((at, note.pitch))
        bars = [(shapes[bar - 1], shapes[bar]) for bar in shapes if bar - 1 in shapes]
        return _share(bars, lambda pair: _contour(pair[0]) == _contour(pair[1]))

    # --- harmony -------------------------------------------------------------------------------------

    @cached_property
    def bass_home(self) -> float:
        """Share of the bass's time on its commonest pitch class."""
        time: Counter[int] = Counter()
        for note in self.by_part.get("bass", []):
            time[note.pitch % 12] += max(1, round(12 * note.duration_beats))
        return max(time.values()) / time.total() if time else 0.0

    @cached_property
    def chord_colours(self) -> float:
        """Mean number of pitch classes that the harmony has in a bar's first stroke."""
        first: dict[int, tuple[float, set[int]]] = {}
        for note in self.by_part.get("harmony", []):
            at, classes = first.setdefault(self.bar_of(note), (note.start_beat, set()))
            if note.start_beat - at < 2 * _ON_BEAT:
                classes.add(note.pitch % 12)
        return fmean(len(classes) for _, classes in first.values()) if first else 0.0

    @cached_property
    def chord_changes_a_bar(self) -> float:
        """How often the root under the music moves, by the bass, else by the lowest tone of the chords."""
        notes = self.by_part.get("bass") or self.by_part.get("harmony", [])
        lowest: dict[int, int] = {}
        for note in notes:
            half = round(note.start_beat * 2 / self.music.beats_per_bar)
            lowest[half] = min(note.pitch, lowest.get(half, 127))
        changes = sum(lowest[a] % 12 != lowest[b] % 12 for a, b in pairwise(sorted(lowest)))
        return 2 * changes / max(1, len(lowest) - 1)

    def share_of_classes(self, part: Part, classes: frozenset[int]) -> float:
        """Share of a part's notes whose pitch class over the tonic is among some."""
        notes = self.by_part.get(part, [])
        return _share(notes, lambda note: (note.pitch - self.music.tonic) % 12 in classes)

    def mean_pitch(self, *parts: Part) -> float:
        """Mean MIDI pitch of some parts; 0 where they are silent."""
        pitches = [note.pitch for part in parts for note in self.by_part.get(part, [])]
        return fmean(pitches) if pitches else 0.0

    def together(self, one: Part, other: Part) -> float:
        """Share of the bars in which both parts play."""
        both = self.bars_played.get(one, set()) & self.bars_played.get(other, set())
        return len(both) / self.bar_count

    # --- beginning, end and what happens between -----------------------------------------------------

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """Energy of each bar over the mean of those that sound."""
        energy = [0.0] * self.bar_count
        for note in self.music.notes:
            energy[self.bar_of(note)] += (note.velocity / 127) ** 2
        mean = fmean(value for value in energy if value) if any(energy) else 1.0
        return tuple(value / mean for value in energy)

    @cached_property
    def ends(self) -> bool:
        """Whether a last stroke rings out, instead of the music going on past its last bar."""
        if not self.music.notes:
            return False
        last = max(note.start_beat for note in self.music.notes)
        return self.music.beat_count - last >= _ENDING_BEATS

    @cached_property
    def breaks_down(self) -> bool:
        """Whether the drums leave for two bars or more and come back while others play."""
        bars = sorted(self.bars_played.get("drums", ()))
        return any(3 <= b - a <= 12 and all(self.levels[a + 1 : b]) for a, b in pairwise(bars))

    @cached_property
    def drops(self) -> bool:
        """Whether after two thin bars everything comes in and stays."""
        spans = range(2, self.bar_count - 3)
        return any(
            fmean(self.levels[i : i + 4]) > 1.2 and fmean(self.levels[i - 2 : i]) < 0.45 for i in spans
        )

    @cached_property
    def swells(self) -> bool:
        """Whether somewhere the strokes grow for four beats and arrive at a still louder one."""
        loudest: dict[int, int] = {}
        for note in self.music.notes:
            beat = int(note.start_beat + _ON_BEAT)
            loudest[beat] = max(note.velocity, loudest.get(beat, 0))
        runs = ([loudest.get(beat + i, 0) for i in range(5)] for beat in loudest)
        return any(_grows(run) for run in runs)


def _grows(velocities: Sequence[int]) -> bool:
    return velocities[3] > _SWELL * velocities[0] > 0 and all(a < b for a, b in pairwise(velocities))


def _contour(bar: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Places and the direction from each pitch to the next."""
    ordered = sorted(bar)
    turns = [(b > a) - (b < a) for (_, a), (_, b) in pairwise(ordered)]
    return tuple((at, turn) for (at, _), turn in zip(ordered, [*turns, 0], strict=True))


def _share(items: Sequence[_T], true_of: Callable[[_T], bool]) -> float:
    return sum(true_of(item) for item in items) / len(items) if items else 0.0
