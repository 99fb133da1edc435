"""A stretch that is played by itself is the stretch of the whole, bit for bit."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.audio import MasterSettings, as_stored, read_wav
from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.synth import ScoreSynth
from v2m.excerpt import Excerpts, mixed
from v2m.hits import Hit
from v2m.performance import play
from v2m.piece import Piece
from v2m.stages import never_cancel
from v2m.tempo import TempoMap

LENGTH_S = 13
LOUD = MasterSettings(-9.0)
"""So loud that the limiter works nearly all the time."""

TEMPO = TempoMap(tuple(np.cumsum([0.0, *np.linspace(0.45, 0.55, 28)]).tolist()))
PIECE = Piece(
    Arrangement(
        27,
        tuple(
            note
            for beat in range(27)
            for note in (
                Note("drums", beat, 0.25, 49 if beat % 8 == 0 else 38, 90 + beat),
                Note("bass", beat, 0.9, 40 + beat % 5, 100),
                Note("harmony", beat, 3.0, 60 + beat % 7, 70),
            )
        ),
    ),
    TEMPO,
    (Hit("a", Fraction(5), "cut", 0.9), Hit("end", Fraction(LENGTH_S), "end", 0.8)),
    Fraction(LENGTH_S),
)


@pytest.fixture(scope="module")
def synth() -> ScoreSynth:
    return ScoreSynth()


@pytest.fixture(scope="module")
def whole(synth: ScoreSynth, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    folder = tmp_path_factory.mktemp("whole")
    with play(synth, PIECE.played, TEMPO, PIECE.programme, never_cancel) as recording:
        return folder, recording.write(folder, LOUD, never_cancel).gain


@pytest.mark.slow
@settings(max_examples=12)
@given(st.data())
def test_a_stretch_sounds_as_in_the_whole(
    synth: ScoreSynth, whole: tuple[Path, float], data: st.DataObject
) -> None:
    folder, gain = whole
    first = data.draw(st.integers(0, LENGTH_S * 48_000 - 2))
    last = data.draw(st.integers(first + 1, min(first + 150_000, LENGTH_S * 48_000)))
    stems = next(Excerpts(synth, PIECE, gain, LOUD).stretch(first, last))
    assert set(stems) == {path.stem for path in (folder / "stems").iterdir()}
    for name, samples in [*stems.items(), (None, mixed(stems))]:
        file = folder / "stems" / f"{name}.wav" if name else folder / "music.wav"
        assert np.array_equal(as_stored(samples), read_wav(file)[first:last]), name


def test_the_limiter_was_at_work(whole: tuple[Path, float]) -> None:
    """Else the stretches above would prove nothing of it."""
    stems = next(
        Excerpts(ScoreSynth(), PIECE, whole[1], MasterSettings(-9.0, ceiling_dbtp=0.0)).stretch(0, 240_000)
    )
    assert not np.allclose(mixed(stems), read_wav(whole[0] / "music.wav")[:240_000], atol=0.01)
