"""ACE-Step's layers, which are those of diffusers, with the weights of a folder."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import torch
from torch import Tensor

from v2m.backbones.sound.checkpoint import load_strict
from v2m.errors import CheckpointError, MissingPartError

_TRANSFORMER: Final = ("diffusers.models.transformers.ace_step_transformer", "AceStepTransformer1DModel")
_ENCODER: Final = ("diffusers.pipelines.ace_step.modeling_ace_step", "AceStepConditionEncoder")


def load_transformer(config: dict[str, Any], tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - of diffusers
    """The transformer on the CPU, in the format in which it is stored.

    Raises:
        CheckpointError: an InputError; the weights do not fit the configuration.
        MissingPartError: diffusers is not installed.
    """
    network = _empty(*_TRANSFORMER, config)
    load_strict(network, tensors)
    return network


def load_encoder(config: dict[str, Any], tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - of diffusers
    """The condition encoder, likewise."""
    encoder = _empty(*_ENCODER, config)
    # what is stored says how long the silence is
    encoder.register_buffer("silence_latent", tensors.get("silence_latent", encoder.silence_latent))
    load_strict(encoder, tensors)
    return encoder


def _empty(module: str, kind: str, config: dict[str, Any]) -> Any:  # noqa: ANN401 - of diffusers
    """Layers without memory for their numbers."""
    try:
        layers = getattr(import_module(module), kind)
    except ImportError as error:
        raise MissingPartError(
            "ACE-Step needs diffusers 0.42 or newer, which is not installed.",
            hint='Run pip install -U "v2m[models]".',
        ) from error
    try:
        with torch.device("meta"):
            return layers(**config)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"The configuration describes no ACE-Step layers: {error}.") from error
