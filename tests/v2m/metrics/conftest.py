"""A small checkpoint in its published layout."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_clap(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint of CLAP."""
    path = repository / "tests" / "tiny_models" / "clap.py"
    spec = importlib.util.spec_from_file_location("tiny_clap", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder: Path = module.write_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny-clap")
    return folder
