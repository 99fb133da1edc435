"""Tiny Stable Audio Open models with random weights, in the layouts of their makers.

`write` leaves a folder as `v2m models add` would: official or diffusers' layout, 1.0 or small, with a
ControlNet or without. The names of the tensors are written out here rather than taken from our modules, and
their numbers depend on nothing but name and seed: `tests/golden` has what the official code makes of them.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from v2m.backbones.sound.model import SoundWindow
from v2m.model.noise import latent_noise

WIDTH, HEADS, DEPTH = 64, 2, 3
TOKEN_WIDTH, CHANNELS, WINDOW_FRAMES = 32, 8, 128
STRIDES, MULTIPLES = (2, 4, 4, 8, 8), (1, 1, 2, 2, 2)
BASE_CHANNELS = 2 * CHANNELS  # diffusers' encoder ends in as many channels as it begins with
HOP = 2048
TEXT_TOKENS = 128
WORDS = [
    "BPM",
    "calm",
    "dark",
    "drums",
    "fast",
    "piano",
    "quiet",
    "slow",
    "the",
    "warm",
    *map(str, range(60, 181)),
]

PROMPT, NEGATIVE = "calm piano", "fast drums"
FIRST_FRAME, TOTAL_S, STEPS, SEED = 40, 9.0, 12, 5

QUIET = (".3.weight_g", "to_out.weight", "ff.2.weight", "project_out.weight", "conv_in.weight")

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def drawn(shapes: Shapes, prefix: str = "", seed: int = 0) -> dict[str, Tensor]:
    """Tensors at random: weights of unit gain, biases and norms near their start."""
    tensors = {}
    for name, shape in shapes:
        value = noise(shape, zlib.crc32(name.encode()), seed)
        if name.endswith(("gamma", "weight_g", "q_norm.weight", "k_norm.weight")):
            value = 1 + 0.1 * value
        elif name.endswith(("bias", "beta", "alpha")):
            value = 0.1 * value
        elif len(shape) > 1 and "timestep_features" not in name:
            value = value / prod(shape[1:]) ** 0.5
        if name.endswith(QUIET):
            value = value / 5  # what is added to a sum must not make it grow from layer to layer
        tensors[prefix + name] = value
    return tensors


def noise(shape: tuple[int, ...], stream: int, seed: int = 0) -> Tensor:
    """Standard normal, the same in every version of every library."""
    rows = latent_noise(seed, 0, -(-prod(shape) // 4), 4, stream)
    return torch.from_numpy(rows.reshape(-1)[: prod(shape)].reshape(shape).copy())


def window(*, negative: str = "", adherence: float = 0.0, **more: Any) -> SoundWindow:
    """What the golden numbers were composed for; without adherence a ControlNet says nothing."""
    curve = np.sin(np.arange(WINDOW_FRAMES) / 7).astype(np.float32)
    asked = {"steps": STEPS, "total_s": TOTAL_S, "negative_prompt": negative, "adherence": adherence, **more}
    return SoundWindow(PROMPT, FIRST_FRAME, WINDOW_FRAMES, curve, (SEED,), **asked)


def linear(name: str, width_in: int, width_out: int, bias: bool = False) -> Shapes:
    yield f"{name}.weight", (width_out, width_in)
    if bias:
        yield f"{name}.bias", (width_out,)


def trunk(small: bool, depth: int = DEPTH) -> Shapes:
    """The transformer without its last convolution."""
    context = WIDTH if small else TOKEN_WIDTH
    yield "timestep_features.weight", (128, 1)
    yield from linear("to_timestep_embed.0", 256, WIDTH, bias=True)
    yield from linear("to_timestep_embed.2", WIDTH, WIDTH, bias=True)
    yield from linear("to_cond_embed.0", TOKEN_WIDTH, context)
    yield from linear("to_cond_embed.2", context, context)
    yield from linear("to_global_embed.0", TOKEN_WIDTH * (1 if small else 2), WIDTH)
    yield from linear("to_global_embed.2", WIDTH, WIDTH)
    yield from linear("transformer.project_in", CHANNELS, WIDTH)
    yield from linear("transformer.project_out", WIDTH, CHANNELS)
    yield "preprocess_conv.weight", (CHANNELS, CHANNELS, 1)
    for index in range(depth):
        yield from layer(f"transformer.layers.{index}", context, small)


def layer(name: str, context: int, small: bool) -> Shapes:
    for norm in ("pre_norm", "cross_attend_norm", "ff_norm"):
        yield f"{name}.{norm}.gamma", (WIDTH,)
        yield f"{name}.{norm}.beta", (WIDTH,)
    yield from linear(f"{name}.self_attn.to_qkv", WIDTH, 3 * WIDTH)
    yield from linear(f"{name}.self_attn.to_out", WIDTH, WIDTH)
    yield from linear(f"{name}.cross_attn.to_q", WIDTH, WIDTH)
    yield from linear(f"{name}.cross_attn.to_kv", context, 2 * context)
    yield from linear(f"{name}.cross_attn.to_out", WIDTH, WIDTH)
    for attention in ("self_attn", "cross_attn") if small else ():
        for norm in ("q_norm", "k_norm"):
            yield f"{name}.{attention}.{norm}.weight", (WIDTH // HEADS,)
            yield f"{name}.{attention}.{norm}.bias", (WIDTH // HEADS,)
    yield from linear(f"{name}.ff.ff.0.proj", WIDTH, 8 * WIDTH, bias=True)
    yield from linear(f"{name}.ff.ff.2", 4 * WIDTH, WIDTH, bias=True)


def autoencoder() -> Shapes:
    widths = [BASE_CHANNELS * multiple for multiple in (1, *MULTIPLES)]
    last = len(STRIDES) + 1
    yield from conv("encoder.layers.0", widths[0], 2, 7)
    for number, (low, high, stride) in enumerate(zip(widths, widths[1:], STRIDES, strict=False), 1):
        name = f"encoder.layers.{number}.layers"
        for unit in range(3):
            yield from residual_unit(f"{name}.{unit}.layers", low)
        yield from snake(f"{name}.3", low)
        yield from conv(f"{name}.4", high, low, 2 * stride)
    yield from snake(f"encoder.layers.{last}", widths[-1])
    yield from conv(f"encoder.layers.{last + 1}", 2 * CHANNELS, widths[-1], 3)
    yield from conv("decoder.layers.0", widths[-1], CHANNELS, 7)
    for number, stride in enumerate(reversed(STRIDES), 1):
        name = f"decoder.layers.{number}.layers"
        low, high = widths[-number - 1], widths[-number]
        yield from snake(f"{name}.0", high)
        yield from conv(f"{name}.1", high, low, 2 * stride, transposed=True)
        for unit in range(2, 5):
            yield from residual_unit(f"{name}.{unit}.layers", low)
    yield from snake(f"decoder.layers.{last}", widths[0])
    yield from conv(f"decoder.layers.{last + 1}", 2, widths[0], 7, bias=False)


def conv(
    name: str, first: int, second: int, kernel: int, bias: bool = True, transposed: bool = False
) -> Shapes:
    """Length and direction apart, as weight norm leaves them; a transposed one has its input first."""
    yield f"{name}.weight_g", (first, 1, 1)
    yield f"{name}.weight_v", (first, second, kernel)
    if bias:
        yield f"{name}.bias", (second if transposed else first,)


def residual_unit(name: str, width: int) -> Shapes:
    yield from snake(f"{name}.0", width)
    yield from conv(f"{name}.1", width, width, 7)
    yield from snake(f"{name}.2", width)
    yield from conv(f"{name}.3", width, width, 1)


def snake(name: str, width: int) -> Shapes:
    yield f"{name}.alpha", (width,)
    yield f"{name}.beta", (width,)


def numbers(small: bool) -> Shapes:
    for name in ("seconds_total",) if small else ("seconds_start", "seconds_total"):
        yield f"{name}.embedder.embedding.0.weights", (128,)
        yield from linear(f"{name}.embedder.embedding.1", 257, TOKEN_WIDTH, bias=True)


def official_tensors(small: bool = False, seed: int = 0) -> dict[str, Tensor]:
    """`model.safetensors`."""
    return {
        **drawn(trunk(small), "model.model.", seed),
        **drawn(iter([("postprocess_conv.weight", (CHANNELS, CHANNELS, 1))]), "model.model.", seed),
        "model.model.transformer.rotary_pos_emb.inv_freq": rotary_frequencies(),
        **drawn(autoencoder(), "pretransform.model.", seed),
        **drawn(numbers(small), "conditioner.conditioners.", seed),
    }


def controlnet_tensors(depth: int = 2, seed: int = 1) -> dict[str, Tensor]:
    """What a ControlNet adds to a Lightning checkpoint, by the names there."""
    prefix = "model.model.controlnet."
    convs = [("conv_in.weight", (CHANNELS, CHANNELS, 1))]
    convs += [(f"conv_outs.{index}.weight", (WIDTH, WIDTH, 1)) for index in range(depth)]
    return {
        **drawn(trunk(small=False, depth=depth), prefix, seed),
        **drawn(iter(convs), prefix, seed),
        f"{prefix}transformer.rotary_pos_emb.inv_freq": rotary_frequencies(),
    }


def rotary_frequencies() -> Tensor:
    turned = max(WIDTH // HEADS // 2, 32)
    return 1.0 / (10000 ** (torch.arange(0, turned, 2).float() / turned))


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


def write_t5(encoder: Path, tokenizer: Path) -> None:
    """A text encoder and its tokenizer, as T5-base comes."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

    vocabulary = {word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(tokenizer)
    sizes = {"d_model": TOKEN_WIDTH, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    model = T5EncoderModel(T5Config(vocab_size=len(vocabulary), **sizes))
    shapes = ((name, tuple(value.shape)) for name, value in model.state_dict().items())
    tensors = drawn(shapes)
    tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"]
    model.load_state_dict(tensors)
    model.save_pretrained(encoder)


def write(
    folder: Path, *, small: bool = False, diffusers: bool = False, controlnet: bool = False, seed: int = 0
) -> Path:
    """A model's folder; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    if diffusers:
        write_diffusers(folder, official_tensors(seed=seed))
        write_t5(folder / "text_encoder", folder / "tokenizer")
    else:
        save_file(official_tensors(small, seed), folder / "model.safetensors")
        (folder / "model_config.json").write_text(json.dumps(official_config(small)))
        write_t5(folder / "t5-base", folder / "t5-base")
    if controlnet:
        save_file(controlnet_tensors(), folder / "controlnet.safetensors")
    return folder


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
