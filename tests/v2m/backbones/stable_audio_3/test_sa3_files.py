"""Configuration and weights: what the original files may hold, and what is refused."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.backbones.stable_audio_3.config_file import config_from_dict, read_config
from v2m.backbones.stable_audio_3.lora import merge, read_lora
from v2m.backbones.stable_audio_3.weights import load_parts
from v2m.errors import CheckpointError, InputError

TRANSFORMER = ("model", "diffusion", "config")
ENCODER = ("model", "pretransform", "config", "encoder", "config")
PROJECTION = "model.model.transformer.project_in.weight"


def changed(values: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A configuration with one value replaced."""
    values = copy.deepcopy(values)
    place = values
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return values


def test_a_configuration_says_how_latents_lie(tiny: ModuleType) -> None:
    grid = config_from_dict(tiny.config("medium")).grid
    assert (grid.sample_rate_hz, grid.hop_samples, grid.channels) == (44100, 4096, 8)
    assert grid.longest_frames == 140
    assert float(grid.rate_hz) == pytest.approx(10.7666, abs=1e-4)


def test_small_and_medium_differ_as_the_published_models_do(tiny: ModuleType) -> None:
    small, medium = (config_from_dict(tiny.config(size)) for size in ("small", "medium"))
    assert not small.transformer.attention.differential
    assert medium.transformer.attention.differential
    assert small.autoencoder.decoder.window is None
    assert (small.autoencoder.decoder.chunk_latents, small.autoencoder.decoder.midpoint_shift) == (2, True)
    assert medium.autoencoder.decoder.window == (1, 1)
    assert small.transformer.norm_eps == 1e-5  # diffusers has 1e-6, which differs by 1e-3 in the output
    assert small.transformer.attention.head_norm_eps == 1e-6
    assert (small.objective, small.shift.options) == ("rf_denoiser", {"rate": 0.0})


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ((*TRANSFORMER, "patch_size"), 2, "patch_size"),
        ((*TRANSFORMER, "a_new_idea"), 1, "a_new_idea"),
        ((*TRANSFORMER, "conformer"), True, "conformer"),
        ((*TRANSFORMER, "num_heads"), 7, "7 heads"),
        ((*TRANSFORMER, "embed_dim"), "wide", "embed_dim"),
        ((*TRANSFORMER, "embed_dim"), 1e300, "embed_dim"),
        ((*TRANSFORMER, "local_add_cond_dim"), 8, "local_add_cond_dim"),
        ((*TRANSFORMER, "timestep_features_type"), "learned", "timestep_features_type"),
        ((*ENCODER, "strides"), [4, 4], "strides"),
        ((*ENCODER, "sliding_window"), [1], "sliding_window"),
        ((*ENCODER, "chunk_size"), 24, "chunks of 24"),
        (("model", "diffusion", "local_add_cond_ids"), [], "local_add_cond_ids"),
        (("model", "diffusion", "diffusion_objective"), "v", "diffusion_objective"),
        (("model", "diffusion"), [], "expected an object"),
        (("sample_rate",), None, "sample_rate"),
        (("sample_rate",), float("nan"), "sample_rate"),
        (("model_type",), "autoencoder", "model_type"),
    ],
)
def test_another_kind_of_model_is_refused(
    tiny: ModuleType, path: tuple[str, ...], value: object, told: str
) -> None:
    with pytest.raises(CheckpointError, match=told):
        config_from_dict(changed(tiny.config("small"), path, value))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"model": 3}', "[" * 100_000])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model_config.json").write_text(text)
    with pytest.raises(InputError):
        read_config(tmp_path / "model_config.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path / "nothing.json")


@pytest.fixture
def broken(checkpoint: Callable[[str], Path], tmp_path: Path) -> Callable[..., Path]:
    """A checkpoint's weights with a change made to the bytes or the tensors."""

    def made(change: Callable[[Any], Any], *, as_bytes: bool = False) -> Path:
        path = tmp_path / "model.safetensors"
        source = checkpoint("small") / "model.safetensors"
        if as_bytes:
            path.write_bytes(change(source.read_bytes()))
        else:
            save_file(change(load_file(source)), path)
        return path

    return made


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content[:-100], "cut short"),
        (lambda content: content[:6], "cut short"),
        (lambda content: b"", "cut short"),
        (lambda content: b"PK\x03\x04" + content, "pickle"),
        (lambda content: b"\x80\x02" + content, "pickle"),
    ],
)
def test_broken_weights_are_refused(
    tiny: ModuleType, broken: Callable[..., Path], change: Callable[[bytes], bytes], told: str
) -> None:
    with pytest.raises(CheckpointError, match=told):
        load_parts(broken(change, as_bytes=True), config_from_dict(tiny.config("small")))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: {n: v for n, v in t.items() if n != PROJECTION}, "project_in.weight"),
        (lambda t: {**t, PROJECTION: t[PROJECTION][:, :4].contiguous()}, "shape"),
        (lambda t: {**t, PROJECTION: t[PROJECTION] / 0}, "not finite"),
        (lambda t: {**t, "model.model.transformer.what": torch.zeros(2)}, "what"),
        (lambda t: {**t, "decoder.weight": torch.zeros(2)}, "decoder.weight"),
        (lambda t: {n: v for n, v in t.items() if not n.endswith("mapping.weight_g")}, "weight_g"),
    ],
)
def test_weights_of_another_model_are_refused(
    tiny: ModuleType, broken: Callable[..., Path], change: Callable[[Any], Any], told: str
) -> None:
    with pytest.raises(CheckpointError, match=told):
        load_parts(broken(change), config_from_dict(tiny.config("small")))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {n: v for n, v in t.items() if not n.endswith("inv_freq")},
        lambda t: {n: v for n, v in t.items() if not n.endswith("noise_scaling_factor")},
        lambda t: {n.replace("to_local_embed.", "to_local_embed.seq."): v for n, v in t.items()},
        lambda t: {
            n.replace("mapping.weight_g", "mapping.parametrizations.weight.original0").replace(
                "mapping.weight_v", "mapping.parametrizations.weight.original1"
            ): v
            for n, v in t.items()
        },
    ],
    ids=["no rates", "no noise", "one level deeper", "newer weight norm"],
)
def test_other_ways_of_writing_the_same_weights(
    tiny: ModuleType,
    broken: Callable[..., Path],
    checkpoint: Callable[[str], Path],
    change: Callable[[Any], Any],
) -> None:
    config = config_from_dict(tiny.config("small"))
    plain = load_parts(checkpoint("small") / "model.safetensors", config)
    other = load_parts(broken(change), config)
    for name in ("transformer", "autoencoder", "conditioner"):
        ours, theirs = getattr(plain, name).state_dict(), getattr(other, name).state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


