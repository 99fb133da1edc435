"""Once a submit has returned, the job is done, once, whole, at whatever moment the daemon is killed."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from v2m_daemon.access import make_token
from v2m_daemon.home import Home

from v2m.rpc.v1 import scoring_pb2 as pb
from v2m.rpc.v1 import scoring_pb2_grpc

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # it waits for conditions, on a busy machine for long
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
]
TESTS = Path(__file__).parent.parent
DEADLINE_S = 20.0

KILLS = int(os.environ.get("V2M_KILLS", "15"))
"""As many as there is time for; `V2M_KILLS=1000` is what the project promises."""

PATIENCE_S = 240.0 + KILLS
"""Of a client whose daemons are killed before they answer."""


@dataclass
class Daemon:
    """Starts, dies and starts again on one home."""

    home: Home
    process: subprocess.Popen[str] | None = field(default=None)

    def start(self, when: str = "before", step: int = 0) -> None:
        command = [
            sys.executable,
            str(TESTS / "faults" / "dying_daemon.py"),
            when,
            str(step),
            str(self.home.state),
        ]
        environment = os.environ | {"PYTHONPATH": str(TESTS / "v2m_daemon")}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def until_ready(self) -> bool:
        """Whether it came to listen before it died."""
        assert self.process is not None
        assert self.process.stdout is not None
        return bool(self.process.stdout.readline())

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self, number: int) -> str:
        """Send a signal; returns what it said on stderr."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        _, words = self.process.communicate(timeout=DEADLINE_S)
        self.process = None
        return words


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    home = Home.at(tmp_path / "home")
    home.make()
    make_token(home)
    daemon = Daemon(home)
    yield daemon
    if daemon.process is not None:
        daemon.end(signal.SIGKILL)


