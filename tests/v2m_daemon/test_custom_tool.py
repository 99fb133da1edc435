"""The example of a tool of one's own, run as a user would against a daemon."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_the_example_scores_a_folder(
    start: Callable[..., Any], home: Any, repository: Path, tmp_path: Path
) -> None:
    edits = tmp_path / "edits"
    edits.mkdir()
    for name in ("a.otio", "b.edl", "notes.txt"):
        (edits / name).write_text("{}")
    start(home)
    done = subprocess.run(
        [sys.executable, str(repository / "examples/custom_tool.py"), str(edits), "calm"],
        env={**os.environ, "V2M_HOME": str(home.state)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["a.otio", "b.edl"]
    assert "100%" in done.stderr
