"""A client of the daemon that is measured, and what it measures."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import grpc
from v2m_daemon.access import IS_NEW, read_token
from v2m_daemon.home import Home

from v2m.rpc.v1 import scoring_pb2 as pb
from v2m.rpc.v1 import scoring_pb2_grpc

OPTIONS = (("grpc.use_local_subchannel_pool", 1),)
"""A connection for each client, as separate programs have."""


class Client:
    """One program that talks to the daemon."""

    def __init__(self, home: Home, name: str, socket: str = "") -> None:
        """Connects with the first call; to another socket beside the daemon's, if one is named."""
        where = home.socket.with_name(socket) if socket else home.socket
        self.channel = grpc.aio.insecure_channel(f"unix:{where}", options=OPTIONS)
        self.stub = scoring_pb2_grpc.ScoringServiceStub(self.channel)
        self.name = name
        self.film = str(home.state / "film.otio")
        self._metadata = (("authorization", f"Bearer {read_token(home)}"),)

    async def call(self, name: str, request: Any, *more: tuple[str, str]) -> Any:  # noqa: ANN401
        """One call's answer; with `more` metadata."""
        return await getattr(self.stub, name)(request, metadata=(*self._metadata, *more), timeout=60)

    async def submit(self, prompt: str) -> str:
        """A job's id; asked for as `v2m_daemon.client` does."""
        request = pb.ScoreRequest(
            document=self.film,
            composing=pb.Composing(prompt=prompt),
            submission=pb.Submission(client=self.name, request_id=str(uuid.uuid4())),
        )
        return str((await self.call("Score", request, (IS_NEW, "1"))).job.id)

    async def watch(self, job_id: str) -> pb.Job:
        """The job once it is final."""
        job = pb.Job()
        request = pb.WatchJobRequest(job_id=job_id)
        async for answer in self.stub.WatchJob(request, metadata=self._metadata, timeout=600):
            job = answer.job
        return job


async def timed(work: Awaitable[Any]) -> tuple[float, grpc.StatusCode]:
    """Milliseconds of a call, and how it ended."""
    began = time.perf_counter()
    code = grpc.StatusCode.OK
    try:
        await work
    except grpc.aio.AioRpcError as error:
        code = error.code()
    return (time.perf_counter() - began) * 1000, code


def percentile(values: list[float], percent: int) -> float:
    """The value below which so many of a hundred lie."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def show(what: str, took_ms: list[float]) -> None:
    """One line of figures."""
    print(
        f"{what:<44} n {len(took_ms):>5}  p50 {percentile(took_ms, 50):>6.1f} ms  "
        f"p99 {percentile(took_ms, 99):>6.1f} ms  max {max(took_ms):>6.1f} ms"
    )


def cpu_ms(pid: int) -> float:
    """Milliseconds of the processor that a process has taken, on Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
