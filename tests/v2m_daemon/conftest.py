"""A home, an executor that composes in milliseconds, and an event loop for the daemon's tests."""

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from v2m_daemon.home import Home
from v2m_daemon.jobs.spec import JobKind, JobSpec

LONGEST_S = 30


@pytest.fixture(scope="session")
def instant() -> ModuleType:
    """The module `instant.py` beside this file; see there what its executor does at which prompt."""
    path = Path(__file__).with_name("instant.py")
    spec = importlib.util.spec_from_file_location("instant", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["instant"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that is there."""
    home = Home.at(tmp_path / "home")
    home.make()
    return home


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine to its end; one that hangs fails."""

    def to_its_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(LONGEST_S):
                return await coroutine

        return asyncio.run(bounded())

    return to_its_end


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., JobSpec]:
    """Makes a spec that scores a document which is there, in the words of its prompt."""
    document = tmp_path / "film.otio"
    document.write_text("{}")

    def spec(prompt: str | None = None, **values: Any) -> JobSpec:
        return JobSpec(**{"kind": JobKind.SCORE, "document": str(document), "prompt": prompt} | values)

    return spec
