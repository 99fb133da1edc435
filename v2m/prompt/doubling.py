"""A line for a part that was asked for and is silent: it doubles what plays, as an arranger would.

A tune takes the highest tones of the chords, a bass the lowest, at most one a beat and held to the next;
drums keep a plain beat under the bars that sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from v2m.codecs.arrangement import DRUM_VOICES, Arrangement, Note, Part
from v2m.codecs.layout import fold_pitch

_SOURCES: Final[tuple[Part, ...]] = ("harmony", "extras", "lead", "bass")
_LONGEST_BEATS: Final = 4.0
_TUNE_LOW: Final = 64
"""A doubled tune is lifted by octaves to E 4 or above, out of the chords."""

_PLAIN_BEAT: Final[dict[int, tuple[tuple[str, float, int], ...]]] = {
    # voice, beat of the bar, velocity
    4: (("kick", 0.0, 84), ("snare", 1.0, 76), ("kick", 2.0, 78), ("snare", 3.0, 76)),
    3: (("kick", 0.0, 84), ("snare", 1.0, 62), ("snare", 2.0, 66)),
    2: (("kick", 0.0, 84), ("snare", 1.0, 76)),
}
_HAT_VELOCITY: Final = 56


def doubled(music: Arrangement, part: Part) -> tuple[Note, ...]:
    """Notes for a part that has none; empty where nothing sounds that it could double."""
    if part == "drums":
        return _plain_beat(music)
    source = next((p for p in _SOURCES if p != part and any(note.part == p for note in music.notes)), None)
    if source is None:
        return ()
    chosen = _one_a_beat([note for note in music.notes if note.part == source], lowest=part == "bass")
    starts = [note.start_beat for note in chosen[1:]] + [float(music.beat_count)]
    return tuple(
        Note(
            part=part,
            start_beat=note.start_beat,
            duration_beats=max(0.25, min(end - note.start_beat, _LONGEST_BEATS)),
            pitch=_placed(music, part, note.pitch),
            velocity=note.velocity,
        )
        for note, end in zip(chosen, starts, strict=True)
    )


def _one_a_beat(notes: Sequence[Note], *, lowest: bool) -> list[Note]:
    """The outer voice of the first stroke in each beat."""
    chosen: dict[int, Note] = {}
    for note in sorted(notes, key=lambda note: note.start_beat):
        known = chosen.get(int(note.start_beat))
        together = known is not None and note.start_beat - known.start_beat < 0.1
        if known is None or (together and (note.pitch < known.pitch) == lowest):
            chosen[int(note.start_beat)] = note
    return [chosen[beat] for beat in sorted(chosen)]


def _placed(music: Arrangement, part: Part, pitch: int) -> int:
    while part != "bass" and pitch < _TUNE_LOW:
        pitch += 12
    while part == "bass" and pitch > 48:
        pitch -= 12
    return fold_pitch(part, music.tonic, pitch)


def _plain_beat(music: Arrangement) -> tuple[Note, ...]:
    bar = music.beats_per_bar
    sounding = sorted({int(note.start_beat / bar) for note in music.notes})
    notes = []
    for index in sounding:
        strokes = [*_PLAIN_BEAT.get(bar, _PLAIN_BEAT[4][:1])]
        strokes += [("closed hat", float(beat), _HAT_VELOCITY) for beat in range(bar)]
        for voice, beat, velocity in strokes:
            if index * bar + beat < music.beat_count:
                notes.append(Note("drums", index * bar + beat, 0.25, DRUM_VOICES[voice], velocity))
    return tuple(notes)
