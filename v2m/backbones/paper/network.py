"""The transformer of a `paper` model: new with random weights, or from a folder; and a folder from it.

What is made here can be trained as it is: nothing in its forward pass stops gradients, and the event curve's
column is the parameter `curve_column`, (1, width), zeros at first.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save
from torch import Tensor

from v2m.backbones.paper.config import PaperConfig, config_text
from v2m.backbones.sound.checkpoint import load_strict, read_safetensors
from v2m.errors import CheckpointError, InputError
from v2m.model.checkpoint import write_whole
from v2m.model.dit import DiT

COLUMN: Final = "curve_column"
"""Name of the parameter that an event adapter is."""


def new_network(config: PaperConfig, seed: int = 0, *, checkpointing: bool = False) -> DiT:
    """A model with random weights, on the CPU in float32, in training mode.

    Its last layer and the curve's column are zeros, so that training begins with the zero velocity.

    Args:
        config: its shape.
        seed: of the weights; torch's own random numbers stay as they were.
        checkpointing: compute the blocks again in the backward pass instead of keeping what they made.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = DiT(config.network)
    network.checkpointing = checkpointing
    return network


def load_network(folder: Path, config: PaperConfig, column: Tensor | None = None) -> DiT:
    """The model of a folder, on the CPU in the format in which it is stored, in evaluation mode.

    Args:
        folder: with `model.safetensors`, or several `model-….safetensors`.
        config: of the folder.
        column: (width,) of an event adapter, in place of what the folder has.

    Raises:
        CheckpointError: an InputError; the files are broken or not those of this shape.
    """
    if column is not None:
        config = replace(config, curve_channels=1)
    try:
        with torch.device("meta"):
            network = DiT(config.network)
    except InputError as error:
        raise CheckpointError(f"The config.json of {folder} describes no model: {error}") from error
    tensors: dict[str, Tensor] = {}
    for path in weight_files(folder):
        tensors |= read_safetensors(path)
    if column is not None:
        tensors[COLUMN] = column.reshape(1, -1)
    load_strict(network, tensors)
    # not stored, for the shape says it; what was made without memory has to be made again
    network.channel_group = torch.tensor(config.network.channel_groups)
    return network.eval()


def weight_files(folder: Path) -> list[Path]:
    """The files with the transformer's tensors.

    Raises:
        CheckpointError: an InputError; there is none.
    """
    found = sorted(folder.glob("model*.safetensors"))
    if not found:
        raise CheckpointError(
            f"There is no model.safetensors in {folder}.",
            hint="Train a model, or add its folder with `v2m models add`.",
        )
    return found


def save_network(
    folder: Path, config: PaperConfig, network: DiT, dtype: torch.dtype = torch.bfloat16
) -> None:
    """Write `config.json` and `model.safetensors`, each whole or not at all.

    Args:
        folder: made if it is not there.
        config: the shape that `network` has.
        network: any device and format.
        dtype: format in which the numbers are stored.

    Raises:
        CheckpointError: an InputError; the network has another shape.
        OutputWriteError: the folder or the disk does not take the files.
    """
    if network.config != config.network:
        raise CheckpointError("The network has another shape than its configuration says.")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.detach().to("cpu", dtype).contiguous() for name, value in network.state_dict().items()
    }
    write_whole(folder / "model.safetensors", save(tensors))
    write_whole(folder / "config.json", config_text(config).encode())
