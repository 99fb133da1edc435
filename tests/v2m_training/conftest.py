"""The toy model of sound, by path: test folders are no packages."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    path = Path(__file__).with_name("toy_sound_model.py")
    spec = importlib.util.spec_from_file_location("toy_sound_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_sound_model"] = module
    spec.loader.exec_module(module)
    return module
