"""Reading a checkpoint's `model_config.json` into its shape, checked key by key.

The file is the original one. What only matters in training is passed over by name; every other key that is
not known here is an error, since a model that is built otherwise than it was trained makes noise, not music.
Sources: https://github.com/Stability-AI/stable-audio-3, `factory.py`, for which keys there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, cast

from v2m.backbones.sound.config_file import MOST_LAYERS
from v2m.backbones.stable_audio_3.config import (
    AttentionConfig,
    AutoencoderConfig,
    DurationConfig,
    HeadNormKind,
    NormKind,
    Objective,
    ResamplerConfig,
    ShiftConfig,
    StableAudioConfig,
    TextConfig,
    TransformerConfig,
)
from v2m.backbones.stable_audio_3.keys import ConfigKeys
from v2m.errors import CheckpointError

INPAINT_IDS: Final = ("inpaint_mask", "inpaint_masked_input")
"""What the transformer is told at every frame: whether the frame is known, and what it is."""


def read_config(path: Path) -> StableAudioConfig:
    """The shape of a checkpoint.

    Raises:
        CheckpointError: an InputError; the file is missing, no JSON, or describes another kind of model.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is no JSON: {error}.") from error
    return config_from_dict(values, path.name)


def config_from_dict(values: Any, name: str = "model_config.json") -> StableAudioConfig:  # noqa: ANN401 - JSON
    """The shape that a parsed `model_config.json` describes.

    Raises:
        CheckpointError: an InputError; it describes another kind of model; says where.
    """
    top = ConfigKeys(name, values)
    top.choose("model_type", ("diffusion_cond", "diffusion_cond_inpaint"))
    if top.number("audio_channels", 2) != 2:
        raise top.refusal("audio_channels is not 2")
    model = top.below("model")
    diffusion, conditioning = model.below("diffusion"), model.below("conditioning")
    _check_conditioning(diffusion)
    autoencoder = _autoencoder(model.below("pretransform"))
    transformer = _transformer(diffusion.below("config"))
    if int(model.number("io_channels", transformer.channels)) != transformer.channels:
        raise model.refusal("io_channels differs from that of the transformer")
    if autoencoder.decoder.latent_channels != transformer.channels:
        raise model.refusal("the autoencoder's latents are not those of the transformer")
    text, duration = _conditioners(conditioning)
    config = StableAudioConfig(
        int(top.number("sample_rate")),
        int(top.number("sample_size")),
        cast(Objective, diffusion.choose("diffusion_objective", ("rectified_flow", "rf_denoiser"))),
        transformer,
        autoencoder,
        text,
        duration,
        _shift(diffusion),
    )
    if config.sample_rate_hz < 1 or config.grid.longest_frames < 1:
        raise top.refusal("sample_rate or sample_size is too small")
    return config


def _check_conditioning(diffusion: ConfigKeys) -> None:
    wanted: Mapping[str, tuple[str, ...]] = {
        "cross_attention_cond_ids": ("prompt", "seconds_total"),
        "global_cond_ids": ("seconds_total",),
        "local_add_cond_ids": INPAINT_IDS,
        "input_concat_ids": (),
        "prepend_cond_ids": (),
        "modular_local_cond_configs": (),
    }
    for name, expected in wanted.items():
        found = tuple(diffusion.sequence(name))
        if found != expected:
            raise diffusion.refusal(f"{name} is {list(found)}, expected {list(expected)}")


_ONLY_TRAINING: Final = (
    "checkpointing",
    "freeze_backbone",
    "mask_noise",
    "use_checkpointing",
    "zero_init_branch_outputs",
)
"""What leaves the finished model as it is. `mask_noise` roughened the new tokens while it was trained; the
official code adds it whenever it is set, so that the same latents never sound the same twice."""