GOLDEN = Path(__file__).parents[3] / "golden"


def test_a_lora_of_strength_zero_changes_nothing(tiny: ModuleType) -> None:
    before = tiny.tensors(tiny.config("medium"))
    tensors = dict(before)
    merge(tensors, [read_lora(GOLDEN / "stable_audio_3_bora.safetensors", strength=0)])
    assert all(torch.equal(tensors[name], before[name]) for name in before)


def test_loras_of_another_model_or_kind_are_refused(tiny: ModuleType, tmp_path: Path) -> None:
    path = GOLDEN / "stable_audio_3_lora.safetensors"
    stored, lora = load_file(path), read_lora(path)
    with pytest.raises(CheckpointError, match="do not have"):
        merge({}, [lora])
    layer = "model.model.transformer.layers.0.cross_attn.to_out.weight"
    other = {**tiny.tensors(tiny.config("medium")), layer: torch.zeros(7, 5)}
    with pytest.raises(CheckpointError, match="does not fit"):
        merge(other, [lora])
    cases: list[tuple[dict[str, Any], Any, str]] = [
        (stored, {"adapter_type": "vera"}, "vera"),
        (stored, {"adapter_type": "dora-rows"}, "magnitude"),
        (stored, {"rank": 0}, "rank"),
        (stored, [], "list"),
        ({"what": torch.zeros(1)}, {}, "what"),
        ({}, {}, "empty"),
    ]
    for tensors, config, told in cases:
        save_file(tensors, tmp_path / "style.safetensors", {"lora_config": json.dumps(config)})
        with pytest.raises(CheckpointError, match=told):
            read_lora(tmp_path / "style.safetensors")
    shutil.copy(path, tmp_path / "style.safetensors")
    with (tmp_path / "style.safetensors").open("r+b") as file:
        file.truncate(900)
    with pytest.raises(CheckpointError, match="cut short"):
        read_lora(tmp_path / "style.safetensors")


def test_an_older_dora_file_tells_its_axis_by_its_shape(tiny: ModuleType, tmp_path: Path) -> None:
    for kind, axis in (("dora-rows", 1), ("dora-cols", 0)):
        path = GOLDEN / f"stable_audio_3_{kind}.safetensors"
        older = {
            name: value.unsqueeze(axis) if name.endswith("magnitude") else value
            for name, value in load_file(path).items()
        }
        save_file(
            older, tmp_path / "old.safetensors", {"lora_config": '{"adapter_type": "dora", "alpha": 6}'}
        )
        ours, theirs = dict(tensors := tiny.tensors(tiny.config("medium"))), dict(tensors)
        merge(ours, [read_lora(tmp_path / "old.safetensors")])
        merge(theirs, [read_lora(path)])
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
