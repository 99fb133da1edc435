"""What the official code made of the same tiny weights, and that both layouts of files are one model.

The golden numbers were written by `write_golden` of `benchmarks/parities/stable_audio_open.py`.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from v2m.backbones.sound.model import SoundWindow
from v2m.backbones.stable_audio_open.model import StableAudioOpen

ModelOf = Callable[..., StableAudioOpen]


@pytest.fixture(scope="module")
def golden(repository: Path) -> dict[str, NDArray[np.float32]]:
    return load_file(repository / "tests" / "golden" / "stable_audio_open.safetensors")


def composed(model: StableAudioOpen, window: SoundWindow) -> NDArray[np.float32]:
    return model.compose(window, lambda fraction: None, lambda: None)


def off(made: NDArray[np.float32], golden: NDArray[np.float32]) -> float:
    """Largest difference beside the largest number; processors round apart, and guidance of 7 shows it."""
    return float(np.abs(made.reshape(-1)[: len(golden)] - golden).max() / np.abs(golden).max())


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("open", {}),
        ("negative", {"negative": "fast drums"}),
        ("small", {}),
        ("controlnet", {"adherence": 0.5}),
    ],
)
def test_a_window_is_what_the_official_code_composes(
    kind: str,
    asked: dict[str, object],
    model_of: ModelOf,
    tiny: ModuleType,
    golden: dict[str, NDArray[np.float32]],
) -> None:
    model = model_of("open" if kind == "negative" else kind)
    assert off(composed(model, tiny.window(**asked)), golden[kind]) < 1e-5


def test_diffusers_files_are_the_same_model(model_of: ModelOf, tiny: ModuleType) -> None:
    both = [composed(model_of(kind), tiny.window(steps=3)) for kind in ("open", "diffusers")]
    np.testing.assert_array_equal(*both)


def test_sound_is_what_the_official_autoencoder_decodes(
    model_of: ModelOf, tiny: ModuleType, golden: dict[str, NDArray[np.float32]]
) -> None:
    latents = tiny.noise((1, tiny.CHANNELS, 300), 3)[0].T.numpy()[:20]  # as far as the kept samples see
    for kind in ("open", "diffusers"):
        sound = model_of(kind).decode(latents)
        assert sound.shape == (20 * tiny.HOP, 2)
        assert off(sound.T[:1], golden["decoded"]) < 1e-5


def test_latents_are_the_mean_of_what_the_official_autoencoder_draws_from(
    model_of: ModelOf, tiny: ModuleType, golden: dict[str, NDArray[np.float32]]
) -> None:
    sound = tiny.noise((1, 2, 40 * tiny.HOP), 3)[0].T.numpy() / 5
    for kind in ("open", "diffusers"):
        latents = model_of(kind).encode(sound)
        assert latents.shape == (40, tiny.CHANNELS)
        assert off(latents.T, golden["encoded"]) < 1e-5


@pytest.mark.slow
def test_steps_and_guidance_are_those_of_the_cards_where_nothing_is_asked(
    model_of: ModelOf, tiny: ModuleType
) -> None:
    for kind, steps, scale in (("small", 8, 1.0), ("open", 100, 7.0)):
        told: list[float] = []
        plain = model_of(kind).compose(tiny.window(steps=None), told.append, lambda: None)
        assert len(told) == steps + 1
        same = composed(model_of(kind), tiny.window(steps=steps, text_scale=scale))
        np.testing.assert_array_equal(plain, same)


def test_the_text_is_padded_to_the_length_of_the_training(model_of: ModelOf, tiny: ModuleType) -> None:
    encoder = model_of("open")._loaded.text
    tokens = encoder("calm piano").numpy()
    assert tokens.shape == (128, tiny.TOKEN_WIDTH)
    assert np.abs(tokens[:3]).min(axis=1).all()  # two words and the end
    assert not tokens[3:].any()  # padding is there, and silent
