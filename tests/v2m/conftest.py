"""What several tests of the library ask for: a small checkpoint that judges by ear, and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
)
PATIENCE_MS = 60_000
"""A busy machine is slow."""


@pytest.fixture(scope="session")
def tiny_clap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint of CLAP in its published layout."""
    from tests.tiny_models.clap import write_tiny_clap

    return write_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny-clap")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Without a window and without sound. Where there is none, tests are skipped, but never in CI.

    No longer than a module: while it runs, asyncio runs nothing else in this process.
    """
    from playwright.sync_api import sync_playwright

    program = found_browser()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium was found, which .ci/run installs")
        pytest.skip("no Chromium was found; set V2M_TEST_BROWSER to one")
    with sync_playwright() as playwright:
        # --no-sandbox: the sandbox refuses root, which containers run as
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--mute-audio"], timeout=PATIENCE_MS
        )
        yield started
        started.close()


def found_browser() -> str | None:
    asked = os.environ.get("V2M_TEST_BROWSER")
    named = [path for name in PROGRAMS if (path := shutil.which(name))]
    return next((path for path in (asked, *named, *PLACES) if path and Path(path).is_file()), None)
