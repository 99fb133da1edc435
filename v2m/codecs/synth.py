"""An arrangement and its tempo map to stems: one stereo sound per part.

Conventions: 48 kHz float32 (s, 2); sample 0 is the first frame of the programme; blocks of one second on a
grid from sample 0. An attack stands on the sample nearest to its time. Nothing is normalised over the piece:
a block holds the notes that sound in it and the room's answer to it and the block before, so a change of a
note changes nothing earlier than its own block and nothing later than its ring and the room's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import DRUM_VOICES, PARTS, Arrangement, Note, Part
from v2m.codecs.desk import Desk
from v2m.codecs.instrument import Orchestra
from v2m.codecs.loudness import level_beats, swell_gain
from v2m.codecs.pedal import sustained
from v2m.codecs.player import MAX_TAIL_SAMPLES
from v2m.codecs.programs import DEFAULT_PROGRAMS
from v2m.codecs.room import BLOCK_SAMPLES, Rooms
from v2m.codecs.soundfont import SoundFont, find_soundfont
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
Stems = dict[Part, Samples]

_OPEN_HAT = DRUM_VOICES["open hat"]
_HATS = (DRUM_VOICES["closed hat"], _OPEN_HAT, 44)
"""The closing pedal and any stroke on the hat stop an open one."""

_OPEN_HAT_SAMPLES = round(0.7 * SAMPLE_RATE_HZ)  # left alone an open hat would hiss for seconds


@dataclass(frozen=True, slots=True)
class _Event:
    """A note on the clock of samples."""

    start: int
    length: int | None
    pitch: int
    velocity: int


class ScoreSynth:
    """Plays arrangements; one of these may be kept and used for any number, by several threads too."""

    def __init__(self, soundfont: SoundFont | None = None, desk: Desk | None = None) -> None:
        self.soundfont = soundfont or find_soundfont()
        self._desk = desk or Desk()
        self._orchestra = Orchestra(self.soundfont, self._desk)

    @staticmethod
    def parts(arrangement: Arrangement) -> tuple[Part, ...]:
        """The parts that play, in the order of their stems."""
        return tuple(_parts_with_notes(arrangement))

    def render(
        self, arrangement: Arrangement, tempo: TempoMap, *, sample_count: int, beat_offset: float = 0.0
    ) -> Stems:
        """The stems of the parts that play, each (sample_count, 2)."""
        stems: Stems = {
            part: np.zeros((sample_count, 2), np.float32) for part in _parts_with_notes(arrangement)
        }
        blocks = self.blocks(arrangement, tempo, sample_count=sample_count, beat_offset=beat_offset)
        for index, block in enumerate(blocks):
            for part, samples in block.items():
                at = index * BLOCK_SAMPLES
                stems[part][at : at + len(samples)] = samples
        return stems

    def blocks(
        self,
        arrangement: Arrangement,
        tempo: TempoMap,
        *,
        sample_count: int,
        beat_offset: float = 0.0,
        first_block: int = 0,
    ) -> Iterator[Stems]:
        """The stems second by second, in memory that does not grow with the length.

        Args:
            arrangement: what to play.
            tempo: when its beats are.
            sample_count: where to stop; the last block is cut there.
            beat_offset: beat of the tempo map at which the arrangement's beat 0 lies.
            first_block: the second from which to begin; the blocks are the same as of a whole rendering.
        """
        arrangement = sustained(arrangement)
        strips = [
            _Strip(part, arrangement, tempo, beat_offset, self._orchestra, self._desk)
            for part in _parts_with_notes(arrangement)
        ]
        rooms = Rooms(self._desk.room_s)
        # the block before is played unheard: the room still rings from it
        for index in range(max(0, first_block - 1), -(-sample_count // BLOCK_SAMPLES)):
            at = index * BLOCK_SAMPLES
            block = _in_room({strip.part: strip.block(at) for strip in strips}, rooms)
            if index >= first_block:
                yield {part: samples[: sample_count - at] for part, samples in block.items()}


class _Strip:
    """One part on its way through the desk, block after block."""

    def __init__(
        self,
        part: Part,
        arrangement: Arrangement,
        tempo: TempoMap,
        beat_offset: float,
        orchestra: Orchestra,
        desk: Desk,
    ) -> None:
        self.part = part
        self._program = arrangement.programs.get(part, DEFAULT_PROGRAMS[part])
        notes = [note for note in arrangement.notes if note.part == part]
        self._events = _events(part, notes, tempo, beat_offset)
        self._levels_db = arrangement.loudness_db.get(part, ())
        beats = level_beats(self._levels_db) + beat_offset
        self._level_samples = tempo.time_s(beats) * SAMPLE_RATE_HZ if len(beats) else beats
        self._next = 0
        self._sounding: list[tuple[int, Samples, float]] = []
        self._orchestra = orchestra
        self._scratch = np.empty((BLOCK_SAMPLES, 2), np.float32)
        self._send = np.float32(desk.channels[part].room_send / 2)  # of the sum of both sides
        pan = desk.channels[part].pan
        self._panned = pan != 0
        self._pan_gains = (np.float32(min(1.0, 1.0 - pan)), np.float32(min(1.0, 1.0 + pan)))

    def block(self, at: int) -> tuple[Samples, Samples | None]:
        """The part from sample `at` on for one block, and what of it goes into the room, (s,), if any."""
        out = np.zeros((BLOCK_SAMPLES, 2), np.float32)
        self._take_up_notes(at)
        # notes are added in their order, so that a block's sums round alike in every rendering
        for start, sound, gain in self._sounding:
            low, high = max(start, at), min(start + len(sound), at + BLOCK_SAMPLES)
            if low < high:
                part = self._scratch[: high - low]
                np.multiply(sound[low - start : high - start], np.float32(gain), out=part)
                out[low - at : high - at] += part
        if self._levels_db:
            samples = np.arange(at, at + BLOCK_SAMPLES, dtype=np.float64)
            out *= swell_gain(self._level_samples, self._levels_db, samples)[:, None]
        end = at + BLOCK_SAMPLES
        self._sounding = [entry for entry in self._sounding if entry[0] + len(entry[1]) > end]
        send = self._send * (out[:, 0] + out[:, 1]) if self._send else None
        if self._panned:
            for side, pan_gain in enumerate(self._pan_gains):
                out[:, side] *= pan_gain
        return out, send

    def _take_up_notes(self, at: int) -> None:
        """Notes that begin before the block's end and ring beyond its beginning."""
        while self._next < len(self._events) and self._events[self._next].start < at + BLOCK_SAMPLES:
            event = self._events[self._next]
            self._next += 1
            if event.start + (event.length or 0) + MAX_TAIL_SAMPLES <= at:
                continue
            sound, gain = self._orchestra.note(
                self.part, self._program, event.pitch, event.velocity, event.length
            )
            if event.start + len(sound) > at:
                self._sounding.append((event.start, sound, gain))


