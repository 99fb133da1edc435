"""`v2m serve` as users start it, with an executor that composes in milliseconds; and its log."""

import json
import logging
import logging.handlers
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from v2m_daemon import logbook
from v2m_daemon.cli import main
from v2m_daemon.client import Home, JobKind, JobSpec, connect

SERVE = """
import sys
from instant import InstantExecutor
from v2m_daemon.cli import main
from v2m_daemon.worker.choose import EXECUTORS
EXECUTORS["instant"] = ("serving", "executor")
sys.modules["serving"] = sys.modules["__main__"]
def executor(settings, home):
    return InstantExecutor()
sys.exit(main(["serve", *sys.argv[1:]]))
"""
HERE = Path(__file__).parent


class Served(subprocess.Popen[str]):
    """A process of `v2m serve`."""

    def __init__(self, *flags: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(HERE)}
        command = [sys.executable, "-c", SERVE, "--executor", "instant", *flags]
        super().__init__(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def until_ready(self) -> str:
        assert self.stderr is not None
        return next(line for line in self.stderr if line.startswith("v2m: ready at "))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served("--home", str(tmp_path / "home")) as process:
        process.until_ready()
        yield process
        process.kill()


def test_it_serves_until_told_to_stop_and_logs_it(served: Served, tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    (tmp_path / "a.otio").write_text("{}")
    with connect(home=home) as client:
        assert client.server_info().executor == "instant"
        job = client.submit(JobSpec(kind=JobKind.SCORE, document=str(tmp_path / "a.otio")))
        assert client.wait(job.id).outputs
    served.send_signal(signal.SIGTERM)
    out, _ = served.communicate(timeout=60)
    assert (served.returncode, out) == (0, "")
    log = (home.logs / "daemon.log").read_text()
    assert "listens at unix:" in log
    assert "stopping" in log
    assert stat.S_IMODE(home.logs.stat().st_mode) == 0o700


def test_a_second_one_says_who_is_first(served: Served, tmp_path: Path) -> None:
    with Served("--home", str(tmp_path / "home")) as second:
        out, err = second.communicate(timeout=60)
    assert (second.returncode, out) == (4, "")
    assert str(served.pid) in err
    assert err.count("\n") == 1


def test_why_it_does_not_start_is_in_the_log_of_a_service(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[serfer]\n")
    with Served("--home", str(tmp_path)) as broken:
        _, err = broken.communicate(timeout=60)
    assert broken.returncode == 2
    assert "serfer" in err
    assert "serfer" in (tmp_path / "logs" / "daemon.log").read_text()


@pytest.mark.slow
def test_flags_win_over_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[server]\nlisten = "unix:"\n')
    with Served("--home", str(tmp_path), "--listen", "127.0.0.1:0") as process:
        assert "ready at 127.0.0.1:" in process.until_ready()
        process.terminate()
        assert process.wait(60) == 0


def test_addresses_beyond_this_machine_need_tls(tmp_path: Path) -> None:
    with Served("--home", str(tmp_path), "--listen", "0.0.0.0:0") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "TLS" in err


def test_an_unknown_executor_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "import sys; from v2m_daemon.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, "serve", "--home", str(tmp_path), "--executor", "abacus"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "abacus" in done.stderr


# --- the log ----------------------------------------------------------------------------------------


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers, root.level = handlers, level


def test_logs_rotate_and_never_grow_beyond_their_limit(
    tmp_path: Path, root: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "FILE_BYTES", 2000)
    root.handlers = []  # pytest's own, whose report cannot hold half a character
    logbook.keep_log(tmp_path)
    assert not list(tmp_path.iterdir())
    for number in range(1000):
        logging.getLogger("v2m_daemon.test").info("line %d \udcff", number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["daemon.log", *(f"daemon.log.{number}" for number in range(1, 1 + logbook.OLDER_FILES))]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    last = (tmp_path / "daemon.log").read_text().splitlines()[-1]
    assert last.endswith("Z INFO    v2m_daemon.test: line 999 \\udcff")


def test_serve_takes_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"
