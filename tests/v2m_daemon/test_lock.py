"""One process at a time has a home, and the others learn which one it is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from v2m_daemon.access import make_token, read_token
from v2m_daemon.endpoint import Endpoint
from v2m_daemon.home import Home
from v2m_daemon.lock import FileLock

from v2m.errors import AlreadyRunningError, OutputWriteError, UnreachableError

HOLD = """
import sys, time
from pathlib import Path
from v2m_daemon.lock import FileLock
with FileLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_owner_is_named_and_its_death_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunningError, match=f"process {holder.pid} has"), FileLock(path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with FileLock(path):
            assert path.read_text() == str(os.getpid())


def test_it_can_be_had_again_after_it_was_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        with FileLock(tmp_path / "daemon.lock"), pytest.raises(AlreadyRunningError, match=str(os.getpid())):
            FileLock(tmp_path / "daemon.lock").__enter__()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputWriteError, match=r"daemon\.lock"), FileLock(tmp_path / "no" / "daemon.lock"):
        pass


def test_the_token_is_made_once_and_for_the_user_alone(home: Home) -> None:
    with pytest.raises(UnreachableError, match="token"):
        read_token(home)
    token = make_token(home)
    assert len(token) >= 43
    assert make_token(home) == read_token(home) == token
    home.token.chmod(0o644)
    read_token(home)
    if sys.platform != "win32":
        assert home.token.stat().st_mode & 0o777 == 0o600
    home.token.write_text(" \n")
    with pytest.raises(UnreachableError, match="empty"):
        read_token(home)


def test_an_endpoint_is_read_as_it_was_told(home: Home) -> None:
    assert Endpoint.read(home) is None
    told = Endpoint("unix:/a", 7, "1.0", 5)
    told.write(home)
    assert Endpoint.read(home) == told
    home.endpoint.write_text('{"target": "unix:/a", "mood": "good"}')
    assert Endpoint.read(home) is None
    Endpoint.remove(home)
    Endpoint.remove(home)
    assert not home.endpoint.exists()
