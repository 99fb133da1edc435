"""`v2m --help` answers at once: nothing heavy is imported before a command is chosen."""

import os
import resource
import subprocess
import sys

LIMIT_S = 0.3
HEAVY = {
    "torch",
    "numpy",
    "av",
    "opentimelineio",
    "librosa",
    "scipy",
    "matplotlib",
    "scenedetect",
    "rich",
    "grpc",
}

PROBE = """
import sys
from v2m_daemon.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
print(*{name.split(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert "usage: v2m" in done.stdout
    assert not HEAVY & set(done.stderr.split())


def test_help_takes_a_moment() -> None:
    assert min(help_s() for _ in range(5)) <= LIMIT_S


def help_s() -> float:
    """What the process costs: seconds of processor, so that other work on the machine does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "v2m_daemon.cli", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


WAITING = """
import os, sys
sys.argv = ["v2m", "--version"]
from v2m_daemon.cli import main
try:
    main()
except SystemExit:
    pass
print(os.environ["OMP_WAIT_POLICY"], os.environ["OPENBLAS_NUM_THREADS"])
"""


def test_threads_sleep_while_they_wait_unless_the_user_wants_it_otherwise() -> None:
    set_here = {"OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS"}
    others = {name: value for name, value in os.environ.items() if name not in set_here}
    for own, said in (({}, "passive 1"), ({"OPENBLAS_NUM_THREADS": "3"}, "passive 3")):
        done = subprocess.run(
            [sys.executable, "-c", WAITING], env=others | own, capture_output=True, text=True
        )
        assert done.stdout.splitlines()[-1] == said
