"""Tiny Stable Audio 3 checkpoints, written once for all tests of the family."""

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from v2m.backbones.sound.model import SoundWindow
from v2m.backbones.stable_audio_3.model import StableAudio3

TINY = Path(__file__).parents[3] / "tiny_models" / "stable_audio_3.py"


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The writer of tiny checkpoints."""
    spec = spec_from_file_location("tiny_stable_audio_3", TINY)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def checkpoint(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of checkpoints by name: `small`, `medium`, and each with `-base` behind it; no text encoder."""
    root = tmp_path_factory.mktemp("stable_audio_3")

    def folder(name: str) -> Path:
        if not (root / name).is_dir():
            size, _, base = name.partition("-")
            tiny.write(root / name, size=size, post_trained=not base, text=False)
        return root / name

    return folder


@pytest.fixture(scope="session")
def whole_checkpoint(tiny: ModuleType, checkpoint: Callable[[str], Path]) -> Callable[[str], Path]:
    """The same folders, with the text encoder in them."""

    def folder(name: str) -> Path:
        if not (text := checkpoint(name) / "t5gemma-b-b-ul2").is_dir():
            tiny.write_text_encoder(text)
        return checkpoint(name)

    return folder


@pytest.fixture
def model(whole_checkpoint: Callable[[str], Path]) -> Callable[..., StableAudio3]:
    """Models on the CPU in float32, by the name of their checkpoint."""

    def load(name: str, **changes: Any) -> StableAudio3:
        settings = {"name": name, "device": "cpu", "dtype": "float32", **changes}
        return StableAudio3(whole_checkpoint(name), **settings)

    return load


@pytest.fixture
def window() -> Callable[..., SoundWindow]:
    """A window of 20 frames, with changes."""

    def made(**changes: Any) -> SoundWindow:
        count = changes.setdefault("frame_count", 20)
        values = {
            "prompt": "lo-fi",
            "first_frame": 100,
            "curve": np.sin(np.arange(count)).astype(np.float32),
            "seeds": (1,),
            "steps": 3,
            **changes,
        }
        return SoundWindow(**values)

    return made
