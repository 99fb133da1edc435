"""The toy model of sound."""

from importlib import import_module
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    return import_module("tests.v2m_training.toy_sound_model")
