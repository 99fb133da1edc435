"""The score latents hold what the composing program writes, in every style, as a corpus stores it."""

import numpy as np
import pytest
from v2m_training.compose import STYLE_NAMES, compose

from v2m.codecs.arrangement import Note, Part
from v2m.codecs.latents import decode, encode


@pytest.mark.parametrize("style", STYLE_NAMES)
def test_99_of_100_notes_return_within_5_ms_and_2_steps_of_velocity(style: str) -> None:
    piece = compose(11, style)
    music = piece.arrangement
    stored = encode(music).astype(np.float16).astype(np.float32)
    back = decode(stored, music.tonic, music.beats_per_bar)
    assert len(back.notes) <= 1.01 * len(music.notes)
    left: dict[tuple[Part, int], list[Note]] = {}
    for note in back.notes:
        left.setdefault((note.part, note.pitch), []).append(note)
    velocity_errors = []
    for note in music.notes:
        there = left.get((note.part, note.pitch), [])
        near = min(there, key=lambda other: abs(other.start_beat - note.start_beat), default=None)
        if near is not None and abs(near.start_beat - note.start_beat) * 60 / piece.bpm <= 0.005:
            there.remove(near)
            velocity_errors.append(near.velocity - note.velocity)
    assert len(velocity_errors) >= 0.99 * len(music.notes)
    assert np.sqrt(np.mean(np.square(velocity_errors))) <= 2
    assert set(back.pedals) == {part for part, spans in music.pedals.items() if spans}
