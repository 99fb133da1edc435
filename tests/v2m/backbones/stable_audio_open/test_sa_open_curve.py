"""How the event curve comes in: by an adapter's column, or by a ControlNet that was trained on loudness."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from v2m_daemon.models.conversion import convert

from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.backbones.sound.head import HeadConfig, LatentHead, Steering
from v2m.backbones.sound.model import SoundWindow
from v2m.backbones.stable_audio_open.envelope import LOUDEST_RMS, USUAL_RMS, envelope_of_curve
from v2m.backbones.stable_audio_open.model import StableAudioOpen
from v2m.errors import CheckpointError

ModelOf = Callable[..., StableAudioOpen]
STEPS = 3


@pytest.fixture
def window(tiny: ModuleType) -> SoundWindow:
    asked: SoundWindow = tiny.window(steps=STEPS, adherence=0.5)
    return asked


def composed(model: StableAudioOpen, window: SoundWindow) -> NDArray[np.float32]:
    return model.compose(window, lambda fraction: None, lambda: None)


def adapter_for(model: StableAudioOpen, path: Path, column: NDArray[np.float32]) -> Path:
    save_adapter(path, EventAdapter(column, model.base_sha256, model.grid.rate_hz, {"encoder": "pixel"}))
    return path


@pytest.mark.parametrize("kind", ["open", "small", "diffusers"])
def test_an_adapter_of_zeros_changes_nothing(
    kind: str, model_of: ModelOf, tiny: ModuleType, window: SoundWindow, tmp_path: Path
) -> None:
    base = model_of(kind)
    path = adapter_for(base, tmp_path / "zero.safetensors", np.zeros(tiny.WIDTH, np.float32))
    adapted = model_of(kind, adapter=path)
    assert np.abs(composed(adapted, window) - composed(base, window)).max() == 0.0
    assert adapted.weights_sha256 != base.weights_sha256
    assert adapted.base_sha256 == base.base_sha256


def test_the_adherence_scales_what_an_adapter_does(
    model_of: ModelOf, tiny: ModuleType, window: SoundWindow, tmp_path: Path
) -> None:
    base = model_of("open")
    path = adapter_for(base, tmp_path / "one.safetensors", np.full(tiny.WIDTH, 0.1, np.float32))
    adapted, plain = model_of("open", adapter=path), composed(base, window)
    np.testing.assert_array_equal(composed(adapted, replace(window, adherence=0.0)), plain)
    far = [
        float(np.abs(composed(adapted, replace(window, adherence=a)) - plain).mean())
        for a in (0.25, 0.5, 1.0)
    ]
    assert 0 < far[0] < far[1] < far[2]
    flat = replace(window, curve=np.zeros_like(window.curve))
    np.testing.assert_array_equal(composed(adapted, flat), plain)


def test_the_column_is_one_more_input_channel(model_of: ModelOf, tiny: ModuleType) -> None:
    """Adding curve times column is what a projection does whose input has the curve as a channel more."""
    transformer = model_of("open")._loaded.transformer
    x, column = tiny.noise((1, 20, tiny.CHANNELS), 1), tiny.noise((tiny.WIDTH,), 2)
    curve = tiny.noise((20,), 3)
    encoded = transformer.encode(tiny.noise((1, 4, tiny.TOKEN_WIDTH), 4), tiny.noise((1, 64), 5), 20)
    added = replace(encoded, event=curve[None, :, None] * column)
    with torch.inference_mode():
        by_column = transformer._entered(x, torch.tensor([0.5]), added)[:, 1:]
        y = torch.cat([transformer.preprocess_conv(x.mT).mT + x, curve[None, :, None]], dim=-1)
        grown = torch.cat([transformer.transformer.project_in.weight, column[:, None]], dim=1)
        by_channel = torch.nn.functional.linear(y, grown)
    assert float((by_column - by_channel).abs().max()) < 1e-5


@pytest.mark.parametrize("wrong", ["width", "rate", "base", "taps"])
def test_an_adapter_of_another_model_is_refused(
    wrong: str, model_of: ModelOf, tiny: ModuleType, window: SoundWindow, tmp_path: Path
) -> None:
    base, path = model_of("open"), tmp_path / "adapter.safetensors"
    shape = {"width": (tiny.WIDTH + 1,), "taps": (tiny.WIDTH, 2)}.get(wrong, (tiny.WIDTH,))
    rate = base.grid.rate_hz / 2 if wrong == "rate" else base.grid.rate_hz
    sha = "0" * 64 if wrong == "base" else base.base_sha256
    save_adapter(path, EventAdapter(np.zeros(shape, np.float32), sha, rate))
    with pytest.raises(CheckpointError, match="adapter"):
        composed(model_of("open", adapter=path), window)


@pytest.mark.slow
def test_a_controlnet_follows_the_curve_by_its_adherence(model_of: ModelOf, window: SoundWindow) -> None:
    controlled, plain = model_of("controlnet"), composed(model_of("open"), window)
    np.testing.assert_array_equal(composed(controlled, replace(window, adherence=0.0)), plain)
    far = [
        float(np.abs(composed(controlled, replace(window, adherence=a)) - plain).mean())
        for a in (0.25, 0.5, 1.0)
    ]
    assert 0 < far[0] < far[1] < far[2]
    other = replace(window, curve=window.curve[::-1].copy())
    assert np.abs(composed(controlled, other) - composed(controlled, window)).max() > 1e-3


@pytest.mark.slow
def test_a_controlnet_at_the_start_of_its_training_changes_nothing(
    model_of: ModelOf, tiny: ModuleType, window: SoundWindow, tmp_path: Path
) -> None:
    folder = tiny.write(tmp_path / "untrained", controlnet=True)
    tensors = load_file(folder / "controlnet.safetensors")
    fresh = {n: torch.zeros_like(v) if ".conv_" in n else v for n, v in tensors.items()}
    save_file(fresh, folder / "controlnet.safetensors")
    assert np.abs(composed(model_of(folder), window) - composed(model_of("open"), window)).max() == 0.0


@pytest.mark.slow
def test_a_controlnet_alone_in_its_folder_stands_on_the_model_beside_it(
    model_of: ModelOf, tiny: ModuleType, window: SoundWindow, tmp_path: Path
) -> None:
    """The layout of the store; and as a Lightning checkpoint, which has the frozen model in it too."""
    tiny.write(tmp_path / "stable-audio-open")
    alone = tmp_path / "stable-audio-controlnet"
    alone.mkdir()
    frozen = {
        name: value for name, value in tiny.official_tensors().items() if name.startswith("model.model.")
    }
    lightning = {name.replace("model.model.", "model.model.model."): value for name, value in frozen.items()}
    save_file({**lightning, **tiny.controlnet_tensors()}, alone / "controlnet.safetensors")
    np.testing.assert_array_equal(composed(model_of(alone), window), composed(model_of("controlnet"), window))


@pytest.mark.slow
def test_a_lightning_checkpoint_is_converted_apart_and_loaded(
    model_of: ModelOf, tiny: ModuleType, window: SoundWindow, tmp_path: Path
) -> None:
    folder = tiny.write(tmp_path / "model")
    trained = {
        "epoch": 3,
        "pytorch-lightning_version": "2.1.0",
        "state_dict": {**tiny.controlnet_tensors(), "model.pretransform.model.unused": torch.zeros(3)},
        "hyper_parameters": {"lr": 1e-4, "depth_factor": 0.7},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}],
    }
    torch.save(trained, tmp_path / "last.ckpt")
    convert(tmp_path / "last.ckpt", folder / "controlnet.safetensors")
    np.testing.assert_array_equal(
        composed(model_of(folder), window), composed(model_of("controlnet"), window)
    )


@pytest.mark.slow
def test_the_layers_of_a_controlnet_are_counted_in_its_file(
    model_of: ModelOf, tiny: ModuleType, window: SoundWindow, tmp_path: Path
) -> None:
    folder = tiny.write(tmp_path / "model")
    save_file(tiny.controlnet_tensors(depth=1), folder / "controlnet.safetensors")
    one = composed(model_of(folder), window)
    assert np.abs(one - composed(model_of("controlnet"), window)).max() > 1e-3
    save_file(tiny.controlnet_tensors(depth=4), folder / "controlnet.safetensors")
    with pytest.raises(CheckpointError, match="4 output layers, expected 1 to 3"):
        composed(model_of(folder), window)


class Recorder:
    """Stands for a latent head: keeps what it is shown, and pushes nowhere."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, float]] = []

    def data(self, noisy: torch.Tensor, data: torch.Tensor, noise_level: float) -> torch.Tensor:
        self.shown.append((noise_level, float(noisy.std())))
        return data