def _transformer(keys: ConfigKeys) -> TransformerConfig:
    keys.ignore(*_ONLY_TRAINING)
    keys.choose("transformer_type", ("continuous_transformer",), "continuous_transformer")
    keys.choose("global_cond_type", ("adaLN",))
    keys.choose("timestep_cond_type", ("global",), "global")
    keys.choose("timestep_features_type", ("expo",))
    for name, expected in {"patch_size": 1, "input_concat_dim": 0, "prepend_cond_dim": 0}.items():
        if keys.number(name, expected) != expected:
            raise keys.refusal(f"{name} is not {expected}")
    keys.refuse_flags(
        "causal", "conformer", "use_sinusoidal_emb", "use_abs_pos_emb", "layer_scale", "add_rope"
    )
    norm, ff = keys.below("norm_kwargs", {}), keys.below("ff_kwargs", {})
    norm.flag("force_fp32")  # norms are computed in float32 here in any case
    ff.refuse_flags("use_conv", "sinusoidal")
    ff.ignore("zero_init_output", "glu")
    width, heads = int(keys.number("embed_dim")), int(keys.number("num_heads"))
    if heads < 1 or width % heads:
        raise keys.refusal(f"a width of {width} does not divide into {heads} heads")
    config = TransformerConfig(
        channels=int(keys.number("io_channels")),
        width=width,
        depth=_layers(keys, keys.number("depth")),
        heads=heads,
        text_width=int(keys.number("cond_token_dim")),
        project_text=keys.flag("project_cond_tokens", True),
        global_width=int(keys.number("global_cond_dim")),
        project_global=keys.flag("project_global_cond", True),
        local_width=int(keys.number("local_add_cond_dim")),
        memory_tokens=int(keys.number("num_memory_tokens", 0)),
        norm=cast(NormKind, keys.choose("norm_type", ("rms_norm", "layer_norm", "dyt"), "layer_norm")),
        norm_eps=norm.number("eps", 1e-5),
        attention=_attention(keys.below("attn_kwargs", {})),
        feed_forward_ratio=ff.number("mult", 4),
        feed_forward_bias=not ff.flag("no_bias"),
        time_features=int(keys.number("timestep_features_dim", 256)),
        time_in_log_snr=keys.flag("timestep_features_logsnr"),
    )
    if config.local_width != config.channels + 1:
        raise keys.refusal(f"local_add_cond_dim is {config.local_width}, expected {config.channels + 1}")
    for part in (keys, norm, ff):
        part.done()
    return config


def _attention(keys: ConfigKeys) -> AttentionConfig:
    config = AttentionConfig(
        cast(HeadNormKind, keys.choose("qk_norm", ("rms", "ln", "dyt", "none"), "none")),
        keys.number("qk_norm_eps", 1e-6),
        keys.flag("differential"),
        keys.flag("feat_scale"),
    )
    keys.done()
    return config


def _autoencoder(keys: ConfigKeys) -> AutoencoderConfig:
    config = keys.below("config")
    pretransform = config.below("pretransform").below("config")
    channels, patch = int(pretransform.number("channels")), int(pretransform.number("patch_size"))
    if channels != 2 or pretransform.number("oversampling", 1) != 1:
        raise pretransform.refusal("it is not of two channels without oversampling")
    if pretransform.number("postfilter_channels", 0) != 0:
        raise pretransform.refusal("it has a filter after the decoder")
    bottleneck, decoder = config.below("bottleneck").below("config"), config.below("decoder")
    bottleneck.ignore("freeze", "noise_regularize")
    patches, latents = channels * patch, int(config.number("latent_dim"))
    parts = AutoencoderConfig(
        _resampler(config.below("encoder").below("config"), patches, latents),
        _resampler(decoder.below("config"), patches, latents),
        patch,
        channels,
        int(config.number("downsampling_ratio")),
        bottleneck.flag("auto_scale"),
        int(bottleneck.number("noise_augment_dim", 0)),
        decoder.flag("soft_clip"),
    )
    if bottleneck.number("dim", 32) != latents or parts.noise_channels != 0:
        raise bottleneck.refusal(f"it is not of {latents} channels without noise")
    if not parts.hop_samples == patch * parts.encoder.stride == patch * parts.decoder.stride:
        raise config.refusal("downsampling_ratio is not the patch times the stride")
    if keys.number("scale", 1.0) != 1.0:
        raise keys.refusal("scale is not 1")
    return parts


