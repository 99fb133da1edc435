"""A tiny `paper` model on disk, written once, and windows to compose in it."""

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.tiny_models import paper
from tests.v2m.backbones.windows import Windows, windows
from v2m.backbones.paper.model import Paper


@pytest.fixture(scope="session")
def tiny_paper() -> ModuleType:
    """The writer of tiny models."""
    return paper


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paper.write(tmp_path_factory.mktemp("models") / "paper")


@pytest.fixture(scope="session")
def model(folder: Path) -> Paper:
    return Paper(folder, name="paper", device="cpu", dtype="float32")


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    """A model that a test may break."""
    return Path(shutil.copytree(folder, tmp_path / "paper"))


@pytest.fixture(scope="session")
def window() -> Windows:
    return windows(frame_count=20, curve=np.sin(np.arange(20)).astype(np.float32), steps=4)
