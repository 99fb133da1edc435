"""Tiny ACE-Step checkpoints on disk, written once, and windows to compose in them."""

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from tests.tiny_models import ace_step
from tests.v2m.backbones.windows import Windows, windows
from v2m.backbones.ace_step.model import AceStep


@pytest.fixture(scope="session")
def tiny_ace() -> ModuleType:
    """The writer of tiny checkpoints."""
    return ace_step


@pytest.fixture(scope="session")
def turbo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ace_step.write(tmp_path_factory.mktemp("ace") / "ace-step-turbo")


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ace_step.write(tmp_path_factory.mktemp("ace") / "ace-step", turbo=False)


@pytest.fixture(scope="session")
def turbo(turbo_folder: Path) -> AceStep:
    return AceStep(turbo_folder, name="ace-step-turbo", device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def base(base_folder: Path) -> AceStep:
    return AceStep(base_folder, name="ace-step", device="cpu", dtype="float32")


@pytest.fixture
def copied(turbo_folder: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may break."""
    return Path(shutil.copytree(turbo_folder, tmp_path / "ace-step-turbo"))


@pytest.fixture(scope="session")
def window() -> Windows:
    return windows(prompt="warm strings at 96 BPM", frame_count=21, steps=3)
