"""VGGish: the network whose last layer FAD measures in, 128 numbers for each 0.96 s of sound.

Four stages of 3 x 3 convolutions with pooling, then 4096, 4096, 128. For FAD the last ReLU is left out and
neither PCA nor quantisation follows, as frechet-audio-distance and fadtk have it.

Weights: the tensors of `torchvggish` (release v0.1, vggish-10086976) as safetensors, under its names
(`features.0.weight` … `embeddings.4.bias`). The published file is a pickle, which nothing here opens:
`v2m models add vggish` converts it apart. Looked for as `vggish/vggish.safetensors` among the models, or
given.
Sources: Hershey et al. 2017; harritaylor/torchvggish (Apache-2.0).
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.added_models import models_folder
from v2m.errors import CheckpointError, MissingPartError
from v2m.metrics.vggish_input import patches

WIDTH: Final = 128
WEIGHTS: Final = "vggish/vggish.safetensors"

_STAGES: Final = ((0, 1, 64), (3, 64, 128), (6, 128, 256), (8, 256, 256), (11, 256, 512), (13, 512, 512))
"""Number of each convolution in the published list of layers, its channels in and out."""

_POOLED_AFTER: Final = frozenset((0, 3, 8, 13))
_DENSE: Final = ((0, 512 * 4 * 6, 4096), (2, 4096, 4096), (4, 4096, WIDTH))

_BATCH: Final = 32
"""Patches at once: 200 MB of activations."""


class VGGish:
    """The network with its weights."""

    def __init__(self, path: Path | None = None, device: str = "cpu") -> None:
        self.path = path or models_folder() / WEIGHTS
        self.device = device
        if not self.path.is_file():
            raise MissingPartError(
                f"The weights of VGGish are not at {self.path}.",
                hint="Run `v2m models add vggish vggish-10086976.pth`, or name the file with --weights.",
            )

    @staticmethod
    def is_here() -> bool:
        """Whether the weights lie among the models."""
        return (models_folder() / WEIGHTS).is_file()

    @cached_property
    def sha256(self) -> str:
        """Of the weights file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def _tensors(self) -> dict[str, Any]:
        from v2m.backbones.sound.checkpoint import read_safetensors  # torch is loaded here and not before

        tensors = {name: tensor.to(self.device) for name, tensor in read_safetensors(self.path).items()}
        wrong = sorted(
            name for name, shape in expected_shapes().items()
            if name not in tensors or tuple(tensors[name].shape) != shape
        )  # fmt: skip
        if wrong:
            raise CheckpointError(
                f"{self.path.name} lacks {', '.join(wrong[:3])} of VGGish, or has it in another shape.",
                hint="Run `v2m models add vggish vggish-10086976.pth`, see docs/peers.md.",
            )
        return tensors

    def embed(self, mono: NDArray[np.floating]) -> NDArray[np.float32]:
        """Embeddings of sound (s,) at 16 kHz: (n, 128), one for each 0.96 s.

        Raises:
            CheckpointError: the weights are damaged or another network's.
            InputError: the sound is not mono or not finite.
        """
        shown = patches(mono)
        found = [self._run(shown[start : start + _BATCH]) for start in range(0, len(shown), _BATCH)]
        return np.concatenate(found) if found else np.zeros((0, WIDTH), np.float32)

    def _run(self, shown: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch
        import torch.nn.functional as F

        tensors = self._tensors
        with torch.inference_mode():
            x = torch.from_numpy(shown).to(self.device)[:, None]  # (b, 1, 96, 64)
            for number, _, _ in _STAGES:
                name = f"features.{number}"
                x = F.relu(F.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1))
                if number in _POOLED_AFTER:
                    x = F.max_pool2d(x, 2)
            x = x.permute(0, 2, 3, 1).flatten(1)  # (b, 6 * 4 * 512), channels last as the original
            for number, _, _ in _DENSE:
                name = f"embeddings.{number}"
                x = F.linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])
                x = x if number == _DENSE[-1][0] else F.relu(x)
            embedded: NDArray[np.float32] = x.float().cpu().numpy()
        return embedded


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, inside, outside in _STAGES:
        shapes[f"features.{number}.weight"] = (outside, inside, 3, 3)
        shapes[f"features.{number}.bias"] = (outside,)
    for number, inside, outside in _DENSE:
        shapes[f"embeddings.{number}.weight"] = (outside, inside)
        shapes[f"embeddings.{number}.bias"] = (outside,)
    return shapes
