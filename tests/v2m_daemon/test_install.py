"""The service that `v2m serve --install` writes: what each system reads in it, and that it goes again."""

import os
import plistlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from v2m_daemon.cli import main
from v2m_daemon.home import Home
from v2m_daemon.install import launchd, systemd, windows_task
from v2m_daemon.install.program import serving
from v2m_daemon.install.service import install, service, uninstall

from v2m.errors import UnfinishedError

AWKWARD = ('/opt/my tools/100% "V2M"/python', "-m", "v2m_daemon.cli", "serve", "--home", "/a b/$HOME\\c'd")
"""What a path may hold and a careless writer would break."""


def test_the_program_is_this_interpreter_with_the_state_where_it_is(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    alone = (sys.executable, "-m", "v2m_daemon.cli", "serve")
    assert serving(home, ["--listen", "unix:"], {}) == (*alone, "--listen", "unix:")
    assert serving(home, [], {"V2M_HOME": "somewhere"}) == (*alone, "--home", str(tmp_path))


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    unit = tmp_path / systemd.NAME
    unit.write_text(systemd.text((sys.executable, *AWKWARD[1:])))
    command = ["systemd-analyze", "verify", "--user", str(unit)]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    complaints = [line for line in done.stderr.splitlines() if systemd.NAME in line]
    assert not complaints, done.stderr


def test_a_wrong_unit_would_be_noticed(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    unit = tmp_path / systemd.NAME
    unit.write_text(systemd.text((sys.executable, "serve")).replace("Restart=on-failure", "Restart=perhaps"))
    command = ["systemd-analyze", "verify", "--user", str(unit)]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert systemd.NAME in done.stderr


def test_systemd_gets_each_word_whole() -> None:
    (line,) = [line for line in systemd.text(AWKWARD).splitlines() if line.startswith("ExecStart=")]
    assert line == (
        'ExecStart="/opt/my tools/100%% \\"V2M\\"/python" "-m" "v2m_daemon.cli" "serve" "--home" '
        '"/a b/$$HOME\\\\c\'d"'
    )


def test_systemd_lets_the_daemon_drain() -> None:
    unit = dict(line.split("=", 1) for line in systemd.text(AWKWARD).splitlines() if "=" in line)
    assert int(unit["TimeoutStopSec"]) > 10
    assert unit["KillMode"] == "mixed"
    assert unit["RestartPreventExitStatus"] == "2 3"


def test_launchd_reads_the_agent() -> None:
    agent = plistlib.loads(launchd.text(AWKWARD).encode())
    assert agent["ProgramArguments"] == list(AWKWARD)
    assert agent["RunAtLoad"] is True
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["ExitTimeOut"] > 10


def test_windows_reads_the_task(tmp_path: Path) -> None:
    ours = service(Home.at(tmp_path), ["--listen", "127.0.0.1:0"], "win32")
    task = ElementTree.fromstring(ours.content)  # noqa: S314 - our own words; as bytes, so the encoding counts
    names = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    action = task.find("t:Actions/t:Exec", names)
    assert action is not None
    assert action.findtext("t:Command", None, names) == sys.executable
    assert "serve" in str(action.findtext("t:Arguments", None, names))
    assert task.findtext("t:Settings/t:ExecutionTimeLimit", None, names) == "PT0S"
    quoted = windows_task.text(AWKWARD, "HOME\\me & you")
    assert "me &amp; you" in quoted
    assert "&quot;" in quoted or '"/a b/' in quoted


# --- written and removed ----------------------------------------------------------------------------


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """A stand-in for systemctl that notes its calls; `manager(code)` sets how it ends."""
    folder, calls = tmp_path / "bin", tmp_path / "calls"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))

    def ending(code: int) -> Path:
        program = folder / "systemctl"
        program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\necho "no bus" >&2\nexit {code}\n')
        program.chmod(0o755)
        return calls

    return ending


needs_systemd = pytest.mark.skipif(sys.platform != "linux", reason="systemd's service is Linux's")


@needs_systemd
def test_install_and_uninstall_leave_nothing(
    manager: Callable[[int], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = manager(0)
    unit = tmp_path / "config" / "systemd" / "user" / "v2m.service"
    assert main(["serve", "--install", "--listen", "127.0.0.1:50051"]) == 0
    assert str(unit) in capsys.readouterr().out
    assert f'"--home" "{tmp_path / "home"}" "--listen" "127.0.0.1:50051"' in unit.read_text()
    assert unit.stat().st_mode & 0o777 == 0o644
    assert calls.read_text().splitlines() == [
        "--user daemon-reload", "--user enable v2m.service", "--user restart v2m.service",
    ]  # fmt: skip
    assert main(["serve", "--uninstall"]) == 0
    assert not unit.exists()
    assert calls.read_text().splitlines()[3:] == [
        "--user disable --now v2m.service", "--user daemon-reload",
    ]  # fmt: skip
    capsys.readouterr()
    assert main(["serve", "--uninstall"]) == 0
    assert "No service was installed" in capsys.readouterr().out


@needs_systemd
def test_installing_again_takes_the_new_flags(manager: Callable[[int], Path], tmp_path: Path) -> None:
    manager(0)
    first, second = (service(Home.at(tmp_path), ["--executor", name]) for name in ("local", "ray://studio:1"))
    install(first)
    install(second)
    assert "ray://studio:1" in second.path.read_text()
    assert uninstall(second).startswith("Removed")


@needs_systemd
def test_a_manager_that_refuses_is_told_with_what_to_try(
    manager: Callable[[int], Path], tmp_path: Path
) -> None:
    manager(1)
    with pytest.raises(UnfinishedError) as caught:
        install(service(Home.at(tmp_path)))
    assert "no bus" in caught.value.message
    assert "systemctl --user daemon-reload" in caught.value.hint


def test_a_manager_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(UnfinishedError, match="there is no"):
        install(service(Home.at(tmp_path / "home"), [], "linux"))


def test_a_configuration_that_makes_no_sense_is_not_installed(
    manager: Callable[[int], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = manager(0)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("[serfer]\n")
    assert main(["serve", "--install"]) == 2
    assert "serfer" in capsys.readouterr().err
    assert not calls.exists()
