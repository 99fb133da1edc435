"""Tiny Stable Audio 3 checkpoints with random weights, in the official layout of files.

The two sizes differ as the real ones do: `small` attends plainly and has SAME-S, whose chunks are moved by
half; `medium` attends differentially and has SAME-L with its sliding window and sines. Mapping convolutions
are stored with their weight norm, rates of rotary positions with the weights, the text encoder with its
decoder, as in the real files.
"""

import json
import warnings
from math import prod
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from safetensors.torch import save_file
from torch import Tensor

from v2m.backbones.stable_audio_3.autoencoder import Autoencoder
from v2m.backbones.stable_audio_3.conditioner import Conditioner
from v2m.backbones.stable_audio_3.config_file import config_from_dict
from v2m.backbones.stable_audio_3.transformer import DiffusionTransformer
from v2m.backbones.stable_audio_3.weights import PREFIXES
from v2m.model.noise import latent_noise

WIDTH = 64
CHANNELS = 8
TEXT_WIDTH = 32
TEXT_TOKENS = 12
LONGEST_FRAMES = 140
HOP = 4096


def config(size: str = "small", *, post_trained: bool = True, depth: int = 2) -> dict[str, Any]:
    """A `model_config.json` of a tiny model."""
    return {
        "model_type": "diffusion_cond_inpaint",
        "sample_size": LONGEST_FRAMES * HOP,
        "sample_rate": 44100,
        "audio_channels": 2,
        "model": {
            "io_channels": CHANNELS,
            "pretransform": {
                "type": "autoencoder",
                "iterate_batch": True,
                "chunked": True,
                "config": _autoencoder(is_medium=size == "medium"),
            },
            "conditioning": {"cond_dim": TEXT_WIDTH, "configs": _conditioners()},
            "diffusion": {
                "type": "dit",
                "diffusion_objective": "rf_denoiser" if post_trained else "rectified_flow",
                "cross_attention_cond_ids": ["prompt", "seconds_total"],
                "global_cond_ids": ["seconds_total"],
                "local_add_cond_ids": ["inpaint_mask", "inpaint_masked_input"],
                "config": _transformer(depth, is_medium=size == "medium"),
            },
        },
    }


def _transformer(depth: int, *, is_medium: bool) -> dict[str, Any]:
    return {
        "io_channels": CHANNELS,
        "embed_dim": WIDTH,
        "depth": depth,
        "num_heads": 2,
        "cond_token_dim": TEXT_WIDTH,
        "global_cond_dim": TEXT_WIDTH,
        "local_add_cond_dim": CHANNELS + 1,
        "num_memory_tokens": 4,
        "global_cond_type": "adaLN",
        "timestep_features_type": "expo",
        "norm_type": "rms_norm",
        "norm_kwargs": {"force_fp32": True},
        "attn_kwargs": {"qk_norm": "rms", "differential": is_medium},
        "transformer_type": "continuous_transformer",
    }


def _autoencoder(*, is_medium: bool) -> dict[str, Any]:
    both = {
        "channels": WIDTH,
        "latent_dim": CHANNELS,
        "c_mults": [1],
        "strides": [16],
        "transformer_depths": [4],
        "dim_heads": 32,
        "differential": True,
        "variable_stride": True,
        "conv_mapping": False,
        "layer_scale": is_medium,
    }
    both |= {"sliding_window": [1, 1]} if is_medium else {"chunk_size": 32, "chunk_midpoint_shift": True}
    sines = {"sinusoidal_blocks": [3]} if is_medium else {}
    return {
        "encoder": {"type": "same", "config": {**both, "in_channels": 512}},
        "decoder": {"type": "same", "config": {**both, **sines, "out_channels": 512}},
        "bottleneck": {"type": "softnorm", "config": {"dim": CHANNELS, "auto_scale": True}},
        "pretransform": {"type": "patched", "config": {"channels": 2, "patch_size": 256}},
        "latent_dim": CHANNELS,
        "downsampling_ratio": HOP,
        "io_channels": 2,
    }


