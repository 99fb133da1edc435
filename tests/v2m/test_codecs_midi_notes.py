"""Notes come back from our own MIDI files at the seconds at which they were meant."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.midi import write_midi
from v2m.codecs.midi_notes import read_notes
from v2m.errors import DocumentError
from v2m.tempo import TempoMap


@given(st.lists(st.floats(0.35, 1.0), min_size=8, max_size=24), st.floats(-0.3, 0.0))
def test_notes_stand_where_the_tempo_map_puts_them(
    tmp_path_factory: pytest.TempPathFactory, beats: list[float], before_s: float
) -> None:
    tempo = TempoMap(tuple((before_s + np.concatenate([[0], np.cumsum(beats)])).tolist()))
    notes = tuple(Note("lead", beat, 0.5, 60 + beat % 5, 50 + beat) for beat in range(1, len(beats)))
    path = tmp_path_factory.mktemp("midi") / "score.mid"
    write_midi(path, Arrangement(len(beats), notes), tempo)
    read = read_notes(path)
    assert set(read) == {"lead"}
    expected = tempo.time_s(np.array([note.start_beat for note in notes]))
    assert np.abs(read["lead"].starts_s - expected).max() < 0.002
    ends = tempo.time_s(np.array([note.start_beat + 0.5 for note in notes]))
    assert np.abs(read["lead"].ends_s - ends).max() < 0.002
    assert read["lead"].pitches.tolist() == [note.pitch for note in notes]
    assert read["lead"].velocities.tolist() == [note.velocity for note in notes]


@given(st.binary(max_size=80))
def test_what_is_no_midi_file_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("midi") / "score.mid"
    path.write_bytes(b"MThd\x00\x00\x00\x06\x00\x01\x00\x01" + content)
    with contextlib.suppress(DocumentError):
        assert read_notes(path) == {}
