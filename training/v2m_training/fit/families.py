"""The families of sound models that can be fine-tuned, by the name that `--backbone` knows them by."""

from __future__ import annotations

import importlib
from typing import Final, cast

import torch

from v2m.backbones import added_folder
from v2m.errors import UsageError
from v2m_training.fit.config import FitConfig
from v2m_training.fit.trainable import Trainable

_MODULES: Final = {
    "stable-audio-3": "v2m_training.fit.bindings.stable_audio_3",
    "stable-audio-open": "v2m_training.fit.bindings.stable_audio_open",
    "paper": "v2m_training.fit.bindings.paper",
}
"""Beginning of a model's name -> the module that binds its family, with a function `load`."""


def load_family(config: FitConfig, device: torch.device) -> Trainable:
    """The model that a run fine-tunes, with a column of zeros for each of its curves.

    Raises:
        UsageError: no family has this name.
        MissingPartError: its weights or libraries are not here.
        CheckpointError: its weights are not what they should be.
    """
    name = next((begin for begin in _MODULES if config.family.startswith(begin)), None)
    if name is None:
        raise UsageError(
            f"The family is {config.family!r}, expected one of {', '.join(_MODULES)}.",
            hint="`sketch` is trained by `v2m-train text-to-music` and `v2m-train curve`.",
        )
    binding = importlib.import_module(_MODULES[name])
    return cast(Trainable, binding.load(config, config.weights or added_folder(config.family), device))
