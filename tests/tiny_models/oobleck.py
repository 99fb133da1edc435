"""The layers of diffusers' Oobleck autoencoder with random numbers, which our own are held to."""

import warnings
from dataclasses import asdict
from typing import Any

from diffusers import AutoencoderOobleck

from v2m.backbones.sound.oobleck_folder import OobleckConfig


def new_oobleck(config: OobleckConfig) -> Any:
    """The layers; odd strides, which those of diffusers do not know, give a frame its last sample too."""
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(config).items()}
    layers: Any = AutoencoderOobleck
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the kind of weight norm that the files have
        network: Any = layers(**values)
    for block in network.decoder.block:
        block.conv_t1.output_padding = (block.conv_t1.stride[0] % 2,)
    return network
