"""A Stable Audio Open model's folder, in the official layout or in that of diffusers.

Official: `model.safetensors` and `model_config.json`, whose text encoder is T5-base from elsewhere.
diffusers: the folders `transformer`, `vae`, `projection_model`, `text_encoder` and `tokenizer`. The hub's
repository of 1.0 holds both; then the official file serves, with the folder's text encoder. A ControlNet is
one file more, `controlnet.safetensors`: a Lightning checkpoint as `v2m models add` converts it, or only the
ControlNet of one; alone in its folder it stands on the `stable-audio-open` beside it.
Sources: the repositories stabilityai/stable-audio-open-1.0 and -small; EmilianPostolache/
stable-audio-controlnet, `main/module_controlnet_envelope.py` (where a checkpoint holds what).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from v2m.backbones.sound.checkpoint import load_strict, read_safetensors
from v2m.backbones.sound.oobleck_names import official_autoencoder
from v2m.backbones.stable_audio_open import names
from v2m.backbones.stable_audio_open.attention import rotary_frequencies
from v2m.backbones.stable_audio_open.config import OpenConfig, diffusers_config, official_config
from v2m.backbones.stable_audio_open.controlnet import ControlNet, controlnet_shape
from v2m.backbones.stable_audio_open.numbers import NumberConditioner
from v2m.backbones.stable_audio_open.text import TextEncoder
from v2m.backbones.stable_audio_open.transformer import DiffusionTransformer, Trunk
from v2m.errors import CheckpointError, MissingPartError
from v2m.model.memory import numbers_in

OFFICIAL_WEIGHTS: Final = "model.safetensors"
OFFICIAL_CONFIG: Final = "model_config.json"
CONTROLNET_WEIGHTS: Final = "controlnet.safetensors"

_OFFICIAL_PREFIXES: Final = ("model.model.", "pretransform.model.", "conditioner.conditioners.")
"""Of the tensors of transformer, autoencoder and numbers."""

_DIFFUSERS_WEIGHTS: Final = "diffusion_pytorch_model.safetensors"
_DIFFUSERS_PARTS: Final = ("transformer", "vae", "projection_model")
_CONTROLNET_PREFIX: Final = "model.model.controlnet."
"""In a Lightning checkpoint, which holds the frozen model too."""

_CONTROLLED: Final = "stable-audio-open"
"""Folder of the model that a ControlNet stands on."""

_ROTARY: Final = "transformer.rotary_pos_emb.inv_freq"
_TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "spiece.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
)


@dataclass(frozen=True)
class ModelFolder:
    """Where a model's files are."""

    given: Path

    @property
    def controlnet(self) -> Path | None:
        """The ControlNet's file, where there is one."""
        path = self.given / CONTROLNET_WEIGHTS
        return path if path.is_file() else None

    @cached_property
    def folder(self) -> Path:
        """Of the model itself.

        Raises:
            MissingPartError: there is none.
        """
        places = [self.given, *([self.given.parent / _CONTROLLED] if self.controlnet else [])]
        for place in places:
            if _holds_official(place) or _holds_diffusers(place):
                return place
        raise MissingPartError(
            f"{places[-1]} holds no Stable Audio Open model.",
            hint=f"Add it with `v2m models add`: {OFFICIAL_WEIGHTS} and {OFFICIAL_CONFIG}, "
            f"or diffusers' folders {', '.join(_DIFFUSERS_PARTS)}.",
        )

    @property
    def is_official(self) -> bool:
        """Whether it is in the official layout; if not, in that of diffusers."""
        return _holds_official(self.folder)

    def config(self) -> OpenConfig:
        """What the model looks like; reads small files only."""
        if self.is_official:
            return official_config(self.folder / OFFICIAL_CONFIG)
        return diffusers_config(self.folder)

    @property
    def text_folders(self) -> tuple[Path, Path]:
        """Of the text encoder and of its tokenizer.

        Raises:
            MissingPartError: there is no T5-base.
        """
        if (self.folder / "text_encoder" / "config.json").is_file():
            return self.folder / "text_encoder", self.folder / "tokenizer"
        for place in (self.folder / "t5-base", self.folder.parent / "t5-base"):
            if (place / "config.json").is_file():
                return place, place
        raise MissingPartError(
            f"{self.folder} has no text encoder.",
            hint="Add t5-base with `v2m models add`, or put its folder t5-base beside the model.",
        )

    def deciding_files(self) -> list[Path]:
        """All files that decide the model's output."""
        weights = (
            [self.folder / OFFICIAL_WEIGHTS, self.folder / OFFICIAL_CONFIG]
            if self.is_official
            else [
                self.folder / part / name
                for part in _DIFFUSERS_PARTS
                for name in ("config.json", _DIFFUSERS_WEIGHTS)
            ]
        )
        encoder, tokenizer = self.text_folders
        text = [encoder / "config.json", encoder / "model.safetensors"]
        words = [path for name in _TOKENIZER_FILES if (path := tokenizer / name).is_file()]
        return [*weights, *text, *words, *filter(None, [self.controlnet])]

    def weights_bytes(self) -> int:
        """Of all files with weights; what is missing is said when it is read."""
        files = [path for path in self.deciding_files() if path.suffix == ".safetensors" and path.is_file()]
        return sum(path.stat().st_size for path in files)

    def stored_numbers(self) -> tuple[int, int]:
        """How many the transformer has, with a ControlNet, and how many the autoencoder."""
        if self.is_official:
            whole = self.folder / OFFICIAL_WEIGHTS
            transformer, autoencoder = (numbers_in(whole, prefix) for prefix in _OFFICIAL_PREFIXES[:2])
        else:
            parts = (self.folder / part / _DIFFUSERS_WEIGHTS for part in _DIFFUSERS_PARTS[:2])
            transformer, autoencoder = map(numbers_in, parts)
        if self.controlnet is not None:
            transformer += numbers_in(self.controlnet, _CONTROLNET_PREFIX) or numbers_in(self.controlnet)
        return transformer, autoencoder

    def text_encoder(self, config: OpenConfig) -> TextEncoder:
        """Not loaded yet."""
        return TextEncoder(*self.text_folders, config.text_tokens, config.transformer.token_width)


