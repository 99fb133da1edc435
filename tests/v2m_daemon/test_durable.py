"""Files are whole or absent: the order of the steps, and what a failure leaves behind."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon import durable

from v2m.errors import OutputWriteError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders are not synced on Windows")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the system, in its order."""
    seen: list[str] = []
    fsync, rename = os.fsync, os.replace

    def recorded_fsync(handle: int) -> None:
        seen.append("fsync folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "fsync file")
        fsync(handle)

    def recorded_replace(source: Any, target: Any) -> None:
        seen.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    return seen


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells files from folders by /proc")
def test_bytes_stay_before_their_name_does(tmp_path: Path, steps: list[str]) -> None:
    durable.write_json(tmp_path / "a.json", {"a": "ü"})
    assert steps == ["fsync file", "rename", "fsync folder"]
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"a": "ü"}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells files from folders by /proc")
def test_a_tree_stays_from_the_leaves_up(tmp_path: Path, steps: list[str]) -> None:
    (tmp_path / "take" / "stems").mkdir(parents=True)
    (tmp_path / "take" / "stems" / "drums.wav").write_bytes(b"RIFF")
    durable.sync_tree(tmp_path / "take")
    assert steps == ["fsync file", "fsync folder", "fsync folder"]


def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "status.json"
    durable.write_whole(place, b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputWriteError, match="No space left"):
        durable.write_whole(place, b"new")
    assert place.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["status.json"]


def test_a_mount_that_cannot_sync_folders_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, answer = os.fsync, [errno.EINVAL]

    def like_a_mount(handle: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(answer[0], os.strerror(answer[0]))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", like_a_mount)
    durable.write_whole(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"
    answer[0] = errno.EIO
    with pytest.raises(OutputWriteError):
        durable.write_whole(tmp_path / "a", b"again")


def test_a_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    durable.write_whole(tmp_path / "token", b"secret")
    durable.write_whole(tmp_path / "status.json", b"{}", mode=0o644)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "status.json").stat().st_mode & 0o777 == 0o644
