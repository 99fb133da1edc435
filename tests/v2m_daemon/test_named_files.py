"""Files named on the command line that cannot be there: each is told in one sentence."""

import os
import sys
from pathlib import Path

import pytest
from v2m_daemon.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are no text")
def test_a_name_that_is_no_text_is_told(tmp_path: Path, capsys: Capture) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"ed\xfft.otio")
    Path(os.fsdecode(path)).touch()
    assert main(["analyze", os.fsdecode(path)]) == 3
    assert "no UTF-8" in capsys.readouterr().err


def test_a_name_too_long_for_any_file_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert main(["analyze", str(tmp_path / ("x" * 5000 + ".otio"))]) == 3
    assert "There is no file" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root and Windows may enter any folder")
def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path, capsys: Capture) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    assert main(["analyze", str(closed / "edit.otio")]) == 3
    assert "There is no file" in capsys.readouterr().err
