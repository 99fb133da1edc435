"""The models that a user can choose to compose.

`sketch` is part of the package and writes notes; all others compose sound and are added by `v2m models add`.
Nothing of any model is loaded here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from v2m.errors import MissingPartError, UsageError

if TYPE_CHECKING:
    from v2m.backbones.base import RenewingBackbone
    from v2m.backbones.sound.model import SoundModel

SOUND_BACKBONES: Final[Mapping[str, str]] = {
    "stable-audio-3-small": "v2m.backbones.stable_audio_3.model:StableAudio3",
    "stable-audio-3-small-base": "v2m.backbones.stable_audio_3.model:StableAudio3",
    "stable-audio-3-medium": "v2m.backbones.stable_audio_3.model:StableAudio3",
    "stable-audio-3-medium-base": "v2m.backbones.stable_audio_3.model:StableAudio3",
    "stable-audio-open": "v2m.backbones.stable_audio_open.model:StableAudioOpen",
    "stable-audio-open-small": "v2m.backbones.stable_audio_open.model:StableAudioOpen",
    "stable-audio-controlnet": "v2m.backbones.stable_audio_open.model:StableAudioOpen",
    "ace-step": "v2m.backbones.ace_step.model:AceStep",
    "ace-step-sft": "v2m.backbones.ace_step.model:AceStep",
    "ace-step-turbo": "v2m.backbones.ace_step.model:AceStep",
    "paper": "v2m.backbones.paper.model:Paper",
}
"""Name, and the class that loads it, as `module:class`."""

BACKBONES: Final = ("sketch", *SOUND_BACKBONES)

_FOLLOWERS: Final = frozenset({"paper", "stable-audio-controlnet"})
"""Models of sound that were trained on the event curve, or on what stands for it, and need no adapter."""


ARITHMETIC_VARIABLE: Final = "V2M_ARITHMETIC"
"""Says where, in which numbers and how models of sound compose, in the words of a take: `cuda:1`, `float32`,
`compiled`. What is left out is chosen: the best device, its fastest format, not compiled."""

_NUMBER_FORMATS: Final = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class AskedArithmetic:
    """What is asked of a model, before anyone looked whether it can be had."""

    device: str = "auto"
    dtype: str = ""
    """Empty for the fastest."""

    compiled: bool = False


def read_arithmetic(words: str) -> AskedArithmetic:
    """What `cpu float32 compiled` asks for, or a part of it.

    Raises:
        UsageError: more than one word of a kind.
    """
    asked: dict[str, Any] = {}
    for word in words.split():
        kind = "compiled" if word == "compiled" else "dtype" if word in _NUMBER_FORMATS else "device"
        if kind in asked:
            raise UsageError(
                f"{words!r} names {asked[kind]} and {word}.",
                hint=f"Name a device, one of {', '.join(_NUMBER_FORMATS)}, and `compiled`; each is optional.",
            )
        asked[kind] = word
    return AskedArithmetic(asked.get("device", "auto"), asked.get("dtype", ""), "compiled" in asked)


def load_backbone(name: str, arithmetic: str = "") -> RenewingBackbone:
    """The backbone of a name that writes notes; its weights are read when it first composes.

    Args:
        name: `sketch`.
        arithmetic: device and kind of numbers to compose with, as a take says it; by default the fastest.

    Raises:
        UsageError: there is no such backbone.
        MissingPartError: the device is not here.
    """
    if name != "sketch":
        raise UsageError(f"There is no backbone {name!r}, expected one of {', '.join(BACKBONES)}.")
    from v2m.backbones.sketch import Sketch  # torch is loaded here and not before

    asked = read_arithmetic(arithmetic)
    return Sketch(device=asked.device, dtype=asked.dtype)


def composes_sound(name: str) -> bool:
    """Whether a backbone composes sound rather than notes."""
    return name in SOUND_BACKBONES


_STEERED: Final = ("stable-audio-3", "stable-audio-open", "ace-step", "paper")
"""Beginnings of the names of models that a latent head can steer: their steps show it clean latents."""


_TAKES_LORA: Final = "stable-audio-3"
"""Beginning of the names of models that LoRA files can change."""

LORA_FOLDER: Final = "lora"
"""Of such a model's folder."""