class Client:
    """Submits with a request id and insists, as every client should."""

    def __init__(self, home: Home) -> None:
        self._channel = grpc.insecure_channel(
            f"unix:{home.socket}",
            options=[
                ("grpc.initial_reconnect_backoff_ms", 20),
                ("grpc.min_reconnect_backoff_ms", 20),
                ("grpc.max_reconnect_backoff_ms", 50),
            ],
        )
        self._stub = scoring_pb2_grpc.ScoringServiceStub(self._channel)
        self._metadata = (("authorization", f"Bearer {make_token(home)}"),)

    def submit_once(self, request: pb.ScoreRequest, timeout_s: float = 5.0) -> str | None:
        """The job's id, or None where there was no answer."""
        call = self._stub.Score.future(
            request, metadata=self._metadata, timeout=timeout_s, wait_for_ready=True
        )
        if call.exception() is None:
            return str(call.result().job.id)
        assert call.code() in LOST_ANSWERS, call.details()
        return None

    def submit_while(self, is_alive: Callable[[], bool], request: pb.ScoreRequest) -> str | None:
        """The job's id, or None where the daemon died before it answered."""
        call = self._stub.Score.future(
            request, metadata=self._metadata, timeout=DEADLINE_S, wait_for_ready=True
        )
        while is_alive() and not call.done():
            time.sleep(0.005)
        call.cancel()  # where it is done, its answer stays
        return None if call.cancelled() or call.exception() else str(call.result().job.id)

    def is_over(self, job_id: str) -> bool:
        """Whether the job is final, as far as a daemon says so."""
        try:
            answer = self._stub.GetJob(pb.GetJobRequest(job_id=job_id), metadata=self._metadata, timeout=1)
        except grpc.RpcError:
            return False
        return answer.job.state in (pb.JOB_STATE_DONE, pb.JOB_STATE_FAILED, pb.JOB_STATE_CANCELLED)

    def submit(self, request: pb.ScoreRequest) -> str:
        """Submit until there is an answer; on a busy machine many a daemon is killed before it gives one."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if job_id := self.submit_once(request, 2.0):
                return job_id
        raise TimeoutError("no daemon answered")

    def finished(self, job_id: str) -> pb.Job:
        """Watch until the job is final, again where the stream broke."""
        deadline = time.monotonic() + DEADLINE_S * 3
        while time.monotonic() < deadline:
            with suppress(grpc.RpcError):
                request = pb.WatchJobRequest(job_id=job_id)
                *_, last = self._stub.WatchJob(
                    request, metadata=self._metadata, timeout=DEADLINE_S, wait_for_ready=True
                )
                return last.job
        raise TimeoutError(f"the job {job_id} did not come to an end")

    def close(self) -> None:
        self._channel.close()


LOST_ANSWERS = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


def request_for(tmp_path: Path, request_id: str) -> pb.ScoreRequest:
    film = tmp_path / "film.otio"
    film.write_text("{}")
    return pb.ScoreRequest(
        document=str(film),
        submission=pb.Submission(request_id=request_id, client=f"client-{request_id[:2]}"),
        destination=pb.Destination(out_dir=str(tmp_path / "music")),
    )


def check_done_once(home: Home, music: Path, job_ids: list[str]) -> None:
    """Every job is done once, its music is whole and there once, and nothing half written is left."""
    with closing(sqlite3.connect(home.database)) as jobs:
        rows = jobs.execute("SELECT id, state, outputs FROM jobs").fetchall()
        done = jobs.execute("SELECT job FROM changes WHERE state = 'done'").fetchall()
        assert jobs.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert sorted(job_id for job_id, _, _ in rows) == sorted(job_ids)
    assert {state for _, state, _ in rows} == {"done"}
    assert sorted(job for (job,) in done) == sorted(job_ids)
    assert sorted(json.loads(outputs)["wav"] for _, _, outputs in rows) == sorted(map(str, music.iterdir()))
    assert {path.stat().st_size for path in music.iterdir()} == {4 + 16 * 256}
    assert not list(home.state.rglob("*/stages/*"))
    assert not list(home.state.glob(".v2m-*"))


def steps_of_a_job(daemon: Daemon, tmp_path: Path) -> int:
    """How many durable steps a daemon takes from its start to its end, with one job between."""
    client = Client(daemon.home)
    daemon.start()
    client.finished(client.submit(request_for(tmp_path, "count")))
    client.close()
    return int(daemon.end(signal.SIGTERM).split()[-1])


RECOVERY = 8
"""Steps that a daemon takes more where the one before it was killed: what that left is done first."""


def test_killed_at_each_durable_step_every_job_is_done_once(daemon: Daemon, tmp_path: Path) -> None:
    """One life after the other in one home, each killed a step later; what one leaves the next takes up.

    What is on disk before a step is what was there after the one before: only the first has a before.
    """
    (tmp_path / "count").mkdir()
    counted = Home.at(tmp_path / "count" / "home")
    counted.make()
    make_token(counted)
    steps = steps_of_a_job(Daemon(counted), tmp_path / "count")
    assert steps > 15
    client, jobs, died = Client(daemon.home), {}, []
    deaths = [(1, "before"), *((step, "after") for step in range(1, steps + RECOVERY + 1))]
    for number, (step, when) in enumerate(deaths):
        jobs[f"{number:03}"] = ""
        died += live(daemon, client, tmp_path, jobs, step, when)
    daemon.start()
    for name in jobs:
        job_id = client.submit(request_for(tmp_path, name))
        assert jobs[name] in ("", job_id)
        jobs[name] = job_id
    assert {client.finished(job_id).state for job_id in jobs.values()} == {pb.JOB_STATE_DONE}
    client.close()
    daemon.end(signal.SIGTERM)
    check_done_once(daemon.home, tmp_path / "music", list(jobs.values()))
    assert {"dies after fsync", "dies after rename", "dies after commit"} <= set(died)
    assert any(how.startswith("dies before") for how in died)
    print(f"{steps} durable steps, {len(died)} deaths, 0 jobs lost, 0 done twice")
    assert len(died) >= steps


def live(
    daemon: Daemon, client: Client, folder: Path, jobs: dict[str, str], step: int, when: str
) -> list[str]:
    """Take up what is there, do one job more, and die on the way; returns how, if it came to that."""
    daemon.start(when, step)
    if daemon.until_ready():
        asked = [name for name, job_id in jobs.items() if not job_id]
        for name in asked:
            jobs[name] = client.submit_while(lambda: daemon.is_alive, request_for(folder, name)) or ""
        while daemon.is_alive and not all(client.is_over(jobs[name]) for name in asked if jobs[name]):
            time.sleep(0.01)
    words = daemon.end(signal.SIGTERM)
    return [line for line in words.splitlines() if line.startswith("dies")]


@pytest.mark.timeout(900 + 10 * KILLS)
def test_killed_at_random_moments_under_eight_clients_every_job_is_done_once(
    daemon: Daemon, tmp_path: Path
) -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    jobs: dict[str, str] = {}
    stop = threading.Event()
    clients = [
        threading.Thread(target=submit_on, args=(n, daemon.home, tmp_path, jobs, stop)) for n in range(8)
    ]
    daemon.start()
    for thread in clients:
        thread.start()
    for kill in range(KILLS):
        if kill % 100 == 99:
            print(f"{kill + 1} kills, {len(jobs)} jobs acknowledged", flush=True)
        daemon.until_ready()
        time.sleep(chance.expovariate(1 / 0.3))
        daemon.end(signal.SIGKILL)
        daemon.start()
    stop.set()
    for thread in clients:
        thread.join()
    client = Client(daemon.home)
    ends = [client.finished(job_id) for job_id in jobs.values()]
    client.close()
    daemon.end(signal.SIGTERM)
    lost = [job.id for job in ends if job.state != pb.JOB_STATE_DONE]
    print(f"{KILLS} kills, {len(jobs)} jobs, {len(lost)} lost")
    assert not lost
    assert len(jobs) >= 8
    check_done_once(daemon.home, tmp_path / "music", list(jobs.values()))


def submit_on(number: int, home: Home, folder: Path, jobs: dict[str, str], stop: threading.Event) -> None:
    """One client: a job after the other, each insisted on until it is acknowledged."""
    client = Client(home)
    count = 0
    while not stop.is_set():
        request = request_for(folder, f"{number:02d}-{count}")
        jobs[request.submission.request_id] = client.submit(request)
        count += 1
        time.sleep(0.02)
    client.close()
