"""The project's own source, as the tests of the house look at it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.repo.source import Source, source_of

SOURCES = ("v2m", "otio_adapters/v2m_otio", "daemon/v2m_daemon", "training/v2m_training")
GENERATED = ("v2m.rpc",)


@pytest.fixture(scope="session")
def modules(repository: Path) -> Mapping[str, Source]:
    """Every module of the four packages by its name on import; generated ones left out."""
    found = {}
    for source in SOURCES:
        package = repository / source
        for path in sorted(package.rglob("*.py")):
            parts = path.relative_to(package.parent).with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            if not name.startswith(GENERATED):
                found[name] = source_of(path)
    return found
