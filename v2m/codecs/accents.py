"""Accents: every hit gets an attack that is heard, exactly at its time, on a beat or off it.

What an arranger does, in this order: attacks nearly there are pulled onto the hit; those there are played
louder; held chords and bass notes are struck again; where drums play, a kick, and on heavy hits a crash;
where none play and the instruments speak softly, a low drum; and the sixteenth before is played softer, so
that the hit stands out. How much of each follows the hit's weight.

Conventions: as in `arrangement.py`; a hit is (beat, weight 0..1, kind).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from v2m.codecs.arrangement import DRUM_VOICES, PITCHED_PARTS, Arrangement, Note, Part
from v2m.codecs.final_chord import end_on_tonic, key_chord
from v2m.codecs.layout import fold_pitch
from v2m.codecs.programs import DEFAULT_PROGRAMS

BeatHit = tuple[float, float, str]

HEAVY_WEIGHT: Final = 0.5
"""Hits below this are left to the music."""

PULL_BEATS: Final = 0.125
"""Half a sixteenth, 60 ms at 120 BPM: attacks nearer than this to a hit would be heard as its flam."""

PULL_EARLY_BEATS: Final = 0.2
"""Before a hit attacks are pulled from farther: a beat planned beside a hit may come up to 80 ms before it
(`v2m.tempo.passing`), a fifth of a beat at 150 BPM. A sixteenth before it stays where it is."""

_BEFORE_BEATS = 0.3  # the sixteenth before and its swing
_SOFTER_BEFORE = 0.35
"""Share of velocity that the sixteenth before a hit of weight 1 gives up."""

_CRASH_WEIGHT = 0.75
_CRASH_REST_BEATS = 1.5
"""Crashes nearer than this blur into one wash."""

_CRASH_VELOCITY = 80
"""A crash rings over the beats after its hit: struck harder it hides them, and with them the pulse."""

_DRUMS_NEAR_BEATS = 4.0
"""Drums within a bar of the hit mean that the passage has drums."""

_LONGEST_NOTE_BEATS = 32.0
"""Eight bars: a note held longer is not looked for, so work does not grow with the square of the length."""

_NEW_NOTE_BEATS = 1.0
_DRUM_BEATS = 0.25

_KICK, _CRASH = DRUM_VOICES["kick"], DRUM_VOICES["crash"]
_SOUNDING_DRUMS = frozenset(DRUM_VOICES[name] for name in ("kick", "snare", "clap", "low tom", "big drum"))
"""Voices that mark a moment by themselves."""

_ORCHESTRA_KIT = 48  # its bass drum is the concert one
_LOWEST_ROOT = 36
"""C 2: a root from here up is heard on small speakers too."""

_STRUCK_PROGRAMS = frozenset((*range(16), *range(24, 40), 45, 46, 47, *range(104, 120)))
"""Pianos, mallets, guitars, basses, pizzicato, harp, timpani, plucked and struck: their attack is a click."""


def accent_hits(
    arrangement: Arrangement, hits: Iterable[BeatHit], silent: frozenset[Part] = frozenset()
) -> Arrangement:
    """The arrangement with every heavy hit struck, ending on the tonic where a hit of kind `end` says so.

    Args:
        arrangement: what is played.
        hits: what it has to mark.
        silent: parts that must not sound: no accent is given to them.
    """
    heavy = [hit for hit in hits if hit[1] >= HEAVY_WEIGHT and hit[0] >= 0]
    inside = _apart([hit for hit in heavy if hit[2] != "end"])
    end = next((hit for hit in heavy if hit[2] == "end"), None)
    if end is not None:
        arrangement = end_on_tonic(arrangement, end[0], [hit[0] for hit in inside])
        inside = [hit for hit in inside if hit[0] < end[0]]
    accents = _Accents(arrangement, silent)
    # all softening comes first, so that no hit is softened by the one after it
    for beat, weight, _ in inside:
        accents.soften_before(beat, min(1.0, weight))
    for beat, weight, _ in inside:
        accents.strike(beat, min(1.0, weight))
    return accents.arrangement()


def _apart(hits: Sequence[BeatHit]) -> list[BeatHit]:
    """In order of time; of two that would pull each other's notes the heavier stays."""
    kept: list[BeatHit] = []
    for hit in sorted(hits):
        if kept and hit[0] - PULL_EARLY_BEATS <= kept[-1][0]:  # as `_pull` looks for notes
            kept[-1] = max(kept[-1], hit, key=lambda each: each[1])
        else:
            kept.append(hit)
    return kept


