"""What the daemon's own part costs: answers under a burst and under load, cancels, memory and descriptors.

Jobs take milliseconds here, so that nothing but the daemon is measured; clients are in this process, over the
daemon's Unix socket, on uvloop, for they take cores from the daemon. Run as `python benchmarks/daemon.py
[--bursts 5] [--seconds 20] [--cancels 100] [--jobs 1000]`; 0 leaves a part out. The peer is a server of
grpc.aio that answers 64 calls with nothing and, once it has read them, refuses the others with the daemon's
words. Bursts of both take turns, so that a busy machine is busy for both.
Bars: 500 submits at once into a queue of 64 all answered, 99 of 100 within 100 ms; GetJob under 50 watchers
and 20 submitters 99 of 100 within 50 ms; cancels within 1 s; no growth over the jobs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import grpc
import uvloop
from daemon_client import Client, cpu_ms, percentile, show, timed
from v2m_daemon.home import Home
from v2m_daemon.server.status import DETAILS_KEY, encoded

from v2m.errors import BusyError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m.rpc.v1 import scoring_pb2_grpc

TESTS = Path(__file__).resolve().parent.parent / "tests" / "v2m_daemon"
CALLS, PLACES = 500, 64
"""In a burst, and in the daemon's queue."""

PEER: Final = "alone.sock"

Make = Callable[[Client], Awaitable[Any]]


async def at_once(
    what: str, clients: list[Client], pid: int, make: Make
) -> tuple[list[grpc.StatusCode], float]:
    """500 calls at once over 20 connections; how they ended, and within how many milliseconds 99 of 100."""
    hello = pb.GetServerInfoRequest()
    await asyncio.gather(*(timed(client.call("GetServerInfo", hello)) for client in clients))  # connected
    before_ms = cpu_ms(pid)
    answers = await asyncio.gather(*(timed(make(clients[n % 20])) for n in range(CALLS)))
    took_ms = [took for took, _ in answers]
    show(what, took_ms)
    print(f"{'':<44} {(cpu_ms(pid) - before_ms) / CALLS:.2f} ms of the server's processor a call")
    return [code for _, code in answers], percentile(took_ms, 99)


@contextlib.contextmanager
def alone(home: Home) -> Iterator[subprocess.Popen[str]]:
    """The peer, in a process of its own."""
    command = [sys.executable, __file__, "--alone", str(home.socket.with_name(PEER))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - for the type checker
        server.stdout.readline()
        yield server
        server.terminate()


class Nothing(scoring_pb2_grpc.ScoringServiceServicer):
    """Does nothing, and says so or that it has no room."""

    def __init__(self) -> None:
        """Nobody has called yet."""
        self._calls = 0

    async def Score(self, request: Any, context: Any) -> pb.ScoreResponse:  # noqa: ANN401
        """Of 500 calls the first as many as the daemon's queue holds are taken."""
        self._calls += 1
        if (self._calls - 1) % CALLS >= PLACES:
            error = BusyError(f"The queue is full: {PLACES} jobs wait.", hint="Come back when they are done.")
            message, details = encoded(error)
            trailers = ((DETAILS_KEY, details),)
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, message, trailing_metadata=trailers)
        return pb.ScoreResponse()


async def serve_alone(socket: str) -> None:
    """Be the peer, until killed."""
    server = grpc.aio.server()
    scoring_pb2_grpc.add_ScoringServiceServicer_to_server(Nothing(), server)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


async def bursts(home: Home, pid: int, count: int) -> None:
    """500 submits at once into a queue of 64, several times."""
    with alone(home) as peer:
        rounds = [(await burst_alone(home, peer.pid), await burst(home, pid)) for _ in range(count)]
    alone_ms, daemon_ms = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"{f'the median of {count} bursts':<44} p99 {daemon_ms:.1f} ms; of gRPC alone {alone_ms:.1f} ms, "
        f"{daemon_ms / alone_ms:.2f} times"
    )


async def burst_alone(home: Home, pid: int) -> float:
    """The p99 of the peer."""
    clients = [Client(home, f"c{number}", PEER) for number in range(20)]
    _, p99_ms = await at_once("500 calls at once of gRPC alone", clients, pid, lambda one: one.submit("calm"))
    return p99_ms


