"""The corpus on disk: whole, resumable, the same for a seed, its curves marking its events."""

import json
from pathlib import Path

import numpy as np
import pytest
from v2m_training import corpus
from v2m_training.compose import STYLE_NAMES, compose
from v2m_training.corpus_figures import describe
from v2m_training.quick_sound import QuickPlayer

from v2m.codecs.latents import CHANNEL_COUNT
from v2m.codecs.synth import ScoreSynth
from v2m.curves import event_curve
from v2m.encoders import spectral
from v2m.errors import InputError
from v2m.tempo import TempoMap


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("silent")
    corpus.build(folder, pieces=60, seed=3, workers=1, render=False)
    return folder


def test_a_corpus_reads_back_as_it_was_composed(silent: Path) -> None:
    examples = list(corpus.read(silent))
    assert len(examples) == 60
    for number, example in enumerate(examples):
        assert example.latents.shape == (example.facts["frames"], CHANNEL_COUNT)
        assert example.curve is None
        assert example.facts["style"] == STYLE_NAMES[number % len(STYLE_NAMES)]
    facts = examples[17].facts
    piece = compose(facts["seed"], facts["style"])
    assert tuple(facts["terms"]) == piece.terms
    assert [tuple(event) for event in facts["events"]] == list(piece.events)


def test_building_again_makes_only_what_is_missing(silent: Path) -> None:
    shards = sorted(silent.glob("*.safetensors"))
    before = [path.read_bytes() for path in shards]
    kept = shards[0].stat().st_mtime_ns
    (silent / "0001.json").unlink()
    corpus.build(silent, pieces=60, seed=3, workers=1, render=False)
    assert [path.read_bytes() for path in shards] == before
    assert shards[0].stat().st_mtime_ns == kept
    assert len(json.loads((silent / "0001.json").read_text())) == 10
    assert not list(silent.glob(".*.part"))


def test_another_recipe_does_not_mix_with_a_corpus(silent: Path) -> None:
    with pytest.raises(InputError, match="made with"):
        corpus.build(silent, pieces=60, seed=4, workers=1, render=False)


def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected one or more"):
        corpus.build(tmp_path, pieces=0, seed=1, workers=1, render=False)
    with pytest.raises(InputError, match="holds no corpus"):
        list(corpus.read(tmp_path))


def test_figures_count_music(silent: Path) -> None:
    figures = describe(silent, decoded_pieces=16)
    assert figures.pieces == 60
    assert set(figures.hours_by_style) == set(STYLE_NAMES)
    assert figures.hours == pytest.approx(sum(figures.hours_by_style.values()))
    assert 2 < figures.notes_per_beat < 15
    assert figures.empty_bars < 0.15
    assert figures.in_scale > 0.9
    assert "60 pieces" in str(figures)


@pytest.mark.slow
def test_curves_rise_with_the_strength_of_events(tmp_path: Path) -> None:
    corpus.build(tmp_path, pieces=16, seed=9, workers=1, render=True)
    figures = describe(tmp_path, decoded_pieces=1)
    light, *_, heavy = figures.curve_at_events.values()
    assert figures.curve_elsewhere < light < heavy
    assert heavy > 1.0
    assert figures.discrimination > 0.85


@pytest.mark.slow
def test_two_workers_make_the_same_corpus_as_one(tmp_path: Path) -> None:
    for workers in (1, 2):
        corpus.build(tmp_path / str(workers), pieces=51, seed=5, workers=workers, render=False)
    for path in sorted((tmp_path / "1").glob("0*")):
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()


@pytest.mark.slow
def test_the_quick_sound_has_the_curve_of_the_real_one() -> None:
    player, synth = QuickPlayer(), ScoreSynth()
    piece = compose(1, "cinematic")
    music = piece.arrangement
    quick = corpus.event_curve_of(piece, player)
    tempo = TempoMap(tuple(np.arange(music.beat_count + 1) * 60 / piece.bpm), piece.beats_per_bar)
    duration_s = music.beat_count * 60 / piece.bpm
    stems = synth.render(music, tempo, sample_count=round(duration_s * 48_000))
    mix = np.sum(list(stems.values()), axis=0)
    real = event_curve(spectral.encode(mix, 48_000), duration_s, rate_hz=120.0)
    times_s = np.arange(len(quick)) * 60 / piece.bpm / 4
    assert np.corrcoef(quick, real.at(times_s))[0, 1] > 0.95
