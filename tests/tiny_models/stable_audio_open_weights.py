"""Random weights of tiny Stable Audio Open models by their official names.

The names are written out here rather than taken from our modules, and the numbers depend on nothing but name
and seed: `tests/golden` has what the official code makes of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor

from v2m.model.noise import latent_noise

WIDTH, HEADS, DEPTH = 64, 2, 3
TOKEN_WIDTH, CHANNELS, WINDOW_FRAMES = 32, 8, 128
STRIDES, MULTIPLES = (2, 4, 4, 8, 8), (1, 1, 2, 2, 2)
BASE_CHANNELS = 2 * CHANNELS  # diffusers' encoder ends in as many channels as it begins with
HOP = 2048
TEXT_TOKENS = 128

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
