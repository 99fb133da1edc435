"""The MIDI file says in ticks and tempos what the tempo map says in seconds."""

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.midi import TICKS_PER_BEAT, write_midi
from v2m.errors import OutputWriteError
from v2m.tempo import TempoMap


def wandering(beat_count: int, first_s: float = 0.0, seed: int = 0) -> tuple[float, ...]:
    rng = np.random.default_rng(seed)
    lengths = 0.5 * (1 + 0.15 * np.sin(np.arange(beat_count) / 9) + 0.01 * rng.standard_normal(beat_count))
    return tuple((first_s + np.concatenate([[0.0], np.cumsum(lengths)])).tolist())


def test_ten_minutes_of_notes_stand_within_a_millisecond(tmp_path: Path) -> None:
    tempo = TempoMap(wandering(1250))
    notes = tuple(Note("lead", i * 0.75 + 0.03 * (i % 3), 0.5, 60 + i % 12, 1 + i % 127) for i in range(1600))
    write_midi(tmp_path / "a.mid", Arrangement(1250, notes, programs={"lead": 73}), tempo)
    (flute,) = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments
    read = sorted(flute.notes, key=lambda n: n.start)
    starts = tempo.time_s(np.array([n.start_beat for n in notes]))
    ends = tempo.time_s(np.array([n.start_beat + n.duration_beats for n in notes]))
    assert starts[-1] > 590
    assert np.abs([n.start for n in read] - starts).max() < 0.001
    assert np.abs([n.end for n in read] - ends).max() < 0.001
    assert [(n.pitch, n.velocity) for n in read] == [(n.pitch, n.velocity) for n in notes]
    assert (flute.program, flute.name, flute.is_drum) == (73, "Lead", False)


@settings(max_examples=25)
@given(first_s=st.floats(-2, 0), downbeat=st.integers(0, 3), offset=st.sampled_from([0.0, 1.0, 2.5]))
def test_a_map_that_begins_before_the_programme_stays_in_time(
    tmp_path_factory: pytest.TempPathFactory, first_s: float, downbeat: int, offset: float
) -> None:
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    tempo = TempoMap(wandering(64, first_s), 4, downbeat)
    notes = tuple(Note("bass", i + 0.1, 0.5, 40, 90) for i in range(60))
    write_midi(path, Arrangement(60, notes), tempo, beat_offset=offset)
    midi = pretty_midi.PrettyMIDI(str(path))
    starts = tempo.time_s(np.array([n.start_beat for n in notes]) + offset)
    expected = starts[starts > 0]
    read = sorted(n.start for n in midi.instruments[0].notes)[-len(expected) :]
    assert np.abs(read - expected).max() < 0.001
    # downbeats of the file are downbeats of the map
    downbeats = tempo.time_s(np.arange(downbeat, 60, 4, dtype=float))
    later = downbeats[downbeats > 1]
    found = midi.get_downbeats()
    assert np.abs(found[:, None] - later[None, :]).min(axis=0).max() < 0.001


def test_each_beat_has_its_tempo_and_the_bars_are_written(tmp_path: Path) -> None:
    tempo = TempoMap(wandering(16), 3, 0)
    write_midi(tmp_path / "a.mid", Arrangement(12, (Note("harmony", 0, 1, 60, 80),), 0, 3), tempo)
    midi = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid"))
    assert midi.resolution == TICKS_PER_BEAT
    times, tempi = midi.get_tempo_changes()
    assert len(tempi) == 16
    np.testing.assert_allclose(times, tempo.beats_s[:-1], atol=2e-6)
    np.testing.assert_allclose(60 / tempi, np.diff(tempo.beats_s), atol=2e-6)
    assert [(s.numerator, s.denominator) for s in midi.time_signature_changes] == [(3, 4)]


def test_parts_kits_and_repeated_keys(tmp_path: Path) -> None:
    notes = (
        Note("drums", 0, 1.0, 38, 100),
        Note("drums", 0.25, 0.25, 38, 60),
        Note("extras", 0, 4, 72, 50),
        Note("extras", 1, 1, 72, 55),
    )
    tempo = TempoMap((0.0, 0.5, 1.0, 1.5, 2.0, 2.5))
    write_midi(tmp_path / "a.mid", Arrangement(4, notes, programs={"drums": 25}), tempo)
    by_name = {i.name: i for i in pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments}
    assert set(by_name) == {"Drums", "Extras"}
    assert by_name["Drums"].is_drum
    assert by_name["Drums"].program == 25
    for name, first_end in (("Drums", 0.125), ("Extras", 0.5)):
        first, second = sorted(by_name[name].notes, key=lambda n: n.start)
        assert first.end == pytest.approx(first_end, abs=1e-3)
        assert second.start == pytest.approx(first_end, abs=1e-3)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputWriteError, match="could not be written"):
        write_midi(tmp_path / "no" / "a.mid", Arrangement(4, ()), TempoMap((0.0, 0.5)))