def can_be_steered(name: str) -> bool:
    """Whether a latent head can lead a model towards the curve."""
    return name.startswith(_STEERED)


def hears_curve(name: str, adapter: Path | None) -> bool:
    """Whether a model is told the event curve."""
    return name not in SOUND_BACKBONES or name in _FOLLOWERS or adapter is not None


def load_sound_model(
    name: str, *, adapter: Path | None = None, lora_strength: float = 1.0, arithmetic: str = ""
) -> SoundModel:
    """The model of sound of a name; its weights are read when it first composes.

    Args:
        name: one of `SOUND_BACKBONES`.
        adapter: a file that tells it the event curve; a latent head is for whoever asks it to compose.
        lora_strength: of the LoRA files in its folder; 1 as they were trained, 0 not at all.
        arithmetic: as a take says it; by default as `ARITHMETIC_VARIABLE` does.

    Raises:
        UsageError: there is no such backbone, no such adapter, or no LoRA whose strength could be chosen.
        InputError: the adapter is none.
        MissingPartError: the model was not added, or a library or the device is not here.
    """
    folder = added_folder(name)
    check_backbone(name, adapter, lora_strength)
    if adapter is not None:
        from v2m.backbones.sound.following import column_file

        adapter = column_file(adapter)
    module, _, kind = SOUND_BACKBONES[name].partition(":")
    asked = read_arithmetic(arithmetic or os.environ.get(ARITHMETIC_VARIABLE, ""))
    try:
        family: Any = getattr(import_module(module), kind)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("v2m"):
            raise
        raise MissingPartError(
            f"{name} needs {error.name}, which is not installed.",
            hint='Install it with: pip install "v2m[models]"',
        ) from error
    options = {"lora_strength": lora_strength} if name.startswith(_TAKES_LORA) else {}
    model: SoundModel = family(
        folder,
        name=name,
        device=asked.device,
        dtype=asked.dtype,
        compiled=asked.compiled,
        adapter=adapter,
        **options,
    )
    return model


def added_folder(name: str) -> Path:
    """Where a model of sound lies.

    Raises:
        UsageError: there is no such backbone.
        MissingPartError: the model was not added.
    """
    if name not in SOUND_BACKBONES:
        raise UsageError(f"There is no backbone {name!r}, expected one of {', '.join(BACKBONES)}.")
    from v2m.added_models import models_folder

    folder = models_folder() / name
    if not folder.is_dir():
        raise MissingPartError(
            f"The backbone {name} is not here: its weights are not part of V2M.",
            hint=f"Add it with `v2m models add {name}`.",
        )
    return folder


def check_backbone(name: str, adapter: Path | None = None, lora_strength: float = 1.0) -> None:
    """Refuse now what loading would refuse, without reading any weights.

    Raises:
        UsageError: there is no such backbone, or it takes no adapter, or has no LoRA.
        InputError: the adapter is none.
        MissingPartError: the model was not added.
    """
    if lora_strength != 1.0:
        _check_lora(name)
    if name == "sketch":
        if adapter is not None:
            raise UsageError(
                "The embedded model sketch takes no adapter: it follows the curve by itself.",
                hint="Leave out --adapter, or choose another --backbone.",
            )
        return
    added_folder(name)
    if adapter is not None:
        from v2m.backbones.sound.following import read_following

        read_following(name, adapter)


def _check_lora(name: str) -> None:
    """Refuse the strength of a LoRA where there is none."""
    if not name.startswith(_TAKES_LORA):
        raise UsageError(
            f"{name} takes no LoRA, so there is nothing for --lora-strength to set.",
            hint="Leave out --lora-strength, or choose a --backbone whose name begins with stable-audio-3.",
        )
    place = added_folder(name) / LORA_FOLDER
    if not any(place.glob("*.safetensors")):
        raise UsageError(
            f"{name} has no LoRA, so there is nothing for --lora-strength to set: no safetensors in {place}.",
            hint="Put the LoRA's file there, or leave out --lora-strength.",
        )