def _conditioners() -> list[dict[str, Any]]:
    text = {"model_name": "google/t5gemma-b-b-ul2", "max_length": TEXT_TOKENS, "padding_mode": "learned"}
    seconds = {"min_val": 0, "max_val": 384, "fourier_features_type": "expo"}
    return [
        {"id": "prompt", "type": "t5gemma", "config": text},
        {"id": "seconds_total", "type": "number", "config": seconds},
    ]


def tensors(values: dict[str, Any], seed: int = 0) -> dict[str, Tensor]:
    """Random weights for a configuration, by their official names; the same with any release of torch."""
    shape = config_from_dict(values)
    modules = (
        DiffusionTransformer(shape.transformer),
        Autoencoder(shape.autoencoder),
        Conditioner(shape, TEXT_WIDTH),
    )
    stored: dict[str, Tensor] = {}
    for prefix, module in zip(PREFIXES, modules, strict=True):
        for name, value in module.state_dict().items():
            stored |= _stored(prefix + name, _random(prefix + name, value, seed))
    stored["model.model.transformer.rotary_pos_emb.inv_freq"] = 1 / 10_000 ** (torch.arange(0, 32, 2) / 32)
    return stored


def draw(name: str, *shape: int, seed: int = 0) -> Tensor:
    """Normal noise that depends on its name, its shape and the seed alone."""
    count = prod(shape)
    noise = latent_noise(seed, 0, -(-count // 4), 4, stream=crc32(name.encode()))
    return torch.from_numpy(noise).flatten()[:count].reshape(shape).clone()


def known_regions(takes: int, frames: int) -> Tensor:
    """Mask and masked latents of which two regions are known, (b, t, c + 1)."""
    local = torch.zeros(takes, frames, CHANNELS + 1)
    for known in (slice(0, 9), slice(20, 26)):
        local[:, known, 0] = 1
        local[:, known, 1:] = draw("known", takes, frames, CHANNELS)[:, known]
    return local


def _random(name: str, value: Tensor, seed: int) -> Tensor:
    drawn = draw(name, *value.shape, seed=seed)
    if name.endswith(("gamma", "alpha", "scaling_factor", "running_std", "scale")):
        return 1 + 0.1 * drawn  # gains lie around one
    if value.ndim < 2:
        return 0.1 * drawn
    drawn = drawn / max(value[0].numel(), 1) ** 0.5
    return (
        drawn / 8 if name.endswith("project_out.weight") else drawn
    )  # velocities are about as large as noise


def _stored(name: str, value: Tensor) -> dict[str, Tensor]:
    if not name.endswith("mapping.weight"):
        return {name: value}
    length = value.flatten(1).norm(dim=1).reshape(-1, 1, 1)
    return {name + "_v": 2 * value, name + "_g": length}  # only the direction of `v` matters


def write_text_encoder(folder: Path, seed: int = 0) -> Path:
    """A tiny T5Gemma whose tokenizer has a token a byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # seconds to import
    from transformers import PreTrainedTokenizerFast, T5GemmaConfig, T5GemmaForConditionalGeneration

    half = {
        "vocab_size": 260,
        "hidden_size": TEXT_WIDTH,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "query_pre_attn_scalar": 16,
        "pad_token_id": 0,
    }
    shape = T5GemmaConfig(
        encoder=half, decoder={**half, "cross_attention_hidden_size": TEXT_WIDTH}, vocab_size=260
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = T5GemmaForConditionalGeneration(shape)
        for name, parameter in model.named_parameters():
            scale = max(parameter[0].numel(), 1) ** -0.5 if parameter.ndim > 1 else 0.1
            parameter.data.copy_(scale * draw(name, *parameter.shape, seed=seed))
        model.save_pretrained(folder)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {"<pad>": 0, "<eos>": 1, "<bos>": 2} | {letter: i + 3 for i, letter in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


def write(
    folder: Path, *, seed: int = 0, size: str = "small", post_trained: bool = True, text: bool = True
) -> Path:
    """Write a checkpoint, with its text encoder unless that is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    values = config(size, post_trained=post_trained)
    (folder / "model_config.json").write_text(json.dumps(values, indent=1), encoding="utf-8")
    save_file(tensors(values, seed), folder / "model.safetensors")
    if text:
        write_text_encoder(folder / "t5gemma-b-b-ul2", seed)
    return folder
