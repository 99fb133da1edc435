"""What a Stable Audio Open model looks like, read from official or diffusers' files.

Only what these models have is taken: another activation, another conditioner, another place of the global
condition is another model and is refused by name, since weights that load into the wrong shape still sound.
Sources: Evans et al. 2024, "Stable Audio Open"; Stability-AI/stable-audio-tools (docs/diffusion.md,
docs/conditioning.md); diffusers, `StableAudioDiTModel`, `AutoencoderOobleck`, `StableAudioProjectionModel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from v2m.backbones.sound.config_file import MOST_LAYERS, read_config
from v2m.backbones.sound.model import LatentGrid
from v2m.backbones.sound.oobleck import OobleckShape
from v2m.errors import CheckpointError

Objective = Literal["v", "rectified_flow", "rf_denoiser"]
"""What the transformer predicts: v of a cosine path, velocity of a straight one, or that distilled."""

_OBJECTIVES: Final = ("v", "rectified_flow", "rf_denoiser")

_WIDEST: Final = 1 << 16
"""Far beyond any such model, in channels as in frames of a window."""

_SLOWEST_HZ: Final = 1000
_FASTEST_HZ: Final = 1_000_000

TEXT_TOKENS: Final = 128
"""Of 1.0; diffusers' folder says it only in its tokenizer."""


@dataclass(frozen=True)
class TransformerShape:
    """The diffusion transformer."""

    channels: int
    """Of the latents."""

    width: int
    depth: int
    heads: int
    token_width: int
    """Of the tokens that come in for cross-attention: text, then one for each number of seconds."""

    global_width: int
    """Of the numbers of seconds side by side, which make the token that is put before the latents."""

    projects_tokens: bool = True
    """Whether cross-attention sees tokens of the transformer's width (small) or of their own (1.0)."""

    norms_queries: bool = False
    """Whether queries and keys are layer-normed per head (small)."""

    def __post_init__(self) -> None:
        """Refuse what no transformer can be.

        Raises:
            ValueError: a number out of range, or heads that do not share the width.
        """
        widths = (self.channels, self.width, self.heads, self.token_width, self.global_width)
        if not all(0 < number <= _WIDEST for number in widths) or not 0 < self.depth <= MOST_LAYERS:
            raise ValueError(f"widths of {widths} in {self.depth} layers make no transformer")
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads cannot share a width of {self.width}")

    @property
    def context_width(self) -> int:
        """Of the tokens that cross-attention sees."""
        return self.width if self.projects_tokens else self.token_width


@dataclass(frozen=True)
class NumberRange:
    """A number of seconds that the model is told."""

    name: str
    """`seconds_start` or `seconds_total`."""

    low: float
    high: float


