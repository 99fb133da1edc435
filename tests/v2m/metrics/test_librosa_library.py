"""librosa is imported by one process at a time, and its absence is told."""

import subprocess
import sys
import time
from importlib.util import find_spec

import pytest
from filelock import FileLock

from v2m.errors import MissingPartError
from v2m.metrics.librosa_library import _lock_path, librosa_module

IMPORT = [sys.executable, "-m", "v2m.metrics.librosa_library"]


@pytest.mark.slow
def test_it_waits_until_another_process_has_imported_it() -> None:
    found = find_spec("librosa")
    assert found is not None
    assert found.origin is not None
    began = time.monotonic()
    subprocess.run(IMPORT, check=True)
    alone_s = time.monotonic() - began
    with FileLock(_lock_path(found.origin)):
        waiting = subprocess.Popen(IMPORT)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=3 * alone_s)
    assert waiting.wait(timeout=120) == 0


def test_without_it_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(MissingPartError, match="Listening needs librosa"):
        librosa_module("Listening", "evaluate")
