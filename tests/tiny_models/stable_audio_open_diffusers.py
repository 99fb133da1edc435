"""Tiny Stable Audio Open models as diffusers' own classes save them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from tests.tiny_models.stable_audio_open_weights import (
    BASE_CHANNELS,
    CHANNELS,
    DEPTH,
    HEADS,
    MULTIPLES,
    STRIDES,
    TOKEN_WIDTH,
    WIDTH,
    WINDOW_FRAMES,
)


def write_diffusers(folder: Path, tensors: dict[str, Tensor]) -> None:
    """The same model as diffusers' own classes save it."""
    from diffusers import AutoencoderOobleck, StableAudioDiTModel
    from diffusers.pipelines.stable_audio.modeling_stable_audio import StableAudioProjectionModel

    transformer = StableAudioDiTModel(
        sample_size=WINDOW_FRAMES,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_layers=DEPTH,
        attention_head_dim=WIDTH // HEADS,
        num_attention_heads=HEADS,
        num_key_value_attention_heads=TOKEN_WIDTH // (WIDTH // HEADS),
        cross_attention_dim=TOKEN_WIDTH,
        global_states_input_dim=2 * TOKEN_WIDTH,
        cross_attention_input_dim=TOKEN_WIDTH,
    )
    transformer.load_state_dict(dict(diffusers_transformer(below(tensors, "model.model."))))
    transformer.save_pretrained(folder / "transformer")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of its weight norm, whose names are in the files
        vae = AutoencoderOobleck(
            encoder_hidden_size=BASE_CHANNELS,
            downsampling_ratios=list(STRIDES),
            channel_multiples=list(MULTIPLES),
            decoder_channels=BASE_CHANNELS,
            decoder_input_channels=CHANNELS,
        )
    shapes = {name: value.shape for name, value in vae.state_dict().items()}
    renamed = diffusers_autoencoder(below(tensors, "pretransform.model."))
    vae.load_state_dict({name: value.reshape(shapes[name]) for name, value in renamed})
    vae.save_pretrained(folder / "vae")
    projection = StableAudioProjectionModel(
        text_encoder_dim=TOKEN_WIDTH, conditioning_dim=TOKEN_WIDTH, min_value=0, max_value=512
    )
    projection.load_state_dict(
        {
            name.replace("seconds_start", "start_number_conditioner")
            .replace("seconds_total", "end_number_conditioner")
            .replace("embedder.embedding", "time_positional_embedding"): value
            for name, value in below(tensors, "conditioner.conditioners.").items()
        }
    )
    projection.save_pretrained(folder / "projection_model")


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def diffusers_transformer(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    renames = {
        "timestep_features.weight": "time_proj.weight",
        "to_timestep_embed": "timestep_proj",
        "to_global_embed": "global_proj",
        "to_cond_embed": "cross_attention_proj",
        "transformer.project_": "proj_",
        "transformer.layers": "transformer_blocks",
        "pre_norm.gamma": "norm1.weight",
        "pre_norm.beta": "norm1.bias",
        "cross_attend_norm.gamma": "norm2.weight",
        "cross_attend_norm.beta": "norm2.bias",
        "ff_norm.gamma": "norm3.weight",
        "ff_norm.beta": "norm3.bias",
        "self_attn": "attn1",
        "cross_attn": "attn2",
        "to_out.": "to_out.0.",
        ".ff.ff.": ".ff.net.",
    }
    for name, value in tensors.items():
        if "rotary" in name:
            continue
        for official, theirs in renames.items():
            name = name.replace(official, theirs)
        if name == "time_proj.weight":
            value = value[:, 0]
        joined = name.split(".")[-2]
        if joined in ("to_qkv", "to_kv"):
            parts = joined.removeprefix("to_")
            for part, rows in zip(parts, value.chunk(len(parts)), strict=True):
                yield name.replace(joined, f"to_{part}"), rows.contiguous()
        else:
            yield name, value


def diffusers_autoencoder(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    unit = ("snake1", "conv1", "snake2", "conv2")
    stage = {
        "encoder": ("res_unit1", "res_unit2", "res_unit3", "snake1", "conv1"),
        "decoder": ("snake1", "conv_t1", "res_unit1", "res_unit2", "res_unit3"),
    }
    ends = {0: "conv1", len(STRIDES) + 1: "snake1", len(STRIDES) + 2: "conv2"}
    for name, value in tensors.items():
        side, _, number, *rest = name.split(".")
        if int(number) in ends:
            yield ".".join([side, ends[int(number)], *rest]), value
            continue
        part, tail = stage[side][int(rest[1])], rest[2:]
        if tail[0] == "layers":
            tail = [unit[int(tail[1])], *tail[2:]]
        yield ".".join([side, "block", str(int(number) - 1), part, *tail]), value