class _Accents:
    """Notes on the music stand by beat, changed hit by hit; each hit looks only at the bars around it."""

    def __init__(self, arrangement: Arrangement, silent: frozenset[Part]) -> None:
        self._given = arrangement
        self._silent = silent
        self._programs = dict(arrangement.programs)
        self._playing = {note.part for note in arrangement.notes}
        self._drum_beats = sorted(note.start_beat for note in arrangement.notes if note.part == "drums")
        self._by_beat: defaultdict[int, list[Note]] = defaultdict(list)
        for note in arrangement.notes:
            self._put(note)

    def arrangement(self) -> Arrangement:
        """The notes as they now stand, in order."""
        notes = [note for beat in self._by_beat.values() for note in beat]
        notes.sort(key=lambda note: (note.start_beat, note.part, note.pitch))
        return replace(self._given, notes=tuple(notes), programs=self._programs)

    def soften_before(self, beat: float, weight: float) -> None:
        """Make room for one hit in the sixteenth before it."""
        share = 1 - _SOFTER_BEFORE * weight
        for note in self._take(beat - _BEFORE_BEATS, beat - PULL_EARLY_BEATS):
            self._put(replace(note, velocity=max(1, round(note.velocity * share))))

    def strike(self, beat: float, weight: float) -> None:
        """Mark one hit."""
        drums_play = self._drums_play(beat)
        self._pull(beat)
        self._strike_held("harmony", beat, weight)
        self._strike_held("bass", beat, weight)
        self._add_bass(beat, weight)
        if drums_play:
            self._add_drums(beat, weight)
        elif not self._speaks(beat):
            self._add_harmony(beat, weight)
            self._add_low_drum(beat, weight)
        self._raise(beat, weight)

    # --- what is there ------------------------------------------------------------------------------

    def _drums_play(self, beat: float) -> bool:
        """Whether the piece as given has drums around here: drums that accents added do not count."""
        after = bisect_left(self._drum_beats, beat - _DRUMS_NEAR_BEATS)
        return after < len(self._drum_beats) and self._drum_beats[after] <= beat + _DRUMS_NEAR_BEATS

    def _put(self, note: Note) -> None:
        self._by_beat[math.floor(note.start_beat)].append(note)

    def _near(self, part: Part, low: float, high: float) -> list[Note]:
        """The part's notes that begin in [low, high]."""
        return [
            note
            for beat in range(math.floor(low), math.floor(high) + 1)
            for note in self._by_beat.get(beat, ())
            if note.part == part and low <= note.start_beat <= high
        ]

    def _take(self, low: float, high: float) -> list[Note]:
        """All notes that begin in [low, high], taken off the stand."""
        taken: list[Note] = []
        for beat in range(math.floor(low), math.floor(high) + 1):
            notes = self._by_beat.get(beat, [])
            taken += [note for note in notes if low <= note.start_beat <= high]
            self._by_beat[beat] = [note for note in notes if not low <= note.start_beat <= high]
        return taken

    def _at(self, beat: float, part: Part) -> list[Note]:
        return self._near(part, beat, beat)

    def _speaks(self, beat: float) -> bool:
        """Whether a pitched part with a hard attack strikes here."""
        return any(
            self._programs.get(part, DEFAULT_PROGRAMS[part]) in _STRUCK_PROGRAMS and self._at(beat, part)
            for part in PITCHED_PARTS
        )

    def _chord(self, beat: float) -> list[int]:
        """Pitches of the chord that sounds here or sounded last, else the key's own."""
        earlier = self._near("harmony", beat - _LONGEST_NOTE_BEATS, beat)
        if not earlier:
            return key_chord(self._given)
        sounding = [note for note in earlier if note.start_beat + note.duration_beats > beat]
        last = max(note.start_beat for note in earlier)
        return sorted({n.pitch for n in sounding or [n for n in earlier if n.start_beat == last]})

    # --- what is done -------------------------------------------------------------------------------

    def _pull(self, beat: float) -> None:
        """Attacks nearly on the hit fall on it, their ends stay; twins that come of this are struck once."""
        pulled: dict[tuple[Part, int], Note] = {}
        for note in self._take(beat - PULL_EARLY_BEATS, beat + PULL_BEATS):
            end = note.start_beat + note.duration_beats
            moved = replace(note, start_beat=beat, duration_beats=max(PULL_BEATS, end - beat))
            twin = pulled.get((note.part, note.pitch), moved)
            pulled[note.part, note.pitch] = max(moved, twin, key=lambda each: each.velocity)
        for note in pulled.values():
            self._put(note)

    def _strike_held(self, part: Part, beat: float, weight: float) -> None:
        """What sounds across the hit is struck again there, unless the part attacks there anyway."""
        if self._at(beat, part):
            return
        for note in self._near(part, beat - _LONGEST_NOTE_BEATS, beat):
            end = note.start_beat + note.duration_beats
            if end - beat > PULL_BEATS:
                notes = self._by_beat[math.floor(note.start_beat)]
                notes[notes.index(note)] = replace(note, duration_beats=beat - note.start_beat)
                self._put(Note(part, beat, end - beat, note.pitch, _raised(note.velocity, weight)))

    def _add_bass(self, beat: float, weight: float) -> None:
        """A piece with a bass has it on its accents; the chord's lowest pitch is taken for its root."""
        if "bass" in self._playing and not self._at(beat, "bass"):
            root = fold_pitch("bass", self._given.tonic, _LOWEST_ROOT + min(self._chord(beat)) % 12)
            self._add("bass", beat, self._until_next("bass", beat), root, weight)

    def _until_next(self, part: Part, beat: float) -> float:
        later = [n.start_beat - beat for n in self._near(part, beat, beat + _NEW_NOTE_BEATS)]
        return min([gap for gap in later if gap > 0] + [_NEW_NOTE_BEATS])

    def _add_harmony(self, beat: float, weight: float) -> None:
        if not self._at(beat, "harmony"):
            for pitch in self._chord(beat):
                self._add("harmony", beat, self._until_next("harmony", beat), pitch, weight)

    def _add_drums(self, beat: float, weight: float) -> None:
        if not {note.pitch for note in self._at(beat, "drums")} & _SOUNDING_DRUMS:
            self._add("drums", beat, _DRUM_BEATS, _KICK, weight)
        around = self._near("drums", beat - _CRASH_REST_BEATS, beat + _CRASH_REST_BEATS)
        if weight >= _CRASH_WEIGHT and all(note.pitch != _CRASH for note in around):
            self._add("drums", beat, _DRUM_BEATS, _CRASH, weight)

    def _add_low_drum(self, beat: float, weight: float) -> None:
        """A concert bass drum under strings and pads, which alone would swell into the moment too late."""
        if not {"drums"} & (self._playing | self._silent):
            self._programs["drums"] = _ORCHESTRA_KIT
        self._add("drums", beat, _DRUM_BEATS, _KICK, weight)

    def _add(self, part: Part, beat: float, length: float, pitch: int, weight: float) -> None:
        if part not in self._silent:
            self._put(Note(part, beat, length, pitch, _raised(_plain_velocity(weight), weight)))

    def _raise(self, beat: float, weight: float) -> None:
        for note in self._take(beat, beat):
            velocity = _raised(note.velocity, weight)
            is_crash = note.part == "drums" and note.pitch == _CRASH
            self._put(replace(note, velocity=min(velocity, _CRASH_VELOCITY) if is_crash else velocity))


def _plain_velocity(weight: float) -> int:
    return round(50 + 40 * weight)


def _raised(velocity: int, weight: float) -> int:
    """Towards forte, never softer: weight 0.5 goes half the way to 96, weight 1 all the way to 122."""
    forte = 70 + 52 * weight
    return min(127, max(velocity, round(velocity + weight * (forte - velocity))))
