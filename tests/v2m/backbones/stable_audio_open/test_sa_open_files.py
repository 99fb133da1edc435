"""What is not exactly a Stable Audio Open model is refused, by a sentence that says what and what to do."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.backbones.sound.model import SoundWindow
from v2m.backbones.sound.oobleck import Autoencoder
from v2m.backbones.sound.oobleck_names import folded
from v2m.backbones.stable_audio_open.config import official_config
from v2m.backbones.stable_audio_open.files import ModelFolder
from v2m.backbones.stable_audio_open.model import StableAudioOpen
from v2m.backbones.stable_audio_open.transformer import DiffusionTransformer
from v2m.errors import CheckpointError, InputError, MissingPartError

ModelOf = Callable[..., StableAudioOpen]
Change = Callable[[Path], object]


def renamed(path: Path) -> None:
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith("to_out.weight"))
    save_file(
        {name.replace("to_out", "to_in") if key == name else key: v for key, v in tensors.items()}, path
    )


def edited(change: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    def edit(path: Path) -> None:
        tensors = load_file(path)
        change(tensors)
        save_file({name: value.contiguous() for name, value in tensors.items()}, path)

    return edit


def key_like(tensors: dict[str, torch.Tensor], part: str) -> str:
    return next(name for name in tensors if part in name)


def with_nan(tensors: dict[str, torch.Tensor]) -> None:
    tensors[key_like(tensors, "project_in.weight")][3, 2] = float("nan")


def reshaped(tensors: dict[str, torch.Tensor]) -> None:
    name = key_like(tensors, "project_in.weight")
    tensors[name] = tensors[name][:, :-1]


def doubled(tensors: dict[str, torch.Tensor]) -> None:
    tensors["model_ema.something"] = torch.zeros(2)


BREAKS: dict[str, tuple[Change, str]] = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "damaged|cut short"),
    "empty": (lambda path: path.write_bytes(b""), "damaged|cut short"),
    "pickle": (lambda path: torch.save({"a": torch.zeros(1)}, path), "pickle"),
    "renamed": (renamed, "missing"),
    "NaN": (edited(with_nan), "not finite"),
    "shape": (edited(reshaped), "shape"),
    "unknown": (edited(doubled), "model_ema"),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_broken_weights_are_refused(kind: str, model_of: ModelOf, tiny: ModuleType, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "model")
    change, said = BREAKS[kind]
    change(folder / "model.safetensors")
    with pytest.raises(InputError, match=said) as raised:
        compose(model_of(folder), tiny)
    assert raised.value.exit_code == 3


def compose(model: StableAudioOpen, tiny: ModuleType) -> None:
    window: SoundWindow = tiny.window(steps=1)
    model.compose(window, lambda fraction: None, lambda: None)


@pytest.mark.slow
def test_a_broken_text_encoder_is_refused(model_of: ModelOf, tiny: ModuleType, tmp_path: Path) -> None:
    for file in ("model.safetensors", "tokenizer.json", "config.json"):
        folder = tiny.write(tmp_path / file)
        path = folder / "t5-base" / file
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(CheckpointError):
            compose(model_of(folder), tiny)


def test_the_weights_of_small_are_refused_for_the_configuration_of_1_0(
    model_of: ModelOf, tiny: ModuleType, tmp_path: Path
) -> None:
    folder = tiny.write(tmp_path / "model", small=True)
    (folder / "model_config.json").write_text(json.dumps(tiny.official_config()))
    with pytest.raises(CheckpointError, match=r"missing|unknown|shape"):
        compose(model_of(folder), tiny)


def changed(config: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """With a value put at a place such as `model.io_channels`."""
    config = deepcopy(config)
    inner: Any = config
    *parts, last = path.split(".")
    for part in parts:
        inner = inner[int(part) if part.isdigit() else part]
    inner[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model_type", "autoencoder"),
        ("model.diffusion.type", "adp_cfg_1d"),
        ("model.diffusion.diffusion_objective", "epsilon"),
        ("model.diffusion.config.global_cond_type", "adaLN"),
        ("model.diffusion.config.num_memory_tokens", 64),
        ("model.diffusion.config.attn_kwargs", {"qk_norm": "l2"}),
        ("model.diffusion.config.attn_kwargs", {"differential": True}),
        ("model.diffusion.config.embed_dim", "wide"),
        ("model.conditioning.cond_dim", 64),
        ("model.conditioning.configs.0.type", "clap_text"),
        ("model.conditioning.configs.1.type", "int"),
        ("model.pretransform.type", "pqmf"),
        ("model.pretransform.config.bottleneck.type", "tanh"),
        ("model.pretransform.config.encoder.config.use_snake", False),
        ("model.pretransform.config.decoder.config.use_nearest_upsample", True),
        ("model.pretransform.config.decoder.config.strides", [8, 8, 4, 4, 2]),
    ],
)
def test_a_configuration_of_another_model_is_refused(
    path: str, value: object, tiny: ModuleType, tmp_path: Path
) -> None:
    file = tmp_path / "model_config.json"
    file.write_text(json.dumps(changed(tiny.official_config(), path, value)))
    with pytest.raises(CheckpointError, match="no Stable Audio Open model"):
        official_config(file)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"model_type": "diffusion_cond"}', "[" * 100_000])
def test_what_is_no_configuration_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "model_config.json"
    file.write_text(content)
    with pytest.raises(CheckpointError):
        official_config(file)


def test_a_decoder_that_does_not_say_so_ends_in_tanh(tiny: ModuleType, tmp_path: Path) -> None:
    """The official default, which the models switch off: forgetting either squashes or blows up the sound."""
    config = tiny.official_config()
    file = tmp_path / "model_config.json"
    file.write_text(json.dumps(config))
    assert not official_config(file).autoencoder.final_tanh
    del config["model"]["pretransform"]["config"]["decoder"]["config"]["final_tanh"]
    file.write_text(json.dumps(config))
    described = official_config(file).autoencoder
    assert described.final_tanh
    with torch.inference_mode():
        assert float(Autoencoder(described).decode(100 * torch.ones(1, 8, 4)).abs().max()) <= 1.0


def test_both_styles_of_weight_norm_are_one_weight() -> None:
    plain = torch.nn.ConvTranspose1d(4, 3, 6)
    new = torch.nn.utils.parametrizations.weight_norm(torch.nn.ConvTranspose1d(4, 3, 6))
    with torch.no_grad():
        new.parametrizations.weight.original0.mul_(1.7)  # type: ignore[union-attr]
    tensors = {name: value.detach() for name, value in new.state_dict().items()}
    old = {
        "weight_g": tensors["parametrizations.weight.original0"],
        "weight_v": tensors["parametrizations.weight.original1"],
    }
    for stored in (
        {f"a.{name}": v for name, v in tensors.items()},
        {f"a.{name}": v for name, v in old.items()},
    ):
        torch.testing.assert_close(folded(stored)["a.weight"], new.weight.detach())
    assert folded({"a.weight": plain.weight}).keys() == {"a.weight"}


def test_what_is_not_there_is_said_with_what_to_do(
    model_of: ModelOf, tiny: ModuleType, tmp_path: Path
) -> None:
    with pytest.raises(MissingPartError, match="no Stable Audio Open model") as raised:
        _ = model_of(tmp_path).grid
    assert "v2m models add" in raised.value.hint
    folder = tiny.write(tmp_path / "model")
    (folder / "t5-base").rename(tmp_path / "elsewhere")
    with pytest.raises(MissingPartError, match="text encoder"):
        compose(model_of(folder), tiny)
    (tmp_path / "elsewhere").rename(tmp_path / "t5-base")  # beside the model, as the store has it
    compose(model_of(folder), tiny)


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder"])
def test_a_part_that_was_taken_away_is_named_when_it_is_composed(
    part: str, tiny: ModuleType, tmp_path: Path
) -> None:
    folder = tiny.write(tmp_path / "model", diffusers=True)
    weights = next((folder / part).glob("*.safetensors"))
    weights.unlink()
    model = StableAudioOpen(folder, name="stable-audio-open", device="cpu")
    assert model.needed_bytes(10, 1) > 0
    with pytest.raises(CheckpointError, match=part) as raised:
        compose(model, tiny)
    assert "v2m models verify" in raised.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_attention_heads", 0), ("in_channels", -1), ("num_layers", 10**12), ("sample_size", -1)],
)
def test_a_part_of_no_sense_is_refused_and_not_built(
    key: str, value: object, tiny: ModuleType, tmp_path: Path
) -> None:
    folder = tiny.write(tmp_path / "model", diffusers=True)
    path = folder / "transformer" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(CheckpointError):
        compose(StableAudioOpen(folder, name="stable-audio-open", device="cpu"), tiny)


@pytest.mark.parametrize(("key", "value"), [("d_ff", -1), ("relative_attention_max_distance", 0)])
def test_a_text_encoder_of_no_sense_is_refused(
    key: str, value: object, tiny: ModuleType, tmp_path: Path
) -> None:
    folder = tiny.write(tmp_path / "model")
    path = folder / "t5-base" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(CheckpointError, match="describes no text encoder"):
        compose(StableAudioOpen(folder, name="stable-audio-open", device="cpu"), tiny)


def test_a_controlnet_that_is_not_there_is_not_done_without(tiny: ModuleType, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "model")
    with pytest.raises(CheckpointError, match=r"lacks controlnet\.safetensors"):
        StableAudioOpen(folder, name="stable-audio-controlnet", device="cpu")


def test_the_grid_and_the_hash_need_no_weights(model_of: ModelOf, tiny: ModuleType, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "model")
    before = model_of(folder).weights_sha256
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    model = model_of(folder)
    assert model.grid.longest_frames == tiny.WINDOW_FRAMES
    assert model.weights_sha256 != before


def test_numbers_are_counted_without_reading_them(
    folder_of: Callable[[str], Path], tiny: ModuleType, tmp_path: Path
) -> None:
    counted = {
        kind: ModelFolder(folder_of(kind)).stored_numbers() for kind in ("open", "diffusers", "controlnet")
    }
    stored = tiny.official_tensors()
    for part, prefix in enumerate(("model.model.", "pretransform.model.")):
        expected = sum(value.numel() for value in tiny.below(stored, prefix).values())
        assert counted["open"][part] == expected
        assert counted["diffusers"][part] == pytest.approx(expected, abs=16)  # without the rotary frequencies
    assert counted["controlnet"][0] > counted["open"][0]
    folder = tiny.write(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"broken")
    assert ModelFolder(folder).stored_numbers() == (0, 0)  # reading says what is wrong


def test_the_hash_is_of_all_that_decides(model_of: ModelOf, tiny: ModuleType, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "model")
    seen = {model_of(folder).weights_sha256}
    (folder / "README.md").write_text("no matter")
    assert model_of(folder).weights_sha256 in seen
    for name in ("model_config.json", "t5-base/config.json", "t5-base/tokenizer.json"):
        path = folder / name
        path.write_text(path.read_text() + "\n")
        seen.add(model_of(folder).weights_sha256)
    save_file(tiny.controlnet_tensors(), folder / "controlnet.safetensors")
    seen.add(model_of(folder).weights_sha256)
    assert len(seen) == 5


@pytest.mark.parametrize(
    ("small", "transformer", "autoencoder"), [(False, 1056.9, 156.1), (True, 340.9, 156.1)]
)
def test_at_full_size_it_has_as_many_numbers_as_the_published_models(
    small: bool, transformer: float, autoencoder: float, tiny: ModuleType, tmp_path: Path
) -> None:
    config = tiny.official_config(small)
    sizes = {"io_channels": 64, "cond_token_dim": 768, "global_cond_dim": 768 if small else 1536}
    sizes |= {"embed_dim": 1024, "depth": 16, "num_heads": 8} if small else {
        "embed_dim": 1536, "depth": 24, "num_heads": 24
    }  # fmt: skip
    config["model"]["diffusion"]["config"] |= sizes
    config["model"]["conditioning"]["cond_dim"] = 768
    coder = config["model"]["pretransform"]["config"]
    coder["latent_dim"] = 64
    for side in ("encoder", "decoder"):
        coder[side]["config"] |= {"channels": 128, "c_mults": [1, 2, 4, 8, 16]}
    file = tmp_path / "model_config.json"
    file.write_text(json.dumps(config))
    described = official_config(file)
    with torch.device("meta"):
        parts = DiffusionTransformer(described.transformer), Autoencoder(described.autoencoder)
    millions = [sum(value.numel() for value in part.parameters()) / 1e6 for part in parts]
    assert millions == pytest.approx([transformer, autoencoder], abs=0.05)


def test_weights_in_half_precision_are_read_as_well(
    model_of: ModelOf, tiny: ModuleType, tmp_path: Path
) -> None:
    folder = tiny.write(tmp_path / "model", small=True)
    path = folder / "model.safetensors"
    exact = model_of(folder).compose(tiny.window(steps=2), lambda fraction: None, lambda: None)
    save_file({name: value.half() for name, value in load_file(path).items()}, path)
    rough = model_of(folder).compose(tiny.window(steps=2), lambda fraction: None, lambda: None)
    assert 0 < np.abs(rough - exact).max() < 0.05 * np.abs(exact).max()
