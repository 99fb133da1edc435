"""A daemon under pressure: many starts at once, told to stop at any moment, a disk that fills up."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import grpc
import pytest
from v2m_daemon.access import make_token
from v2m_daemon.home import Home
from v2m_daemon.server.status import DETAILS_KEY, from_details

from v2m.errors import OutputWriteError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m.rpc.v1 import scoring_pb2_grpc

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="signals and limits of Linux"),
]
FOLDER = Path(__file__).parent.parent / "v2m_daemon"
STOPS = int(os.environ.get("V2M_STOPS", "5"))
"""As many as there is time for; `V2M_STOPS=50` is what the project promises."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.at(tmp_path / "home")
    home.make()
    make_token(home)
    return home


@pytest.fixture
def film(tmp_path: Path) -> str:
    (tmp_path / "film.otio").write_text("{}")
    return str(tmp_path / "film.otio")


def start(home: Home) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(FOLDER / "instant_daemon.py"), str(home.state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(FOLDER)},
    )


@pytest.fixture
def daemon(home: Home) -> Iterator[subprocess.Popen[str]]:
    process = start(home)
    assert process.stdout is not None
    assert process.stdout.readline()
    yield process
    with suppress(ProcessLookupError):
        process.kill()
    process.communicate()


class Caller:
    """Calls with the token."""

    def __init__(self, home: Home) -> None:
        self.channel = grpc.insecure_channel(f"unix:{home.socket}")
        self.stub = scoring_pb2_grpc.ScoringServiceStub(self.channel)
        self.metadata = (("authorization", f"Bearer {make_token(home)}"),)

    def call(self, name: str, request: object) -> object:
        return getattr(self.stub, name)(request, metadata=self.metadata, timeout=30, wait_for_ready=True)

    def submit(self, film: str, prompt: str, request_id: str = "") -> str:
        request = pb.ScoreRequest(
            document=film,
            composing=pb.Composing(prompt=prompt),
            submission=pb.Submission(request_id=request_id),
        )
        return str(self.call("Score", request).job.id)  # type: ignore[attr-defined]

    def finished(self, job_id: str) -> pb.Job:
        *_, last = self.call("WatchJob", pb.WatchJobRequest(job_id=job_id))  # type: ignore[misc]
        return last.job


def test_of_twenty_starts_at_once_one_runs_and_the_others_say_which(home: Home) -> None:
    processes = [start(home) for _ in range(20)]
    losers = []
    deadline = time.monotonic() + 240
    while len(losers) < 19 and time.monotonic() < deadline:
        losers = [process for process in processes if process.poll() is not None]
        time.sleep(0.05)
    (winner,) = [process for process in processes if process.poll() is None]
    for loser in losers:
        _, words = loser.communicate()
        assert loser.returncode == 4
        assert f"process {winner.pid} has" in words
        assert len(words.splitlines()) == 1
    winner.terminate()
    winner.communicate(timeout=15)
    assert winner.returncode == 0


def test_told_to_stop_at_any_moment_it_ends_in_order_and_loses_nothing(home: Home, film: str) -> None:
    chance = random.Random(3)  # noqa: S311 - repeatable, not secret
    jobs: list[str] = []
    for round_ in range(STOPS):
        process = start(home)
        assert process.stdout is not None
        process.stdout.readline()
        caller = Caller(home)
        for number in range(chance.randrange(6)):
            jobs.append(caller.submit(film, "sleep 0.05", f"{round_}-{number}"))
        time.sleep(chance.uniform(0, 0.3))
        began = time.monotonic()
        process.send_signal(chance.choice([signal.SIGTERM, signal.SIGINT]))
        _, words = process.communicate(timeout=20)
        assert process.returncode == 0, words
        assert time.monotonic() - began < 10
        caller.channel.close()
    last = start(home)
    caller = Caller(home)
    assert all(caller.finished(job).state == pb.JOB_STATE_DONE for job in jobs)
    caller.channel.close()
    last.terminate()
    last.communicate(timeout=15)
    with closing(sqlite3.connect(home.database)) as store:
        done = store.execute("SELECT job FROM changes WHERE state = 'done'").fetchall()
    assert sorted(job for (job,) in done) == sorted(jobs)


def test_a_full_disk_is_told_and_the_next_job_is_fine(
    home: Home, film: str, daemon: subprocess.Popen[str]
) -> None:
    import resource

    def file_limit(size: int) -> None:
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    caller = Caller(home)
    caller.finished(caller.submit(film, "calm"))
    running = caller.submit(film, "sleep 1")
    written = home.database.with_name(home.database.name + "-wal").stat().st_size
    refused = 0
    for size in (0, 1, 4096, written, written + 1, written + 5000):
        file_limit(size)
        call = caller.stub.Score.future(pb.ScoreRequest(document=film), metadata=caller.metadata, timeout=30)
        if call.code() != grpc.StatusCode.OK:
            assert call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            refused += isinstance(from_details(dict(call.trailing_metadata())[DETAILS_KEY]), OutputWriteError)
        assert caller.call("GetServerInfo", pb.GetServerInfoRequest())
    assert refused
    file_limit(0)
    time.sleep(1.5)  # the running job ends while nothing can be written
    file_limit(resource.RLIM_INFINITY)
    assert caller.finished(running).state in (pb.JOB_STATE_DONE, pb.JOB_STATE_FAILED)
    after = caller.finished(caller.submit(film, "calm"))
    assert after.state == pb.JOB_STATE_DONE
    caller.channel.close()
    assert daemon.poll() is None
    assert not [path for path in home.state.rglob("*") if path.name.endswith(".part")]
