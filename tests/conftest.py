"""What every test may ask for: the repository, and the folder of real footage, timelines and music."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def media_dir() -> Path:
    """Third-party media, kept beside the checkout and never in it."""
    folder = REPOSITORY.parent / "shared" / "media"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/media with real footage is not beside this checkout")
    return folder