async def burst(home: Home, pid: int) -> float:
    """The p99 of the daemon, whose only worker is busy."""
    clients = [Client(home, f"c{number}") for number in range(20)]
    gate = await clients[0].submit("sleep 600")
    codes, p99_ms = await at_once(
        f"{CALLS} submits at once into a queue of {PLACES}",
        clients,
        pid,
        lambda client: client.submit("calm"),
    )
    accepted, refused = codes.count(grpc.StatusCode.OK), codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED)
    print(f"{'':<44} {accepted} accepted, {refused} told to come back, {CALLS - accepted - refused} else")
    await clients[0].call("CancelJob", pb.CancelJobRequest(job_id=gate))
    await until_idle(clients[0])
    return p99_ms


async def until_idle(client: Client) -> None:
    """Wait for the queue to be empty."""
    while True:
        info = await client.call("GetServerInfo", pb.GetServerInfoRequest())
        if info.queued + info.running == 0:
            return
        await asyncio.sleep(0.1)


async def load(home: Home, seconds: float) -> None:
    """50 watchers and 20 submitters."""
    ends = time.monotonic() + seconds
    asks: list[float] = []
    submits: list[float] = []

    async def submitter(number: int) -> None:
        client = Client(home, f"s{number}")
        while time.monotonic() < ends:
            took, _ = await timed(client.submit("sleep 0.05"))
            submits.append(took)
            await asyncio.sleep(0.5)

    async def watcher(number: int) -> None:
        client = Client(home, f"w{number}")
        while time.monotonic() < ends:
            listed = await client.call("ListJobs", pb.ListJobsRequest(page_size=20))
            if listed.jobs:
                job_id = listed.jobs[number % len(listed.jobs)].id
                took, _ = await timed(client.call("GetJob", pb.GetJobRequest(job_id=job_id)))
                asks.append(took)
                await client.watch(job_id)
            await asyncio.sleep(0.5)

    await asyncio.gather(*(submitter(n) for n in range(20)), *(watcher(n) for n in range(50)))
    show(f"GetJob, 50 watchers and 20 submitters, {seconds:g} s", asks)
    show("Score in the same time", submits)
    await until_idle(Client(home, "end"))


async def cancels(home: Home, count: int) -> None:
    """Cancels at random phases: in the queue, at the start, at work."""
    client, took_ms = Client(home, "cancel"), []
    for number in range(count):
        job_id = await client.submit("sleep 600")
        await asyncio.sleep(0.001 * (number % 20))
        took, _ = await timed(client.call("CancelJob", pb.CancelJobRequest(job_id=job_id)))
        took_ms.append(took)
    show("CancelJob until the job has stopped", took_ms)


async def growth(home: Home, pid: int, jobs: int) -> None:
    """Memory and descriptors over many jobs."""
    client = Client(home, "many")
    for _ in range(100):
        await client.watch(await client.submit("calm"))  # buffers and caches fill once
    before = usage(pid)
    began = time.perf_counter()
    for _ in range(jobs):
        await client.watch(await client.submit("calm"))
    each_ms = (time.perf_counter() - began) / jobs * 1000
    after = usage(pid)
    print(
        f"{f'{jobs} jobs, one after the other':<44} {each_ms:.1f} ms each; memory {before[0]:.1f} -> "
        f"{after[0]:.1f} MB, descriptors {before[1]} -> {after[1]}"
    )


def usage(pid: int) -> tuple[float, int]:
    """Resident megabytes and open descriptors of a process, on Linux."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(os.listdir(f"/proc/{pid}/fd"))


def main() -> None:
    """All of it, on a daemon of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--bursts", type=int, default=5)
    parser.add_argument("--cancels", type=int, default=100)
    parser.add_argument("--alone", metavar="SOCKET", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        asyncio.run(serve_alone(arguments.alone))
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Home.at(Path(folder) / "home")
        home.make()
        (home.state / "film.otio").write_text("{}", encoding="ascii")
        command = [sys.executable, str(TESTS / "instant_daemon.py"), str(home.state)]
        environment = os.environ | {"PYTHONPATH": str(TESTS)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as daemon:
            assert daemon.stdout is not None  # noqa: S101 - for the type checker
            daemon.stdout.readline()
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(measured(home, daemon.pid, arguments))
            finally:
                daemon.send_signal(signal.SIGTERM)
                print(f"{'SIGTERM':<44} exit code {daemon.wait(15)}")


async def measured(home: Home, pid: int, arguments: argparse.Namespace) -> None:
    """One after the other; what is asked for none of is left out."""
    if arguments.bursts:
        await bursts(home, pid, arguments.bursts)
    if arguments.seconds:
        await load(home, arguments.seconds)
    if arguments.cancels:
        await cancels(home, arguments.cancels)
    if arguments.jobs:
        await growth(home, pid, arguments.jobs)


if __name__ == "__main__":
    main()
