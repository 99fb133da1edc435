"""CLAP score: the peers' preparation of sound, the same number each time, and a result that says how."""

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from v2m.errors import CheckpointError, InputError, MissingPartError
from v2m.metrics.clap import CLAP, RATE_HZ, prepare
from v2m.metrics.cosine import cosine

SOUND = (0.2 * np.sin(np.arange(RATE_HZ) / 20)).astype(np.float32)


def test_sound_is_prepared_as_stable_audio_metrics_does() -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    level = np.clip(pyloudnorm.normalize.peak(sound, -1.0), -1, 1)
    peer = ((level * 32767.0).astype(np.int16) / 32767.0).astype(np.float32)
    assert np.abs(prepare(sound, "peak-1dB-int16") - peer).max() <= 1e-4
    assert np.array_equal(prepare(sound, "as-is"), sound)
    assert not prepare(np.zeros(10), "peak-1dB-int16").any()


def test_cosine_of_rows() -> None:
    assert cosine(np.array([[1, 0], [1, 1]]), np.array([[2, 0], [1, -1]])) == pytest.approx([1, 0])
    assert cosine(np.zeros((1, 2)), np.ones((1, 2))) == pytest.approx([0])


@pytest.mark.slow
def test_a_score_repeats_and_says_how_it_was_made(tiny_clap: Path) -> None:
    long = np.random.default_rng(1).normal(0, 0.1, 5 * RATE_HZ).astype(np.float32)
    scores = [CLAP(tiny_clap).score([SOUND, long], ["calm piano", "noise"]) for _ in range(2)]
    assert scores[0] == scores[1]
    assert scores[0].mean == pytest.approx(np.mean(scores[0].scores))
    assert all(-1 <= score <= 1 for score in scores[0].scores)
    assert (scores[0].checkpoint, scores[0].fusion, scores[0].loudness) == (
        "tiny-clap",
        False,
        "peak-1dB-int16",
    )
    assert len(scores[0].weights_sha256) == 64


@pytest.mark.slow
def test_a_score_is_the_cosine_of_transformers_own_outputs(tiny_clap: Path) -> None:
    import torch
    from transformers import ClapModel, ClapProcessor

    model, processor = ClapModel.from_pretrained(tiny_clap).eval(), ClapProcessor.from_pretrained(tiny_clap)
    heard = processor.feature_extractor(
        prepare(SOUND, "peak-1dB-int16"), sampling_rate=RATE_HZ, return_tensors="pt"
    )
    with torch.no_grad():
        outputs = model(**processor.tokenizer(["calm piano"], return_tensors="pt"), **heard)
    peer = float((outputs.audio_embeds * outputs.text_embeds).sum())
    assert CLAP(tiny_clap).score([SOUND], ["calm piano"]).mean == pytest.approx(peer, abs=1e-5)


@pytest.mark.slow
def test_what_is_missing_or_no_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingPartError) as missing:
        CLAP(tmp_path)
    assert "larger_clap_music" in missing.value.hint
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
    with pytest.raises(CheckpointError, match="safetensors"):
        CLAP(tmp_path).score([SOUND], ["calm"])
    with pytest.raises(InputError):
        CLAP(tmp_path).score([SOUND], [])
    with pytest.raises(InputError):
        prepare(np.array([np.nan]), "as-is")
