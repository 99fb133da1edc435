"""`model_config.json` of tiny Stable Audio Open models."""

from __future__ import annotations

from typing import Any

from tests.tiny_models.stable_audio_open_weights import (
    BASE_CHANNELS,
    CHANNELS,
    DEPTH,
    HEADS,
    HOP,
    MULTIPLES,
    STRIDES,
    TEXT_TOKENS,
    TOKEN_WIDTH,
    WIDTH,
    WINDOW_FRAMES,
)


def official_config(small: bool = False) -> dict[str, Any]:
    """`model_config.json`."""
    return {
        "model_type": "diffusion_cond",
        "sample_size": WINDOW_FRAMES * HOP,
        "sample_rate": 44100,
        "audio_channels": 2,
        "model": {
            "pretransform": pretransform_config(),
            "conditioning": conditioning_config(small),
            "diffusion": diffusion_config(small),
            "io_channels": CHANNELS,
        },
    }


def spans(small: bool) -> dict[str, int]:
    """The numbers of seconds and their ends."""
    return {"seconds_total": 256} if small else {"seconds_start": 512, "seconds_total": 512}


def pretransform_config() -> dict[str, Any]:
    coder = {"channels": BASE_CHANNELS, "c_mults": [*MULTIPLES], "strides": [*STRIDES], "use_snake": True}
    encoder = {"in_channels": 2, "latent_dim": 2 * CHANNELS, **coder}
    decoder = {"out_channels": 2, "latent_dim": CHANNELS, "final_tanh": False, **coder}
    config = {
        "encoder": {"type": "oobleck", "config": encoder},
        "decoder": {"type": "oobleck", "config": decoder},
        "bottleneck": {"type": "vae"},
        "latent_dim": CHANNELS,
        "downsampling_ratio": HOP,
        "io_channels": 2,
    }
    return {"type": "autoencoder", "iterate_batch": True, "config": config}


def conditioning_config(small: bool) -> dict[str, Any]:
    text = {"t5_model_name": "t5-base", "max_length": TEXT_TOKENS}
    numbers_told = [
        {"id": name, "type": "number", "config": {"min_val": 0, "max_val": high}}
        for name, high in spans(small).items()
    ]
    return {
        "configs": [{"id": "prompt", "type": "t5", "config": text}, *numbers_told],
        "cond_dim": TOKEN_WIDTH,
    }


def diffusion_config(small: bool) -> dict[str, Any]:
    named = list(spans(small))
    shape = {
        "io_channels": CHANNELS,
        "embed_dim": WIDTH,
        "depth": DEPTH,
        "num_heads": HEADS,
        "cond_token_dim": TOKEN_WIDTH,
        "global_cond_dim": TOKEN_WIDTH * len(named),
        "transformer_type": "continuous_transformer",
        **({"attn_kwargs": {"qk_norm": "ln"}} if small else {"project_cond_tokens": False}),
    }
    return {
        "cross_attention_cond_ids": ["prompt", *named],
        "global_cond_ids": named,
        "type": "dit",
        "config": shape,
        **({"diffusion_objective": "rf_denoiser"} if small else {}),
    }
