"""What a worker's end means for its job."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from v2m_daemon.worker import death, limits
from v2m_daemon.worker.death import LastSigns, explain, oom_kills
from v2m_daemon.worker.executor import Cause

GIB = 1 << 30
CALM = LastSigns(rss_bytes=GIB, free_bytes=20 * GIB, total_bytes=24 * GIB)
LARGE = LastSigns(rss_bytes=20 * GIB, free_bytes=2 * GIB, total_bytes=24 * GIB)
SCARCE = LastSigns(rss_bytes=GIB, free_bytes=GIB // 4, total_bytes=24 * GIB)


@pytest.mark.parametrize(
    ("code", "signs", "cause", "words"),
    [
        (-9, CALM, Cause.LOST, "signal 9 (SIGKILL)"),
        (-9, LastSigns(), Cause.LOST, "signal 9"),
        (-9, LARGE, Cause.OUT_OF_MEMORY, "it held 21.5 GB"),
        (-9, SCARCE, Cause.OUT_OF_MEMORY, "Memory ran out"),
        (-11, LARGE, Cause.LOST, "SIGSEGV"),
        (-6, LastSigns(words="terminate: what(): std::bad_alloc"), Cause.OUT_OF_MEMORY, "SIGABRT"),
        (1, LastSigns(words="MemoryError"), Cause.OUT_OF_MEMORY, "code 1"),
        (1, LastSigns(words="ImportError: no torch"), Cause.LOST, "code 1"),
        (0, LastSigns(words="a library speaks of MemoryError"), Cause.LOST, "code 0"),
        (None, CALM, Cause.LOST, "ended"),
        (-77, CALM, Cause.LOST, "signal 77"),
    ],
)
def test_the_cause_is_what_the_signs_say(
    code: int | None, signs: LastSigns, cause: Cause, words: str
) -> None:
    failed = explain(code, signs)
    assert failed.cause is cause
    assert words in failed.error.message
    assert failed.error.detail == signs.words


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts whom it ended for memory")
def test_the_kernels_own_count_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    before = oom_kills()
    assert explain(-9, LastSigns(oom_kills=before)).cause is Cause.LOST
    monkeypatch.setattr(death, "oom_kills", lambda: before + 1)
    assert explain(-9, LastSigns(oom_kills=before)).cause is Cause.OUT_OF_MEMORY


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_limited_process_has_its_limits() -> None:
    code = (
        "import resource; from v2m_daemon.worker.limits import *; limit_process(3 << 30)\n"
        "print(*[resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_CORE,"
        " resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)])\n"
        "print(rss_bytes(), peak_rss_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bounds, memory = done.stdout.splitlines()
    space, core, files, length = map(int, bounds.split())
    assert core == 0
    assert files <= limits.MOST_OPEN_FILES
    assert length <= limits.MOST_FILE_BYTES
    assert space == 3 << 30 or sys.platform == "darwin"
    now, peak = map(int, memory.split())
    assert 1 << 20 < now <= peak < 1 << 30


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell a child by the end of the pipe alone")
def test_a_worker_never_outlives_its_parent(tmp_path: Path) -> None:
    child = (
        "import os, time; from v2m_daemon.worker.limits import die_with\n"
        "die_with(os.getppid()); print('guarded', flush=True); time.sleep(600)"
    )
    parent = (
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True, "
        "stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, check=False)
    status = Path(f"/proc/{int(done.stdout)}/status")
    deadline = time.monotonic() + 60
    while is_alive(status):
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.05)


def is_alive(status: Path) -> bool:
    """A container's first process may be slow to bury what it inherits: a zombie is dead."""
    try:
        return re.search(r"^State:\s+Z", status.read_text(), re.MULTILINE) is None
    except (FileNotFoundError, ProcessLookupError):
        return False