def _in_room(block: Mapping[Part, tuple[Samples, Samples | None]], rooms: Rooms) -> Stems:
    """Parts with what the walls return of them."""
    stems = {part: dry for part, (dry, _) in block.items()}
    sends = {part: send for part, (_, send) in block.items() if send is not None}
    for part, answer in rooms.answers(sends).items():
        stems[part] += answer.T
    return stems


def _parts_with_notes(arrangement: Arrangement) -> list[Part]:
    playing = {note.part for note in arrangement.notes}
    return [part for part in PARTS if part in playing]


def _events(part: Part, notes: list[Note], tempo: TempoMap, beat_offset: float) -> list[_Event]:
    """The notes in order of their samples; drums ring by themselves, but for an open hat that is closed."""
    beats = np.array([(note.start_beat, note.start_beat + note.duration_beats) for note in notes])
    samples = np.rint(tempo.time_s(beats + beat_offset) * SAMPLE_RATE_HZ).astype(np.int64).tolist()
    events = [
        _Event(start, None if part == "drums" else max(1, end - start), note.pitch, note.velocity)
        for note, (start, end) in zip(notes, samples, strict=True)
    ]
    events.sort(key=lambda event: (event.start, event.pitch, event.velocity))
    return _with_hats_closed(events) if part == "drums" else events


def _with_hats_closed(events: list[_Event]) -> list[_Event]:
    closed: list[_Event] = []
    next_stroke: int | None = None
    for event in reversed(events):
        if event.pitch == _OPEN_HAT:
            rest = _OPEN_HAT_SAMPLES if next_stroke is None else next_stroke - event.start
            length = max(1, min(_OPEN_HAT_SAMPLES, rest))
            closed.append(_Event(event.start, length, event.pitch, event.velocity))
        else:
            closed.append(event)
        if event.pitch in _HATS:
            next_stroke = event.start
    return closed[::-1]
