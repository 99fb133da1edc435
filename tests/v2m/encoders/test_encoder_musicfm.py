"""MusicFM: the official code's numbers from either style of file, in spans that leave no seam."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.curves import novelty
from v2m.encoders.musicfm import ear
from v2m.encoders.musicfm.ear import MusicFMEncoder
from v2m.encoders.musicfm.mel import mel_spectrogram
from v2m.encoders.musicfm.network import LAYER, MusicFM
from v2m.encoders.protocol import SoundEncoder
from v2m.errors import CancelledError, CheckpointError, InputError, MissingPartError

MEAN, DEVIATION = 6.768444971712967, 18.417922652295623
WEIGHTS = "pretrained_msd.safetensors"


@pytest.fixture
def folder(checkpoints: Path) -> Path:
    return checkpoints / "musicfm"


def normalised(sound: torch.Tensor) -> torch.Tensor:
    return (mel_spectrogram(sound) - MEAN) / DEVIATION


def test_the_spectrogram_is_that_of_torchaudio(tiny: ModuleType, golden: Mapping[str, torch.Tensor]) -> None:
    mel = mel_spectrogram(tiny.random_sound(24_000)[None, :4800])
    assert mel.shape == (1, 128, 20)  # of 21 frames the last is dropped
    torch.testing.assert_close(
        mel, golden["musicfm_mel"], atol=1e-4, rtol=0
    )  # decibels, of an FFT's own order


@pytest.mark.parametrize("old_norm", [False, True])
def test_all_hidden_states_are_those_of_the_official_code(
    tiny: ModuleType, golden: Mapping[str, torch.Tensor], tmp_path: Path, old_norm: bool
) -> None:
    path = tiny.write_musicfm(tmp_path, old_norm=old_norm) / WEIGHTS
    tensors = load_file(path)
    norm = "weight_g" if old_norm else "parametrizations.weight.original0"
    assert any(norm in name for name in tensors)
    with torch.inference_mode():
        hidden = MusicFM.of(tensors, 8).eval()(normalised(tiny.random_sound(24_000)[None]))
    torch.testing.assert_close(torch.cat(hidden), golden["musicfm_hidden"], atol=1e-5, rtol=0)


def test_the_seventh_layer_is_the_default_and_needs_no_more_than_it(
    folder: Path, tiny: ModuleType, golden: Mapping[str, torch.Tensor]
) -> None:
    assert LAYER == 7
    encoder: SoundEncoder = MusicFMEncoder(folder, device="cpu")
    features = encoder(tiny.random_sound(24_000).numpy(), 24_000)
    assert features.encoder == "musicfm"
    assert features.values.shape == (25, 32)
    np.testing.assert_allclose(features.values, golden["musicfm_hidden"][7].numpy(), atol=1e-5)
    assert len(MusicFM.of(load_file(folder / WEIGHTS)).conformer.layers) == 7


@pytest.mark.parametrize("layer", [0, 3, 8])
def test_another_layer_can_be_had_and_is_named(
    folder: Path, tiny: ModuleType, golden: Mapping[str, torch.Tensor], layer: int
) -> None:
    features = MusicFMEncoder(folder, layer=layer, device="cpu")(tiny.random_sound(24_000).numpy(), 24_000)
    assert features.encoder == f"musicfm:{layer}"
    np.testing.assert_allclose(features.values, golden["musicfm_hidden"][layer].numpy(), atol=1e-5)


def test_a_layer_that_there_is_not_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="Hidden state 13 is asked for, expected one of 0-8"):
        MusicFMEncoder(folder, layer=13, device="cpu")(np.zeros(24_000, np.float32), 24_000)


def test_a_row_is_dated_where_its_sound_begins(folder: Path) -> None:
    sound = np.zeros((48_000 * 4, 2), np.float32)
    sound[48_000 * 2 :] = np.random.default_rng(0).normal(size=(48_000 * 2, 2)) * 0.3
    times_s, change = novelty(MusicFMEncoder(folder, layer=0, device="cpu")(sound, 48_000))
    assert times_s[change[5:-5].argmax() + 5] == pytest.approx(2.0, abs=0.09)


def test_spans_are_computed_as_if_each_were_all_there_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = (np.random.default_rng(3).normal(size=24_000 * 6) * 0.1).astype(np.float32)
    whole = MusicFMEncoder(folder, device="cpu")(sound, 24_000).values
    monkeypatch.setattr(ear, "SPAN_S", 4)
    spans = MusicFMEncoder(folder, device="cpu")(sound, 24_000).values
    alone = MusicFMEncoder(folder, device="cpu")(sound[: 24_000 * 4], 24_000).values
    assert whole.shape == spans.shape
    np.testing.assert_allclose(spans[:50], alone[:50], atol=1e-6)


@pytest.mark.parametrize(("rate_hz", "length_s"), [(44_100, 0.01), (8000, 0.5), (48_000, 1.0), (96_000, 0.3)])
def test_any_rate_and_any_length_give_a_row_each_40_ms(folder: Path, rate_hz: int, length_s: float) -> None:
    sound = (np.random.default_rng(1).normal(size=(round(rate_hz * length_s), 2)) * 0.1).astype(np.float32)
    features = MusicFMEncoder(folder, device="cpu")(sound, rate_hz)
    assert len(features.values) == pytest.approx(length_s * 25, abs=1)
    assert np.isfinite(features.values).all()
    assert (np.diff(features.times_s) > 0).all()


def test_it_hears_the_same_in_another_rate(folder: Path) -> None:
    time_s = np.arange(48_000 * 2) / 48_000
    sound = np.sin(2 * np.pi * (200 + 300 * time_s) * time_s) * 0.3
    high = MusicFMEncoder(folder, device="cpu")(sound.astype(np.float32), 48_000).values
    low = MusicFMEncoder(folder, device="cpu")(sound[::2].astype(np.float32), 24_000).values
    assert np.corrcoef(high[5:-5].ravel(), low[5:-5].ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("sound", "rate_hz"),
    [
        (np.zeros((9, 2, 2)), 48_000),
        (np.zeros(9), 4000),
        (np.zeros(0), 48_000),
        (np.full(9000, np.nan), 24_000),
    ],
)
def test_what_is_no_sound_is_refused(folder: Path, sound: np.ndarray, rate_hz: int) -> None:
    with pytest.raises(InputError):
        MusicFMEncoder(folder, device="cpu")(sound.astype(np.float32), rate_hz)


def test_a_cancel_is_heard_before_each_span(folder: Path) -> None:
    def stop() -> None:
        raise CancelledError("stop")

    with pytest.raises(CancelledError):
        MusicFMEncoder(folder, device="cpu", cancel=stop)(np.zeros(24_000, np.float32), 24_000)


def without(name: str) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        del tensors[name]
        save_file(tensors, folder / WEIGHTS)

    return spoil


def statistics(**values: object) -> Callable[[Path], object]:
    return lambda folder: (folder / "msd_stats.json").write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without("model.conv.linear.weight"), "no MusicFM: 'conv.linear.weight' is missing"),
        (
            without("model.conformer.layers.3.ffn1.output_dense.bias"),
            "1 .*layers.3.ffn1.output_dense.bias.* missing",
        ),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"\x80\x02 pickle"), "pickle"),
        (statistics(melspec_2048_mean=1.0), "lack 'melspec_2048_std'"),
        (statistics(melspec_2048_mean=1.0, melspec_2048_std=0.0), "expected numbers of dB"),
        (lambda folder: (folder / "msd_stats.json").unlink(), "holds no msd_stats.json"),
    ],
)
def test_a_broken_file_is_refused_in_a_sentence(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    spoil(copy)
    with pytest.raises(CheckpointError, match=told):
        MusicFMEncoder(copy, device="cpu")(np.zeros(24_000, np.float32), 24_000)


def test_of_two_editions_the_better_is_taken_with_its_own_statistics(
    folder: Path, tmp_path: Path, tiny: ModuleType
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "pretrained_fma.safetensors").write_bytes(b"never read")
    (copy / "fma_stats.json").write_text("never read")
    sound = tiny.random_sound(24_000).numpy()
    rows = [MusicFMEncoder(path, device="cpu")(sound, 24_000).values for path in (folder, copy)]
    np.testing.assert_array_equal(*rows)


def test_without_weights_it_says_what_brings_them(models: Path, tmp_path: Path) -> None:
    assert MusicFMEncoder(device="cpu").weights_sha256
    with pytest.raises(MissingPartError) as raised:
        MusicFMEncoder(tmp_path)
    assert "v2m models add musicfm" in raised.value.hint


@pytest.mark.slow
def test_neither_torchaudio_nor_transformers_is_needed() -> None:
    code = (
        "import sys; sys.modules['torchaudio'] = sys.modules['transformers'] = None\n"
        "import v2m.encoders.musicfm.ear, v2m.encoders.avsiam.ear, v2m.encoders.cotracker.eye"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