@dataclass(frozen=True)
class OpenConfig:
    """A whole model."""

    sample_rate_hz: int
    window_samples: int
    """Of the window that it was trained on; it always composes one, and what is too much is cut off."""

    objective: Objective
    transformer: TransformerShape
    autoencoder: OobleckShape
    text_tokens: int
    """Padding included: cross-attention looks at the padding too, so their number decides the sound."""

    numbers: tuple[NumberRange, ...]
    """In the order in which cross-attention sees them, after the text."""

    global_numbers: tuple[str, ...]
    """Names of those that make the global condition, in order."""

    def __post_init__(self) -> None:
        """Refuse what no model can be.

        Raises:
            ValueError: its sound has no rate that is heard, or its window is shorter than a latent.
        """
        if not _SLOWEST_HZ <= self.sample_rate_hz <= _FASTEST_HZ:
            raise ValueError(f"a sample rate of {self.sample_rate_hz} Hz is none")
        if not 0 < self.window_samples // self.autoencoder.hop_samples <= _WIDEST:
            raise ValueError(f"a window of {self.window_samples} samples is none")

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time."""
        hop = self.autoencoder.hop_samples
        return LatentGrid(
            self.sample_rate_hz, hop, self.autoencoder.latent_channels, self.window_samples // hop
        )


def official_config(path: Path) -> OpenConfig:
    """From `model_config.json` of stable-audio-tools.

    Raises:
        CheckpointError: an InputError; it describes another kind of model, or none.
    """
    try:
        return _official(read_config(path))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(
            f"{path.name} describes no Stable Audio Open model: {error!r}.",
            hint="Fetch the file that belongs to model.safetensors.",
        ) from error


def _official(config: Mapping[str, Any]) -> OpenConfig:
    _expect("model_type", config["model_type"], "diffusion_cond")
    model = config["model"]
    diffusion, conditioning = model["diffusion"], model["conditioning"]
    _expect("diffusion type", diffusion["type"], "dit")
    described = {entry["id"]: entry for entry in conditioning["configs"]}
    prompt = described.pop("prompt")
    _expect("text encoder", (prompt["type"], prompt["config"]["t5_model_name"]), ("t5", "t5-base"))
    tokens = tuple(diffusion["cross_attention_cond_ids"])
    _expect("first condition", tokens[0], "prompt")
    transformer = _official_transformer(diffusion["config"])
    _expect("width of the conditions", conditioning["cond_dim"], transformer.token_width)
    return OpenConfig(
        sample_rate_hz=int(config["sample_rate"]),
        window_samples=int(config["sample_size"]),
        objective=_objective(diffusion.get("diffusion_objective", "v")),
        transformer=transformer,
        autoencoder=_official_autoencoder(model["pretransform"]),
        text_tokens=int(prompt["config"].get("max_length", TEXT_TOKENS)),
        numbers=tuple(_number(described[name]) for name in tokens[1:]),
        global_numbers=tuple(diffusion["global_cond_ids"]),
    )


def _official_transformer(config: Mapping[str, Any]) -> TransformerShape:
    config = dict(config)
    _expect("transformer", config.pop("transformer_type", None), "continuous_transformer")
    _expect("place of the global condition", config.pop("global_cond_type", "prepend"), "prepend")
    _expect("patch size", config.pop("patch_size", 1), 1)
    attention = dict(config.pop("attn_kwargs", {}))
    norm = attention.pop("qk_norm", "none")
    if norm not in ("none", "ln"):
        raise ValueError(f"qk_norm is {norm!r}")
    shape = TransformerShape(
        channels=int(config.pop("io_channels")),
        width=int(config.pop("embed_dim")),
        depth=int(config.pop("depth")),
        heads=int(config.pop("num_heads")),
        token_width=int(config.pop("cond_token_dim")),
        global_width=int(config.pop("global_cond_dim")),
        projects_tokens=bool(config.pop("project_cond_tokens", True)),
        norms_queries=norm == "ln",
    )
    _expect("projection of the global condition", config.pop("project_global_cond", True), True)
    config.pop("diffusion_objective", None)
    if config or attention:
        raise ValueError(f"unknown keys {sorted({*config, *attention})}")
    return shape


def _official_autoencoder(pretransform: Mapping[str, Any]) -> OobleckShape:
    _expect("pretransform", pretransform["type"], "autoencoder")
    config = pretransform["config"]
    encoder, decoder = config["encoder"], config["decoder"]
    _expect("autoencoder", (encoder["type"], decoder["type"]), ("oobleck", "oobleck"))
    _expect("bottleneck", config["bottleneck"]["type"], "vae")
    encoder, decoder = encoder["config"], decoder["config"]
    for part in (encoder, decoder):
        _expect("activation", part.get("use_snake", False), True)
        _expect("anti-aliasing", part.get("antialias_activation", False), False)
    _expect("upsampling by copies", decoder.get("use_nearest_upsample", False), False)
    _expect("strides of the decoder", decoder["strides"], encoder["strides"])
    _expect("multiples of the decoder", decoder["c_mults"], encoder["c_mults"])
    return OobleckShape(
        latent_channels=int(config["latent_dim"]),
        encoder_channels=int(encoder["channels"]),
        decoder_channels=int(decoder["channels"]),
        multiples=tuple(encoder["c_mults"]),
        strides=tuple(encoder["strides"]),
        audio_channels=int(config["io_channels"]),
        final_tanh=bool(decoder.get("final_tanh", True)),  # the official default, which no model here keeps
        scale=float(pretransform.get("scale", 1.0)),
    )


def _number(entry: Mapping[str, Any]) -> NumberRange:
    _expect(f"conditioner {entry['id']}", entry["type"], "number")
    return NumberRange(
        entry["id"], float(entry["config"].get("min_val", 0)), float(entry["config"].get("max_val", 1))
    )


def _objective(name: str) -> Objective:
    for known in _OBJECTIVES:
        if name == known:
            return known
    raise ValueError(f"the objective is {name!r}, expected one of {', '.join(_OBJECTIVES)}")


def diffusers_config(folder: Path) -> OpenConfig:
    """From diffusers' folder of a pipeline; such folders exist for 1.0 alone.

    Raises:
        CheckpointError: an InputError; a part describes another kind of model, or none.
    """
    parts = {
        name: read_config(folder / name / "config.json")
        for name in ("transformer", "vae", "projection_model")
    }
    try:
        return _diffusers(**parts)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder} describes no Stable Audio Open model: {error!r}.",
            hint="Fetch the folders transformer, vae and projection_model again.",
        ) from error


def _diffusers(
    transformer: Mapping[str, Any], vae: Mapping[str, Any], projection_model: Mapping[str, Any]
) -> OpenConfig:
    heads, width = int(transformer["num_attention_heads"]), int(transformer["attention_head_dim"])
    shape = TransformerShape(
        channels=int(transformer["in_channels"]),
        width=heads * width,
        depth=int(transformer["num_layers"]),
        heads=heads,
        token_width=int(transformer["cross_attention_input_dim"]),
        global_width=int(transformer["global_states_input_dim"]),
        projects_tokens=transformer["cross_attention_dim"] != transformer["cross_attention_input_dim"],
    )
    _expect("key heads", transformer["num_key_value_attention_heads"], shape.context_width // max(1, width))
    _expect("width of the conditions", projection_model["conditioning_dim"], shape.token_width)
    _expect("width of the text", projection_model["text_encoder_dim"], shape.token_width)
    autoencoder = OobleckShape(
        latent_channels=int(vae["decoder_input_channels"]),
        encoder_channels=int(vae["encoder_hidden_size"]),
        decoder_channels=int(vae["decoder_channels"]),
        multiples=tuple(vae["channel_multiples"]),
        strides=tuple(vae["downsampling_ratios"]),
        audio_channels=int(vae["audio_channels"]),
    )
    low, high = float(projection_model["min_value"]), float(projection_model["max_value"])
    numbers = (NumberRange("seconds_start", low, high), NumberRange("seconds_total", low, high))
    return OpenConfig(
        sample_rate_hz=int(vae["sampling_rate"]),
        window_samples=int(transformer["sample_size"]) * autoencoder.hop_samples,
        objective="v",
        transformer=shape,
        autoencoder=autoencoder,
        text_tokens=TEXT_TOKENS,
        numbers=numbers,
        global_numbers=tuple(number.name for number in numbers),
    )


def _expect(what: str, seen: object, expected: object) -> None:
    if seen != expected:
        raise ValueError(f"the {what} is {seen!r}, expected {expected!r}")
