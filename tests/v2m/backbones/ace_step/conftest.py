"""Tiny ACE-Step checkpoints on disk, written once, and windows to compose in them."""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from v2m.backbones.ace_step.model import AceStep
from v2m.backbones.sound.model import SoundWindow


@pytest.fixture(scope="session")
def tiny_ace(repository: Path) -> ModuleType:
    """The writer of tiny checkpoints."""
    path = repository / "tests" / "tiny_models" / "ace_step.py"
    spec = importlib.util.spec_from_file_location("tiny_ace_step", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def turbo_folder(tiny_ace: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_ace.write(tmp_path_factory.mktemp("ace") / "ace-step-turbo")


@pytest.fixture(scope="session")
def base_folder(tiny_ace: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_ace.write(tmp_path_factory.mktemp("ace") / "ace-step", turbo=False)


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
def window() -> Callable[..., SoundWindow]:
    """A short window, with whatever a test wants otherwise."""

    def made(**other: Any) -> SoundWindow:
        asked: dict[str, Any] = {
            "prompt": "warm strings at 96 BPM",
            "first_frame": 0,
            "frame_count": 21,
            "curve": np.zeros(21, np.float32),
            "seeds": (5,),
            "steps": 3,
        }
        return SoundWindow(**{**asked, **other})

    return made