def _holds_official(folder: Path) -> bool:
    return (folder / OFFICIAL_WEIGHTS).is_file() and (folder / OFFICIAL_CONFIG).is_file()


def _holds_diffusers(folder: Path) -> bool:
    return all((folder / part / "config.json").is_file() for part in _DIFFUSERS_PARTS)


@dataclass(frozen=True)
class Weights:
    """A model's tensors on the CPU by their official names, each part without its prefix."""

    transformer: dict[str, Tensor]
    autoencoder: dict[str, Tensor]
    numbers: dict[str, Tensor]


def read_weights(files: ModelFolder, config: OpenConfig) -> Weights:
    """All tensors of a model.

    Raises:
        CheckpointError: an InputError; a file is missing, damaged, a pickle, or holds what is not known.
    """
    if not files.is_official:
        transformer, vae, numbers = (
            read_safetensors(files.folder / part / _DIFFUSERS_WEIGHTS) for part in _DIFFUSERS_PARTS
        )
        return Weights(
            names.official_transformer(transformer),
            official_autoencoder(vae, len(config.autoencoder.strides)),
            names.official_numbers(numbers),
        )
    tensors = read_safetensors(files.folder / OFFICIAL_WEIGHTS)
    if strange := [name for name in tensors if not name.startswith(_OFFICIAL_PREFIXES)]:
        raise CheckpointError(
            f"{OFFICIAL_WEIGHTS} holds {len(strange)} tensors that no Stable Audio Open model has, "
            f"such as {strange[0]}.",
            hint="Check that it is the file of stable-audio-open-1.0 or -small.",
        )
    return Weights(*(names.below(tensors, prefix) for prefix in _OFFICIAL_PREFIXES))


def load_transformer(config: OpenConfig, tensors: dict[str, Tensor]) -> DiffusionTransformer:
    """In float32, in evaluation mode."""
    with torch.device("meta"):
        model = DiffusionTransformer(config.transformer)
    _load_trunk(model, tensors)
    return model


def load_controlnet(config: OpenConfig, path: Path) -> ControlNet:
    """In float32, in evaluation mode.

    Raises:
        CheckpointError: an InputError; the file is missing, damaged, or is no ControlNet for this model.
    """
    tensors = read_safetensors(path, prefix=_CONTROLNET_PREFIX)
    tensors = names.below(tensors, _CONTROLNET_PREFIX) if tensors else read_safetensors(path)
    with torch.device("meta"):
        model = ControlNet(controlnet_shape(config.transformer, tensors))
    _load_trunk(model, tensors)
    return model


def _load_trunk(model: Trunk, tensors: dict[str, Tensor]) -> None:
    filled = {name: value.float() for name, value in tensors.items()}
    if _ROTARY not in filled:  # diffusers keeps what can be computed out of the file
        filled[_ROTARY] = rotary_frequencies(model.shape.width // model.shape.heads)
    for name in [name for name in filled if name.endswith("norm.gamma")]:
        filled.setdefault(f"{name.removesuffix('gamma')}beta", torch.zeros_like(filled[name]))
    load_strict(model, filled)
    model.eval().requires_grad_(False)


def load_numbers(config: OpenConfig, tensors: dict[str, Tensor]) -> dict[str, NumberConditioner]:
    """The conditioners by name, in float32."""
    width = config.transformer.token_width
    loaded = torch.nn.ModuleDict({span.name: NumberConditioner(span, width) for span in config.numbers})
    load_strict(loaded, {name: value.float() for name, value in tensors.items()})
    loaded.eval().requires_grad_(False)
    return {span.name: loaded[span.name] for span in config.numbers}  # type: ignore[misc]
