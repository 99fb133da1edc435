"""Following a curve without an adapter: a small network hears the event curve in noisy latents, and steers.

While a model composes, the head guesses from the noisy latents what event curve the finished music would
have; the gradient of its error pushes the clean latents that the model sees towards the wished curve. Nothing
goes backwards through the model or its decoder, so a step costs hardly more. A head belongs to a space of
latents, and so to all models of one autoencoder.

Conventions: b take, t latent frame, c channel; noise level 1 is noise, 0 is music, on the straight path
x = (1 - level) * music + level * noise; curves are standardised. A file is safetensors whose header holds
`format`, `config`, `latent_rate_hz`, `recipe`; weights are float32.
Sources: arXiv 2603.04366 (latent control heads, guidance on some of the steps); Ye et al. 2024,
"TFG: unified training-free guidance".
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from v2m.backbones.sound.checkpoint import load_strict, read_safetensors
from v2m.backbones.sound.model import LatentGrid
from v2m.errors import CheckpointError, OutputWriteError

FORMAT: Final = "v2m-latent-head-1"

LARGEST_BYTES: Final = 64_000_000
"""Ten million numbers and to spare: what is larger is no small network."""

_TINY: Final = 1e-8


@dataclass(frozen=True)
class HeadConfig:
    """The shape of a head."""

    channels: int
    """Of the latents."""

    width: int = 256
    depth: int = 8
    """Residual blocks; each looks twice as far as the one before, beginning anew after `spread` of them."""

    spread: int = 4
    """With 8 blocks over 3 frames a head hears 30 frames on both sides: 3 s at 10.8 a second."""

    level_features: int = 64

    def __post_init__(self) -> None:
        """Refuse what is no small network.

        Raises:
            CheckpointError: a number is out of range.
        """
        numbers = asdict(self).values()
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in numbers)
        if not whole or not all(1 <= value <= 4096 for value in numbers) or self.level_features % 2:
            raise CheckpointError(f"A latent head is not made of {asdict(self)}.")


class LatentHead(nn.Module):
    """Guesses the event curve of the music in noisy latents.

    Args:
        config: its shape.
    """

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Conv1d(config.channels, config.width, 3, padding=1)
        self.level = nn.Sequential(
            nn.Linear(config.level_features, config.width), nn.SiLU(), nn.Linear(config.width, config.width)
        )
        self.blocks = nn.ModuleList(
            _Block(config.width, 2 ** (number % config.spread)) for number in range(config.depth)
        )
        self.leave = nn.Conv1d(config.width, 1, 1)

    def forward(self, latents: Tensor, noise_level: Tensor) -> Tensor:
        """Latents (b, t, c) at noise levels (b,) -> curve (b, t)."""
        hidden = self.enter(latents.transpose(1, 2))  # (b, width, t)
        told = self.level(_waves(noise_level, self.config.level_features))[..., None]
        for block in self.blocks:
            hidden = block(hidden, told)
        curve: Tensor = self.leave(hidden)[:, 0]
        return curve


class _Block(nn.Module):
    """A dilated convolution and a mixing one, added to the stream."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)  # frame by frame: what lies far away must not change what is heard
        self.look = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, hidden: Tensor, told: Tensor) -> Tensor:
        """(b, width, t) and what is told of the noise, (b, width, 1)."""
        level = self.norm(hidden.transpose(1, 2)).transpose(1, 2)
        added: Tensor = self.mix(F.silu(self.look(level + told)))
        return hidden + added


