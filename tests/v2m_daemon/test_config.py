"""The daemon's configuration: what is not there is at its default, what is wrong is told by its name."""

from pathlib import Path

import pytest
from v2m_daemon.config import Config, QueueSettings, read_config

from v2m.errors import UsageError


def read(tmp_path: Path, text: str) -> Config:
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    return read_config(tmp_path / "config.toml")


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path / "config.toml") == Config()


def test_what_is_there_is_read(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
        [server]
        listen = "127.0.0.1:0"
        roots = ["/mnt/edit/"]
        path_map = { "D:/edit" = "/mnt/edit" }
        [queue]
        limit = 8
        keep_days = 2
        [[watch]]
        folder = "/mnt/inbox"
        """,
    )
    assert config.server.listen == "127.0.0.1:0"
    assert config.server.roots == ("/mnt/edit",)
    assert config.server.path_map == (("D:/edit", "/mnt/edit"),)
    assert config.queue == QueueSettings(limit=8, keep_days=2)
    assert config.watch == ({"folder": "/mnt/inbox"},)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[sever]", "sever"),
        ("[queue]\nlimits = 3", "limits"),
        ("[queue]\nlimit = true", "queue.limit"),
        ("[queue]\nlimit = 2.5", "queue.limit"),
        ("[queue]\nlimit = -1", "queue.limit"),
        ("[queue]\nkeep_days = nan", "queue.keep_days"),
        ("[server]\nroots = 'all'", "server.roots"),
        ("[server]\nroots = ['films']", "films"),
        ("[server]\npath_map = ['a']", "server.path_map"),
        ("[server]\nlisten = 50051", "server.listen"),
        ("server = 1", "server"),
        ("watch = 1", "watch"),
        ("[queue", "config.toml"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read(tmp_path, text)
