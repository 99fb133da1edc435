"""Against tensors that the official code made on the same weights.

The golden files hold outputs of Stability-AI/stable-audio-3@636f906 only; `benchmarks/parity.py` compares
with the code itself, to the last bit. Here another processor may round otherwise.
"""

from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from v2m.backbones.stable_audio_3.config import StableAudioConfig
from v2m.backbones.stable_audio_3.config_file import config_from_dict
from v2m.backbones.stable_audio_3.lora import merge, read_lora
from v2m.backbones.stable_audio_3.sampler import Guidance, Prompted, sample
from v2m.backbones.stable_audio_3.schedule import noise_levels
from v2m.backbones.stable_audio_3.transformer import Condition
from v2m.backbones.stable_audio_3.weights import Parts, load_parts
from v2m.stages import never_cancel

GOLDEN = Path(__file__).parents[3] / "golden"
FRAMES, TAKES, DECODED_STEP = 40, 2, 61
CLOSE = {"atol": 1e-5, "rtol": 1e-5}
KINDS = ("lora", "dora-rows", "dora-cols", "bora", "lora-xs", "dora-rows-xs", "dora-cols-xs", "bora-xs")
SIZES = pytest.mark.parametrize("size", ["small", "medium"])


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    return load_file(GOLDEN / "stable_audio_3.safetensors")


class Case:
    """A checkpoint with the inputs that the golden outputs belong to."""

    def __init__(self, tiny: ModuleType, folder: Path, size: str, *, post_trained: bool = False) -> None:
        self.config: StableAudioConfig = config_from_dict(tiny.config(size, post_trained=post_trained))
        tiny.write(folder, size=size, post_trained=post_trained, text=False)
        self.parts: Parts = load_parts(folder / "model.safetensors", self.config)
        self.x = tiny.draw("x", 4, FRAMES, tiny.CHANNELS)[:TAKES]
        self.words = tiny.draw("words", 1, tiny.TEXT_TOKENS + 1, tiny.TEXT_WIDTH)
        self.avoided = tiny.draw("avoided", 1, tiny.TEXT_TOKENS + 1, tiny.TEXT_WIDTH)
        self.length = tiny.draw("length", 1, tiny.TEXT_WIDTH)
        self.local = tiny.known_regions(4, FRAMES)[:TAKES]
        self.fresh = tiny.draw("fresh", 8, 4, FRAMES, tiny.CHANNELS)[:, :TAKES]
        self.nothing = torch.zeros(1, 1, tiny.CHANNELS + 1)

    def velocity(self, local: Tensor, noise_level: float) -> Tensor:
        model = self.parts.transformer
        told = model.told(Condition(self.words, TAKES, self.length, local), FRAMES)
        velocity: Tensor = model(self.x, model.levels(torch.tensor([noise_level]), self.length), told)
        return velocity

    def latents(self, local: Tensor, guidance: Guidance, avoided: Tensor | None, steps: int) -> Tensor:
        return sample(
            self.parts.transformer,
            self.config.objective,
            Prompted(self.words, avoided, self.length, local, None),
            self.x,
            noise_levels(steps, self.config.shift, FRAMES),
            guidance,
            lambda step, takes: self.fresh[step][takes],
            lambda fraction: None,
            never_cancel,
        )


@SIZES
@torch.inference_mode()
def test_the_velocity(tiny: ModuleType, tmp_path: Path, golden: dict[str, Tensor], size: str) -> None:
    case = Case(tiny, tmp_path, size)
    torch.testing.assert_close(case.velocity(case.nothing, 0.7), golden[f"{size}.velocity"], **CLOSE)
    told = case.velocity(case.local, 0.3)
    torch.testing.assert_close(told, golden[f"{size}.velocity.inpainting"], **CLOSE)


@SIZES
@torch.inference_mode()
def test_without_the_condition_for_unknown_frames_the_velocity_is_another(
    tiny: ModuleType, tmp_path: Path, golden: dict[str, Tensor], size: str
) -> None:
    # diffusers leaves it out when it makes music from words alone: what the layers add for "nothing known"
    # is no zero once they are trained
    case = Case(tiny, tmp_path, size)
    for layer in case.parts.transformer.transformer.layers:
        for parameter in layer.to_local_embed.parameters():
            parameter.zero_()
    apart = (case.velocity(case.nothing, 0.7) - golden[f"{size}.velocity"]).abs().max()
    assert apart > 0.01


@SIZES
@torch.inference_mode()
def test_euler_with_guidance(tiny: ModuleType, tmp_path: Path, golden: dict[str, Tensor], size: str) -> None:
    case = Case(tiny, tmp_path, size)
    asked = {
        "no guidance": (Guidance(1.0), None),
        "guided, projected": (Guidance(7.0), None),
        "half projected, rescaled": (Guidance(4.0, projection=0.5, rescale=0.7), None),
        "plain, negative prompt": (Guidance(3.0, projection=0.0), case.avoided),
    }
    for name, (guidance, avoided) in asked.items():
        latents = case.latents(case.nothing, guidance, avoided, 10)
        torch.testing.assert_close(latents, golden[f"{size}.euler.{name}"], atol=2e-4, rtol=1e-4)


@SIZES
@torch.inference_mode()
def test_ping_pong_with_known_regions(
    tiny: ModuleType, tmp_path: Path, golden: dict[str, Tensor], size: str
) -> None:
    case = Case(tiny, tmp_path, size, post_trained=True)
    latents = case.latents(case.local, Guidance(), None, 8)
    torch.testing.assert_close(latents, golden[f"{size}.ping-pong"], atol=5e-5, rtol=5e-5)


@SIZES
@torch.inference_mode()
def test_the_autoencoder(tiny: ModuleType, tmp_path: Path, golden: dict[str, Tensor], size: str) -> None:
    autoencoder = Case(tiny, tmp_path, size).parts.autoencoder
    encoded = autoencoder.encode(0.3 * tiny.draw("sound", 2, 24 * tiny.HOP))
    torch.testing.assert_close(encoded, golden[f"{size}.encoded"], **CLOSE)
    decoded = autoencoder.decode(tiny.draw("latents", 24, tiny.CHANNELS))
    torch.testing.assert_close(decoded[:, ::DECODED_STEP], golden[f"{size}.decoded"], **CLOSE)


@torch.inference_mode()
def test_the_length(tiny: ModuleType, tmp_path: Path, golden: dict[str, Tensor]) -> None:
    conditioner = Case(tiny, tmp_path, "medium").parts.conditioner
    torch.testing.assert_close(conditioner.length(12.5), golden["length"], **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_lora_files_of_the_official_training(tiny: ModuleType, golden: dict[str, Tensor], kind: str) -> None:
    tensors = tiny.tensors(tiny.config("medium"))
    before = dict(tensors)
    merge(tensors, [read_lora(GOLDEN / f"stable_audio_3_{kind}.safetensors")])
    expected = {name.split("/")[1]: value for name, value in golden.items() if name.startswith(f"{kind}/")}
    assert len(expected) == 2
    for name, value in expected.items():
        torch.testing.assert_close(tensors[name][: len(value)], value, atol=1e-4, rtol=1e-4)
        assert not torch.allclose(tensors[name][: len(value)], before[name][: len(value)], atol=1e-3)
    changed = {name for name in tensors if not torch.equal(tensors[name], before[name])}
    assert changed == set(expected)
