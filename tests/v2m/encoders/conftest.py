"""Tiny random checkpoints of the pretrained encoders, and what the official code gave for them."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from safetensors.torch import load_file
from torch import Tensor

MODELS = ("dinov2-small", "vjepa2", "cotracker", "avsiam", "musicfm")


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The writers of checkpoints, and random input."""
    return import_module("tests.tiny_models.encoders")


@pytest.fixture(scope="session")
def moving() -> ModuleType:
    """Films made of formulas."""
    return import_module("tests.v2m.encoders.moving")


@pytest.fixture(scope="session")
def golden(repository: Path) -> Mapping[str, Tensor]:
    """Outputs of the official code, written by `benchmarks/parities/encoders.py`."""
    return load_file(repository / "tests" / "golden" / "encoders.safetensors")


@pytest.fixture(scope="session")
def checkpoints(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of `MODELS`; what is in them is not to be changed."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in MODELS:
        getattr(tiny, f"write_{name.partition('-')[0]}")(folder / name)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own, without models and features, and no way to a hub."""
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture
def models(home: Path, checkpoints: Path) -> Path:
    """The folder of added models, with all of `MODELS` in it."""
    folder = home / "data" / "models"
    folder.parent.mkdir(parents=True)
    folder.symlink_to(checkpoints, target_is_directory=True)
    return folder
