"""Tiny random checkpoints of the pretrained encoders, in the layouts in which their makers publish them."""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

SEED = 7


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_pictures(count: int, width: int, height: int) -> NDArray[np.uint8]:
    """As they come from a film, (n, h, w, 3)."""
    return np.asarray(torch.randint(0, 256, (count, height, width, 3), generator=drawn(1)).numpy(), np.uint8)


def random_planes(count: int, width: int, height: int) -> torch.Tensor:
    """As a network takes pictures, (n, 3, h, w)."""
    return torch.randn((count, 3, height, width), generator=drawn(2))


def random_clip(count: int, width: int, height: int) -> torch.Tensor:
    """As CoTracker takes pictures, (n, 3, h, w) from 0 to 255; without grain, so that points can be held."""
    small = torch.rand((count, 3, height // 8, width // 8), generator=drawn(3)) * 255
    return torch.nn.functional.interpolate(small, (height, width), mode="bilinear")


def random_points(count: int, pictures: int, width: int, height: int) -> torch.Tensor:
    """Time, x and y, (p, 3)."""
    moments = torch.randint(0, pictures, (count, 1), generator=drawn(4))
    return torch.cat([moments, torch.rand(count, 2, generator=drawn(5)) * torch.tensor([width, height])], 1)


def random_sound(count: int) -> torch.Tensor:
    """Noise, (s,)."""
    return torch.randn(count, generator=drawn(6)) * 0.1


def scattered(module: torch.nn.Module) -> torch.nn.Module:
    """The module with random weights of which none is zero or one, so that each is seen in the output."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, value in sorted([*module.named_parameters(), *module.named_buffers()]):
            if not value.is_floating_point():
                continue
            drawn = torch.randn(value.shape, generator=generator)
            if name.endswith("running_var"):
                value.copy_(drawn.abs() + 0.5)
            elif value.ndim == 1:
                value.copy_(0.1 * drawn + (1.0 if name.endswith("weight") else 0.0))
            else:
                fan_in = value[0].numel()
                value.copy_(drawn / fan_in**0.5)
    return module


def write_dinov2(folder: Path, *, width: int = 32, layers: int = 2) -> Path:
    """As on the hub: `config.json` and `model.safetensors` of `Dinov2Model`."""
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=2, image_size=70, patch_size=14
    )
    scattered(Dinov2Model(config)).save_pretrained(folder)
    return folder


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def write_tensors(path: Path, module: torch.nn.Module) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)


def write_musicfm(folder: Path, *, width: int = 32, layers: int = 8, old_norm: bool = False) -> Path:
    """As converted from `pretrained_msd.pt`: every key under `model.`, parts of the training with them."""
    from v2m.encoders.musicfm.network import MusicFM, Shape

    shape = Shape(bands=128, channels=4, width=width, feed_forward=48, kernel=31, layers=layers)
    network = scattered(MusicFM(shape, layers))
    tensors = {f"model.{name}": value.contiguous() for name, value in network.state_dict().items()}
    norm = ("weight_g", "weight_v")
    if not old_norm:
        norm = ("parametrizations.weight.original0", "parametrizations.weight.original1")
    unused = [*(f"conformer.pos_conv_embed.conv.{name}" for name in (*norm, "bias")), "cls_token",
              "conformer.embed_positions.inv_freq", "linear.weight", "linear.bias",
              "quantizer_melspec_2048_0.codebook",
              "preprocessor_melspec_2048.mel_stft.spectrogram.window"]  # fmt: skip
    tensors |= {f"model.{name}": torch.ones(3) for name in unused}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "pretrained_msd.safetensors")
    write_json(
        folder / "msd_stats.json",
        {"melspec_2048_mean": 6.768444971712967, "melspec_2048_std": 18.417922652295623},
    )
    return folder


def write_vjepa2(folder: Path, *, width: int = 48, layers: int = 2, side: int = 32) -> Path:
    """As on the hub: `config.json` and `model.safetensors` of `VJEPA2Model`, its predictor with it."""
    from transformers import VJEPA2Config, VJEPA2Model

    config = VJEPA2Config(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=2, crop_size=side, patch_size=16,
        pred_hidden_size=24, pred_num_hidden_layers=1, pred_num_attention_heads=2,
    )  # fmt: skip
    scattered(VJEPA2Model(config)).save_pretrained(folder)
    return folder


def write_avsiam(folder: Path, *, width: int = 24, blocks: int = 2) -> Path:
    """As converted from `as2m_pretrained.20.pth`: keys under `module.`, the training's parts with them."""
    from v2m.encoders.avsiam.network import AVSiam

    network = scattered(AVSiam(width, 2 * width, blocks, 14 * 14, 512))
    own = {f"vit_base.{name}": value.contiguous() for name, value in network.state_dict().items()}
    unused = ["vit_base.cls_token", "vit_base.head.weight", "vit_base.blocks.0.norm1.weight", "mask_token",
              "ast_base.norm.weight", "decoder_norm.weight", "mm_layer_1.norm1.weight"]  # fmt: skip
    own |= {name: torch.ones(3) for name in unused}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {f"module.{name}": value for name, value in own.items()}, folder / "as2m_pretrained.20.safetensors"
    )
    return folder


def write_cotracker(folder: Path) -> Path:
    """As converted from `scaled_offline.pth`."""
    from v2m.encoders.cotracker.tracker import CoTracker

    network = CoTracker(16, 32, 48, (24, 16), depth=2, virtual=4)
    scattered(network)
    with torch.no_grad():  # points move by pixels, and visibility stays off its ends
        for head in (network.updateformer.flow_head, network.updateformer.vis_conf_head):
            head.weight *= 0.1
            head.bias *= 0.1
    write_tensors(folder / "scaled_offline.safetensors", network)
    return folder
