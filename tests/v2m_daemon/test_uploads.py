"""The folder of uploads over time: old files go, half written ones do not stay."""

import os
import time
from pathlib import Path

from v2m_daemon.home import Home
from v2m_daemon.server.uploads import Uploads


def test_only_what_is_old_goes(home: Home) -> None:
    folder = home.uploads / "a"
    folder.mkdir()
    for name, age_s in (("old.mov", 100), ("new.mov", 1), (".v2m-x.part", 1)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (time.time() - age_s,) * 2)
    uploads = Uploads(home, 1 << 20, keep_s=50)
    uploads.forget()
    assert names(folder) == [".v2m-x.part", "new.mov"]  # which may be on its way
    uploads.remove_left_over()
    assert names(folder) == ["new.mov"]


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))