def _resampler(keys: ConfigKeys, patch_channels: int, latents: int) -> ResamplerConfig:
    keys.ignore(*_ONLY_TRAINING)
    keys.refuse_flags("causal", "conformer", "cross_attn")
    window = keys.sequence("sliding_window") or None
    if window is not None and (len(window) != 2 or not all(isinstance(n, int) and n >= 0 for n in window)):
        raise keys.refusal(f"sliding_window is {window}, expected two whole numbers")
    is_dyt = keys.flag("dyt", True)
    attention = AttentionConfig(
        "dyt" if is_dyt else "rms", 1e-3, keys.flag("differential", True), keys.flag("feat_scale")
    )
    config = ResamplerConfig(
        stride=int(keys.only("strides")),
        depth=_layers(keys, keys.only("transformer_depths")),
        head_width=int(keys.number("dim_heads", 128)),
        patch_channels=int(keys.number("in_channels" if keys.has("in_channels") else "out_channels")),
        width=int(keys.number("channels", 128) * keys.only("c_mults")),
        latent_channels=int(keys.number("latent_dim")),
        window=cast("tuple[int, int] | None", tuple(window) if window else None),
        chunk_patches=int(keys.number("chunk_size", 128)),
        midpoint_shift=keys.flag("chunk_midpoint_shift"),
        norm="dyt" if is_dyt else "rms_norm",
        attention=attention,
        feed_forward_ratio=keys.number("ff_mult", 3),
        sine_layers=int(keys.only("sinusoidal_blocks", 0)),
        layer_scale=keys.flag("layer_scale"),
        shared_token=keys.flag("variable_stride"),
        wide_mapping=keys.flag("conv_mapping"),
        mapping_bias=keys.flag("mapping_bias", True),
    )
    keys.done()
    if config.patch_channels != patch_channels or config.latent_channels != latents:
        raise keys.refusal(f"it is not between {patch_channels} and {latents} channels")
    if min(config.stride, config.depth, config.width, config.head_width) < 1:
        raise keys.refusal("a size is not positive")
    if config.window is None and (config.chunk_patches < 1 or config.chunk_patches % config.stride):
        raise keys.refusal(f"{config.stride} patches do not fit into chunks of {config.chunk_patches}")
    return config


def _conditioners(keys: ConfigKeys) -> tuple[TextConfig, DurationConfig]:
    found = {part.word("id"): part for part in keys.parts("configs")}
    if set(found) != {"prompt", "seconds_total"}:
        raise keys.refusal(f"the conditioners are {sorted(found)}, expected prompt and seconds_total")
    found["prompt"].choose("type", ("t5gemma",))
    found["seconds_total"].choose("type", ("number",))
    prompt, seconds = found["prompt"].below("config"), found["seconds_total"].below("config")
    prompt.ignore("repo_id", "enable_grad", "model_path", "output_dim")
    seconds.ignore("output_dim")
    text = TextConfig(
        prompt.word("model_name", "google/t5gemma-b-b-ul2"),
        prompt.word("subfolder", ""),
        int(prompt.number("max_length", 128)),
        cast(
            Literal["none", "zero", "learned"],
            prompt.choose("padding_mode", ("none", "zero", "learned"), "zero"),
        ),
        prompt.flag("project_out"),
    )
    seconds.choose("fourier_features_type", ("expo",))
    duration = DurationConfig(seconds.number("min_val", 0), seconds.number("max_val", 1))
    prompt.done()
    seconds.done()
    if duration.high_s <= duration.low_s:
        raise seconds.refusal("max_val is not above min_val")
    return text, duration


def _shift(diffusion: ConfigKeys) -> ShiftConfig:
    if not diffusion.has("sampling_distribution_shift_options"):
        return ShiftConfig()
    keys = diffusion.below("sampling_distribution_shift_options")
    kind = keys.choose("type", ("none", "flux", "full", "logsnr"), "full")
    options = {
        name: float(keys.flag(name) if name == "use_sine" else keys.number(name)) for name in keys.left()
    }
    return ShiftConfig(cast(Any, kind), options)


def _layers(keys: ConfigKeys, count: float) -> int:
    if not count <= MOST_LAYERS:
        raise keys.refusal(f"{count:g} layers are beyond any model")
    return int(count)
