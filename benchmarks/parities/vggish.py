"""VGGish, which FAD measures in, against torchvggish on weights drawn at random; its input too."""

from __future__ import annotations

import importlib
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from parities.row import Row
from v2m.metrics.vggish import VGGish
from v2m.metrics.vggish_input import patches

REPOSITORY = "harritaylor/torchvggish"
FILE = f"{REPOSITORY} torchvggish/vggish.py"


def rows(official: Path) -> Iterator[Row]:
    """Patches of sound, and what the network makes of them."""
    places = [official / REPOSITORY.replace("/", "+"), official / REPOSITORY]
    checkout = next((path for path in places if path.is_dir()), None)
    if checkout is None:
        raise FileNotFoundError(REPOSITORY)
    sys.path.insert(0, str(checkout))
    # resampy is wanted on import and not used at 16 kHz
    sys.modules.setdefault("resampy", types.ModuleType("resampy"))
    vggish, vggish_input = _official("torchvggish.vggish"), _official("torchvggish.vggish_input")
    at = np.arange(80_000) / 16_000
    sound = 0.3 * np.sin(2 * np.pi * (200 + 300 * at) * at) + np.random.default_rng(0).normal(
        0, 0.05, len(at)
    )
    theirs = vggish_input.waveform_to_examples(sound, 16_000, return_tensor=False)
    yield _row("VGGish patches", FILE.replace("vggish.py", "vggish_input.py"), patches(sound), theirs, 1e-4)
    torch.manual_seed(0)
    network = vggish.VGGish(urls=None, pretrained=False, postprocess=False, device=torch.device("cpu"))
    network.embeddings = torch.nn.Sequential(*list(network.embeddings.children())[:-1])  # no last ReLU
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "vggish.safetensors"
        save_file(network.state_dict(), path)
        yield _row("VGGish embeddings", FILE, VGGish(path).embed(sound), network(sound, 16_000).numpy(), 1e-6)


def _official(name: str) -> Any:  # noqa: ANN401 - a module without types
    """A module of the checkout."""
    return importlib.import_module(name)


def _row(module: str, file: str, ours: np.ndarray, theirs: np.ndarray, bar: float) -> Row:  # type: ignore[type-arg]
    return Row(module, file, float(np.abs(ours - theirs).max()), float(np.abs(theirs).max()), bar)