@pytest.mark.parametrize(("kind", "steps"), [("open", 12), ("small", 8)])
def test_a_head_is_shown_the_straight_path_from_noise(
    kind: str, steps: int, model_of: ModelOf, window: SoundWindow
) -> None:
    recorder: Any = Recorder()
    watched = composed(model_of(kind), replace(window, steps=steps, adherence=0.0, steering=recorder))
    np.testing.assert_array_equal(
        watched, composed(model_of(kind), replace(window, steps=steps, adherence=0.0))
    )
    levels = [level for level, _ in recorder.shown]
    assert len(levels) == steps
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(1.0, abs=0.003)
    assert levels[-1] > 0
    assert recorder.shown[0][1] == pytest.approx(1.0, abs=0.1)  # noise of unit spread, whatever the path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["open", "small"])
def test_a_head_leads_what_is_not_known(
    kind: str, model_of: ModelOf, tiny: ModuleType, window: SoundWindow
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        head = LatentHead(HeadConfig(channels=tiny.CHANNELS, width=8, depth=2)).requires_grad_(False)
    wish = Steering(head, torch.from_numpy(window.curve), strength=0.5)
    model, plain = model_of(kind), composed(model_of(kind), window)
    led = composed(model, replace(window, steering=wish))
    assert np.abs(led - plain).max() > 1e-3
    idle = replace(window, steering=replace(wish, strength=0.0))
    np.testing.assert_array_equal(composed(model, idle), plain)
    known = np.arange(window.frame_count) < 30
    kept = replace(window, steering=wish, known=known, known_latents=plain)
    np.testing.assert_array_equal(composed(model, kept)[:, known], plain[:, known])


CURVES = arrays(np.float32, st.integers(1, 20), elements=st.floats(-4, 10, width=32))


@given(CURVES, st.integers(1, 64))
def test_an_envelope_is_loudness_that_music_has(curve: NDArray[np.float32], hop: int) -> None:
    samples = len(curve) * hop
    envelope = envelope_of_curve(curve, hop, samples)
    assert envelope.shape == (samples,)
    assert envelope.min() >= 0
    assert envelope.max() <= LOUDEST_RMS
    louder = envelope_of_curve(curve + np.float32(0.5), hop, samples)
    assert (louder >= envelope).all()


def test_an_envelope_passes_through_the_frames_and_holds_at_its_ends() -> None:
    envelope = envelope_of_curve(np.array([0.0, 2.0, 0.0]), hop_samples=101, samples=500)
    middles = envelope[[50, 151, 252]]
    assert middles == pytest.approx([USUAL_RMS, USUAL_RMS + 0.1, USUAL_RMS])
    assert (envelope[:50] == envelope[50]).all()
    assert (envelope[253:] == envelope[252]).all()
