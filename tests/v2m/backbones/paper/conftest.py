"""A tiny `paper` model on disk, written once, and windows to compose in it."""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from v2m.backbones.paper.model import Paper
from v2m.backbones.sound.model import SoundWindow


@pytest.fixture(scope="session")
def tiny_paper(repository: Path) -> ModuleType:
    """The writer of tiny models."""
    path = repository / "tests" / "tiny_models" / "paper.py"
    spec = importlib.util.spec_from_file_location("tiny_paper", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def folder(tiny_paper: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_paper.write(tmp_path_factory.mktemp("models") / "paper")


@pytest.fixture(scope="session")
def model(folder: Path) -> Paper:
    return Paper(folder, name="paper", device="cpu", dtype="float32")


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    """A model that a test may break."""
    return Path(shutil.copytree(folder, tmp_path / "paper"))


@pytest.fixture(scope="session")
def window() -> Callable[..., SoundWindow]:
    """A short window, with whatever a test wants otherwise."""

    def made(**other: Any) -> SoundWindow:
        asked: dict[str, Any] = {
            "prompt": "warm strings",
            "first_frame": 0,
            "frame_count": 20,
            "curve": np.sin(np.arange(20)).astype(np.float32),
            "seeds": (5,),
            "steps": 4,
        }
        return SoundWindow(**{**asked, **other})

    return made
