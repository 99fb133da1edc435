"""A Resolve in memory and whoever answers its scripts; see `resolve_stage.py` beside this file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.resolve_scripts.resolve_stage import Stage, StandIn, stage_at


@pytest.fixture(scope="session", autouse=True)
def luajit() -> str:
    """Continuous integration installs it."""
    found = shutil.which("luajit")
    if found is None:
        pytest.skip("luajit is not installed: apt-get install luajit")
    return found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """V2M in a folder whose name is not ASCII."""
    return stage_at(tmp_path, str(tmp_path / "Füße 音楽 🎬"))


@pytest.fixture
def stand_in(stage: Stage) -> Iterator[StandIn]:
    """Answers the jobs of the stage."""
    answering = StandIn(stage.here(stage.addresses.inbox), stage.here)
    yield answering
    answering.end()
