"""Pedals hold notes, swells change loudness inside them; both are heard and written as MIDI controllers."""

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.midi import write_midi
from v2m.codecs.pedal import sustained
from v2m.codecs.synth import ScoreSynth
from v2m.tempo import TempoMap

TEMPO = TempoMap(tuple(i * 0.5 for i in range(20)))


def test_the_pedal_holds_until_it_comes_up_or_the_key_is_struck_again() -> None:
    notes = (
        Note("harmony", 0, 0.5, 60, 80),
        Note("harmony", 0, 0.5, 64, 80),
        Note("lead", 0, 0.5, 60, 80),
        Note("harmony", 2, 0.5, 60, 80),
        Note("harmony", 4, 0.5, 60, 80),
    )
    piece = Arrangement(8, notes, pedals={"harmony": ((0.25, 3.0), (4.5, 6.0))})
    held = sustained(piece)
    assert [n.duration_beats for n in held.notes] == [2, 3, 0.5, 1, 2]
    assert not held.pedals
    assert sustained(held) == held


@given(
    ends=st.lists(st.floats(0.1, 4), min_size=1, max_size=8),
    down=st.floats(0, 4),
    length=st.floats(0.1, 4),
)
def test_the_pedal_shortens_nothing_and_moves_no_start(ends: list[float], down: float, length: float) -> None:
    notes = tuple(Note("harmony", i / 2, end, 60 + i % 3, 80) for i, end in enumerate(ends))
    held = sustained(Arrangement(8, notes, pedals={"harmony": ((down, down + length),)})).notes
    for before, after in zip(notes, held, strict=True):
        assert after.start_beat == before.start_beat
        assert after.duration_beats >= before.duration_beats - 1e-12


def test_both_are_heard() -> None:
    synth, count = ScoreSynth(), 4 * 48_000
    plain = Arrangement(8, (Note("harmony", 0, 0.5, 60, 90),), programs={"harmony": 48})
    pedalled = Arrangement(8, plain.notes, programs=plain.programs, pedals={"harmony": ((0.0, 6.0),)})
    swelling = Arrangement(
        8,
        pedalled.notes,
        programs=plain.programs,
        pedals=pedalled.pedals,
        loudness_db={"harmony": tuple(np.linspace(-20, 0, 17).tolist())},
    )
    dry, held, swell = (
        synth.render(piece, TEMPO, sample_count=count)["harmony"] for piece in (plain, pedalled, swelling)
    )

    def level(sound: np.ndarray, second: float) -> float:
        at = round(second * 48_000)
        return float(20 * np.log10(np.sqrt(np.mean(sound[at : at + 4800] ** 2)) + 1e-9))

    assert level(held, 2.5) > level(dry, 2.5) + 20
    # the room still answers to what was softer, so early levels are the clearer ones
    assert level(swell, 0.5) - level(held, 0.5) == pytest.approx(-15, abs=1.5)
    assert level(swell, 1.9) - level(held, 1.9) == pytest.approx(-1, abs=1.5)


def test_both_are_controllers_in_the_midi_file(tmp_path: Path) -> None:
    piece = Arrangement(
        4,
        (Note("harmony", 0, 4, 60, 90),),
        pedals={"harmony": ((0.5, 2.0),)},
        loudness_db={"harmony": (-20.0, -10.0, 0.0, 0.0)},
    )
    write_midi(tmp_path / "a.mid", piece, TEMPO)
    (part,) = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments
    changes = [(c.number, round(c.time, 3), c.value) for c in part.control_changes]
    assert [change for change in changes if change[0] == 64] == [(64, 0.25, 127), (64, 1.0, 0)]
    expression = [change for change in changes if change[0] == 11]
    assert [round(40 * np.log10(value / 127)) for _, _, value in expression] == [-20, -10, 0]
    assert [at for _, at, _ in expression] == [0, 0.125, 0.25]
