"""The command line where its streams are closed, narrow or gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from v2m_daemon.cli import main

V2M = (sys.executable, "-m", "v2m_daemon.cli")


@pytest.mark.slow
def test_a_reader_that_has_gone_is_no_crash() -> None:
    process = subprocess.Popen([*V2M, "doctor", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate()
    assert (process.returncode, err) == (4, b"")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="closing a descriptor in the shell is POSIX")
def test_a_closed_stderr_leaves_stdout_pure() -> None:
    command = " ".join([*V2M, "score", "nowhere.otio", "2>&-"])
    done = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (3, b"")


@pytest.mark.slow
def test_a_name_that_the_encoding_cannot_say_is_still_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [*V2M, "score", str(tmp_path / "naïve 東京.otio"), "--json"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "1"},
    )
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    assert b"na\\xefve" in done.stderr


def test_numbers_are_asked_for_by_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "x.otio", "--seed", "lucky"]) == 2
    assert "Argument --seed: 'lucky' is no whole number." in capsys.readouterr().err
    assert main(["score", "x.otio", "--tempo", "nan"]) == 2
    assert "nan is not between 60 and 180 beats a minute" in capsys.readouterr().err


def test_flags_are_not_abbreviated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "x.otio", "--over"]) == 2
    assert "--over" in capsys.readouterr().err
