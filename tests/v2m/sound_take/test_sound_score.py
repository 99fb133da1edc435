"""Models that compose sound score a timeline: asked for a tempo, fitted to the hits, kept as they were."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.v2m.plain_backbone import analysis_of, programme
from tests.v2m.toy_sound import GRID, ToySound
from v2m.analysis import Analysis
from v2m.audio import read_wav
from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.errors import CancelledError, InputError, UsageError
from v2m.score import Scored, ScoreSettings, score
from v2m.take.record import read_record
from v2m.take.shelf import Shelf
from v2m.timebase import samples_covering

CUTS = [96, 145, 256, 318, 436, 541]
SETTINGS = ScoreSettings(prompt="warm rock", backbone="stable-audio-3-small", seed=3)


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analysis_of(programme(CUTS, 624))


def scored(folder: Path, analysis: Analysis, model: ToySound, **changes: object) -> tuple[Scored, ...]:
    with Shelf(folder) as shelf:
        return score(
            analysis, replace(SETTINGS, **changes), shelf=shelf, stem="film", model=model  # type: ignore[arg-type]
        )  # fmt: skip


def test_beats_fall_on_hits_and_every_file_is_there(tmp_path: Path, analysis: Analysis) -> None:
    model = ToySound(off_s=0.21)
    (take,) = scored(tmp_path, analysis, model)
    record = take.record
    assert record == read_record(take.folder)
    assert record.sound is not None
    assert model.windows[0].prompt == record.sound.words
    assert record.sound.words.startswith("warm rock, ")
    assert record.sound.words.endswith(" BPM")
    assert record.metrics["composed"]["largest_stretch"] <= 0.06 + 1e-6
    asked, heard = (record.metrics["composed"][name] for name in ("asked_bpm", "tempo_bpm"))
    assert heard == pytest.approx(asked, rel=0.02)
    sch = record.metrics["sch"]
    assert sch["value"] >= sch["chance"] + 0.2
    assert record.metrics["hits_heard"] >= 0.6
    music = read_wav(take.wav)
    assert len(music) == samples_covering(analysis.timeline.duration_s)
    np.testing.assert_array_equal(read_wav(take.folder / "stems" / "music.wav"), music)
    page = (take.folder / "report.html").read_text(encoding="utf-8")
    assert record.sound.words in page
    assert "no adapter was given" in page
    assert any("Stability" in note for note in record.notes)


@pytest.mark.slow
def test_the_same_seed_makes_the_same_bytes(tmp_path: Path, analysis: Analysis) -> None:
    one = scored(tmp_path / "1", analysis, ToySound(), takes=2)
    other = scored(tmp_path / "2", analysis, ToySound(), takes=2)
    for a, b in zip(one, other, strict=True):
        assert a.wav.read_bytes() == b.wav.read_bytes()
        assert a.record == b.record
    assert {take.folder.name for take in one} == {"film-a.v2m", "film-b.v2m"}
    assert {take.record.seed for take in one} == {3, 4}


@pytest.mark.slow
def test_a_tempo_that_is_given_is_asked_for_and_none_is_said_twice(
    tmp_path: Path, analysis: Analysis
) -> None:
    model = ToySound()
    scored(tmp_path, analysis, model, prompt="rock, 104 BPM.")
    assert model.windows[0].prompt == "rock, 104 BPM"
    scored(tmp_path, analysis, model, tempo_bpm=97.0)
    assert model.windows[1].prompt == "warm rock, 97 BPM"


@pytest.mark.slow
def test_sound_without_beats_is_laid_as_it_is_and_says_so(tmp_path: Path, analysis: Analysis) -> None:
    class Drone(ToySound):
        def decode(self, latents: np.ndarray) -> np.ndarray:
            turn = 2 * np.pi * 110 / GRID.sample_rate_hz * np.arange(len(latents) * GRID.hop_samples)
            return np.stack([0.2 * np.sin(turn)] * 2, axis=1).astype(np.float32)

    (take,) = scored(tmp_path, analysis, Drone())
    assert take.record.metrics["composed"]["tempo_bpm"] is None
    assert any("Laid as it was composed" in note for note in take.record.notes)
    assert len(read_wav(take.wav)) == samples_covering(analysis.timeline.duration_s)


@pytest.mark.slow
def test_an_adapter_is_kept_and_clips_the_curve(tmp_path: Path, analysis: Analysis) -> None:
    recipe = {"kernel_s": analysis.curve.kernel_s}
    adapter = EventAdapter(np.zeros(8, np.float32), "0" * 64, GRID.rate_hz, recipe, (-0.5, 0.5))
    path = tmp_path / "event.safetensors"
    save_adapter(path, adapter)
    model = ToySound()
    (take,) = scored(tmp_path, analysis, model, adapter=path)
    assert take.record.sound is not None
    assert take.record.sound.adapter == "event.safetensors"
    assert not any("did not hear" in note for note in take.record.notes)
    assert np.abs(model.windows[0].curve).max() <= 0.5
    save_adapter(path, replace(adapter, recipe={"kernel_s": 2.52}))
    with pytest.raises(InputError, match=r"smoothed over 2\.52 s"):
        scored(tmp_path, analysis, ToySound(), adapter=path)


def test_the_embedded_model_takes_no_adapter(tmp_path: Path, analysis: Analysis) -> None:
    with pytest.raises(UsageError, match="takes no adapter"):
        scored(tmp_path, analysis, ToySound(), backbone="sketch", adapter=tmp_path)


def test_stopping_leaves_nothing_behind(tmp_path: Path, analysis: Analysis) -> None:
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise CancelledError("stop")

    with pytest.raises(CancelledError), Shelf(tmp_path / "out") as shelf:
        score(analysis, SETTINGS, shelf=shelf, stem="film", model=ToySound(), cancel=stop)
    assert not (tmp_path / "out").exists()


def test_short_programmes_are_scored(tmp_path: Path) -> None:
    (take,) = scored(tmp_path, analysis_of(programme([], 5)), ToySound())
    assert len(read_wav(take.wav)) == samples_covering(Fraction(5, 24))