def _waves(noise_level: Tensor, count: int) -> Tensor:
    """(b,) -> (b, count): sines and cosines of one to a hundred turns."""
    turns = torch.logspace(0, 2, count // 2, device=noise_level.device, dtype=noise_level.dtype)
    angle = 2 * math.pi * noise_level[:, None] * turns
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def head_loss(head: LatentHead, latents: Tensor, noise_level: Tensor, curve: Tensor) -> Tensor:
    """Mean squared error of a head: what is minimised in its training, and in guidance.

    Args:
        head: the network.
        latents: (b, t, c), noisy.
        noise_level: (b,).
        curve: (b, t) of the music in them.
    """
    return F.mse_loss(head(latents, noise_level), curve)


@dataclass(frozen=True)
class Steering:
    """A wished curve, and a head that leads there."""

    head: LatentHead
    curve: Tensor
    """(t,) of the window that is composed."""

    strength: float = 0.5
    """Length of a push against the length of the noisy latents, whose spread is that of noise."""

    levels: tuple[float, float] = (0.35, 1.0)
    """Noise levels between which is steered: below, the form is decided and pushes are heard as noise."""

    @property
    def sha256(self) -> str:
        """Hash of all that decides where it leads."""
        told = hashlib.sha256(repr((self.head.config, self.strength, self.levels)).encode())
        for tensor in (self.curve, *self.head.state_dict().values()):
            told.update(tensor.cpu().numpy().tobytes())
        return told.hexdigest()

    def data(self, noisy: Tensor, data: Tensor, noise_level: float) -> Tensor:
        """The clean latents that a model sees, (b, t, c), pushed towards the wished curve.

        Frames beyond the curve's end are left alone.

        Args:
            noisy: (b, t, c) on the straight path; scale other paths to it.
            data: (b, t, c).
            noise_level: of `noisy`.
        """
        low, high = self.levels
        if not low <= noise_level <= high or self.strength == 0:
            return data
        push = self._direction(noisy, noise_level).to(data.dtype)
        length = noisy.square().mean((1, 2), keepdim=True).sqrt().to(data.dtype)
        return data + self.strength * length * push

    def velocity(self, noisy: Tensor, velocity: Tensor, noise_level: float) -> Tensor:
        """The same for a model of velocities (noise less music), (b, t, c)."""
        if noise_level <= 0:
            return velocity
        seen = noisy - noise_level * velocity
        pushed = self.data(noisy, seen, noise_level)
        return velocity if pushed is seen else (noisy - pushed) / noise_level

    def _direction(self, noisy: Tensor, noise_level: float) -> Tensor:
        """Downhill on the head's error, of unit root mean square for each take."""
        device = noisy.device
        head = self.head.to(device)
        count = min(len(self.curve), noisy.shape[1])
        with torch.inference_mode(False), torch.enable_grad():
            at = noisy.detach().to(torch.float32).clone().requires_grad_()
            level = torch.full((len(at),), noise_level, device=device)
            wished = self.curve[:count].clone().to(device, torch.float32)
            heard = head(at, level)[:, :count]
            # takes must not see each other: the sum of their own errors has each one's gradient
            error = (heard - wished).square().mean(1).sum()
            (slope,) = torch.autograd.grad(error, at)
        length = slope.square().mean((1, 2), keepdim=True).sqrt().clamp_min(_TINY)
        return -slope / length


@dataclass(frozen=True)
class StoredHead:
    """A head read from disk."""

    head: LatentHead
    """On the CPU in float32, in evaluation mode."""

    latent_rate_hz: Fraction
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """How its curves were made, as in an event adapter; and `trained_on`, a model's name."""

    def check(self, path: Path, grid: LatentGrid) -> None:
        """Refuse latents that it was not trained on.

        Raises:
            CheckpointError: they have other channels or another rate.
        """
        channels = self.head.config.channels
        if (channels, self.latent_rate_hz) != (grid.channels, grid.rate_hz):
            raise CheckpointError(
                f"{path.name} was trained on {channels} channels at {float(self.latent_rate_hz):.4f} frames "
                f"a second, the model has {grid.channels} at {float(grid.rate_hz):.4f}.",
                hint="Name the model that it was trained on, or train one for this model.",
            )


def save_head(path: Path, stored: StoredHead) -> None:
    """Write a head, whole or not at all.

    Raises:
        OutputWriteError: the folder or the disk does not take the file.
    """
    tensors = {
        name: value.detach().float().cpu().contiguous() for name, value in stored.head.state_dict().items()
    }
    header = {
        "format": FORMAT,
        "config": json.dumps(asdict(stored.head.config)),
        "latent_rate_hz": str(stored.latent_rate_hz),
        "recipe": json.dumps(dict(stored.recipe), sort_keys=True),
    }
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_bytes(save_tensors(tensors, header))
        draft.replace(path)
    except OSError as error:
        raise OutputWriteError(f"{path} could not be written: {error.strerror}.") from error


def is_head(path: Path) -> bool:
    """Whether a file says that it is a head; what it is else, others say."""
    try:
        with safe_open(path, framework="numpy") as file:
            return bool((file.metadata() or {}).get("format") == FORMAT)
    except (OSError, SafetensorError, ValueError, TypeError):
        return False


def load_head(path: Path) -> StoredHead:
    """Read a head.

    Raises:
        CheckpointError: an InputError; the file is none, or is damaged.
    """
    tensors = read_safetensors(path)
    with safe_open(path, framework="numpy") as file:
        header = file.metadata() or {}
    if header.get("format") != FORMAT or path.stat().st_size > LARGEST_BYTES:
        raise CheckpointError(f"{path.name} is no latent head: it has the format {header.get('format')!r}.")
    try:
        config = HeadConfig(**json.loads(header["config"]))
        rate_hz, recipe = Fraction(header["latent_rate_hz"]), dict(json.loads(header["recipe"]))
    except (ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError) as error:
        raise CheckpointError(f"The header of {path.name} makes no sense.", detail=repr(error)) from error
    with torch.device("meta"):
        head = LatentHead(config)
    load_strict(head, {name: value.float().clone() for name, value in tensors.items()})
    for parameter in head.parameters():
        parameter.requires_grad_(False)
    return StoredHead(head.eval(), rate_hz, recipe)
