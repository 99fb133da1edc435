"""A composition in files: exact length, stems that sum to the music, whole or absent."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from v2m.audio import MasterSettings, integrated_lufs, read_wav
from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.synth import ScoreSynth
from v2m.errors import CancelledError
from v2m.performance import Programme, perform, play
from v2m.stages import Cancel, never_cancel
from v2m.tempo import TempoMap

FRAMES = 100
PROGRAMME = Programme(FRAMES * Fraction(1001, 30000), last_attack_s=3.0)
SAMPLES = FRAMES * 8008 // 5  # 48000 x 1001 / 30000 samples a frame, 1601.6
LEVELS_24_BIT = 2**23
TEMPO = TempoMap.steady(120, 4)
BAND = Arrangement(
    7,
    tuple(
        note
        for beat in range(7)
        for note in (
            Note("drums", beat, 0.25, 38, 100),
            Note("bass", beat, 0.9, 40, 90),
            Note("lead", beat, 0.5, 64 + beat, 80),
        )
    ),
    programs={"lead": 73},
)


@pytest.fixture(scope="module")
def synth() -> ScoreSynth:
    return ScoreSynth()


def perform_in(
    folder: Path, synth: ScoreSynth, arrangement: Arrangement = BAND, cancel: Cancel = never_cancel
) -> Path:
    settings = MasterSettings(-18.0)
    perform(folder, arrangement, TEMPO, PROGRAMME, synth=synth, settings=settings, cancel=cancel)
    return folder


@pytest.fixture(scope="module")
def performed(synth: ScoreSynth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return perform_in(tmp_path_factory.mktemp("performed"), synth)


def test_stems_sum_to_the_music_which_is_as_long_as_the_programme(performed: Path) -> None:
    music = read_wav(performed / "music.wav")
    stems = {path.stem: read_wav(path) for path in (performed / "stems").iterdir()}
    assert set(stems) == {"drums", "bass", "lead"}
    assert {len(sound) for sound in (music, *stems.values())} == {SAMPLES}
    assert np.abs(sum(stems.values()) - music).max() <= (len(stems) + 1) / 2 / LEVELS_24_BIT + 1e-7
    assert all(np.abs(stem).max() > 0.01 for stem in stems.values())


def test_the_music_has_its_loudness_and_ends_in_silence(performed: Path) -> None:
    music = read_wav(performed / "music.wav")
    assert integrated_lufs(music) == pytest.approx(-18, abs=0.5)
    assert not music[-1].any()
    last_attack = round(3.0 * 48_000)
    assert np.abs(music[last_attack : last_attack + 4800]).max() > 0.02


def test_the_notes_come_along(performed: Path) -> None:
    midi = pretty_midi.PrettyMIDI(str(performed / "score.mid"))
    assert sum(len(instrument.notes) for instrument in midi.instruments) == len(BAND.notes)


def test_a_piece_without_notes_is_silence_of_the_right_length(synth: ScoreSynth, tmp_path: Path) -> None:
    folder = perform_in(tmp_path, synth, Arrangement(7, ()))
    music = read_wav(folder / "music.wav")
    assert len(music) == SAMPLES
    assert not music.any()
    assert list((folder / "stems").iterdir()) == []
    assert (folder / "score.mid").is_file()


@pytest.mark.parametrize("looks", [1, 3, 5, 7])
def test_cancelling_leaves_no_file(synth: ScoreSynth, tmp_path: Path, looks: int) -> None:
    """Playing looks at the flag once a second of music, and so does writing."""
    seen = 0

    def cancel() -> None:
        nonlocal seen
        seen += 1
        if seen == looks:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        perform_in(tmp_path, synth, cancel=cancel)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_progress_rises_to_the_end_in_both_passes(synth: ScoreSynth, tmp_path: Path) -> None:
    playing: list[float] = []
    writing: list[float] = []
    with play(synth, BAND, TEMPO, PROGRAMME, never_cancel, playing.append) as recording:
        recording.write(tmp_path, MasterSettings(), never_cancel, writing.append)
    for told in (playing, writing):
        assert len(told) == 4
        assert told == sorted(told)
        assert told[-1] == 1.0
