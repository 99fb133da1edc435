"""The files of a take fill the programme to its last frame, whole samples or not."""

from fractions import Fraction
from pathlib import Path

import pytest
import soundfile

from v2m.audio import MasterSettings
from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.synth import ScoreSynth
from v2m.errors import OutputWriteError
from v2m.performance import Programme, play
from v2m.stages import never_cancel
from v2m.tempo import TempoMap

TEMPO = TempoMap.steady(120, 4.0)
ONE_NOTE = Arrangement(8, (Note("drums", 0, 1, 38, 100),))


@pytest.fixture(scope="module")
def synth() -> ScoreSynth:
    return ScoreSynth()


@pytest.mark.parametrize("rate", ["24000/1001", "30000/1001", "60000/1001", "25"])
@pytest.mark.parametrize("frames", [1, 2, 37])
def test_every_whole_frame_has_its_samples(rate: str, frames: int, synth: ScoreSynth, tmp_path: Path) -> None:
    programme = Programme(frames / Fraction(rate), None)
    with play(synth, ONE_NOTE, TEMPO, programme, never_cancel) as recording:
        recording.write(tmp_path, MasterSettings(), never_cancel)
    count = soundfile.info(tmp_path / "music.wav").frames
    assert Fraction(count, 48_000) * Fraction(rate) // 1 == frames
    assert soundfile.info(tmp_path / "stems" / "drums.wav").frames == count


def test_the_parts_wait_where_they_are_told_to(synth: ScoreSynth, tmp_path: Path) -> None:
    programme = Programme(Fraction(1, 2), None)
    with pytest.raises(OutputWriteError, match=r"could not be kept in .*gone"):
        play(synth, ONE_NOTE, TEMPO, programme, never_cancel, spool_folder=tmp_path / "gone")
