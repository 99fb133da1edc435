"""The daemon's life from inside: its attendants, its deadlines, its health while it stops."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from v2m_daemon.access import read_token
from v2m_daemon.config import Config, WorkerSettings
from v2m_daemon.confine import Confinement
from v2m_daemon.endpoint import Endpoint
from v2m_daemon.home import Home
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.server import run as server_run
from v2m_daemon.server.run import serve
from v2m_daemon.worker.choose import choose_executor

from v2m.errors import MissingPartError, UsageError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m.rpc.v1 import scoring_pb2_grpc

Ask = Callable[..., JobSpec]
Run = Callable[[Any], Any]


class Bringer:
    """An attendant that breaks the first time and ends by itself the second."""

    def __init__(self, spec: JobSpec, stop: asyncio.Event) -> None:
        self.spec, self.stop, self.calls = spec, stop, 0
        self.state = ""

    async def attend(self, desk: Desk, confinement: Confinement) -> None:
        self.calls += 1
        if self.calls == 1:
            raise RuntimeError("the share is gone")
        if self.calls == 2:
            return
        job = await desk.submit(confinement.check(self.spec))
        async for view in desk.watch(job.id):
            self.state = view.state
        self.stop.set()
        await asyncio.sleep(60)  # until it is cancelled


def test_an_attendant_that_breaks_is_started_again(
    home: Home, instant: ModuleType, run: Run, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_run, "START_AGAIN_S", 0.01)

    async def scenario() -> Bringer:
        stop = asyncio.Event()
        bringer = Bringer(ask("calm"), stop)
        await serve(home, Config(), instant.InstantExecutor(), attendants=[bringer], stop=stop)
        return bringer

    bringer = run(scenario())
    assert (bringer.calls, bringer.state) == (3, "done")


class Serving:
    """A server in this loop, and calls to it."""

    def __init__(self, home: Home, config: Config, executor: Any) -> None:
        self.home, self.config, self.executor = home, config, executor
        self.stop = asyncio.Event()

    async def __aenter__(self) -> "Serving":
        ready = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(
            serve(self.home, self.config, self.executor, ready=ready.set_result, stop=self.stop)
        )
        endpoint: Endpoint = await ready
        self.channel = grpc.aio.insecure_channel(endpoint.target)
        self.stub = scoring_pb2_grpc.ScoringServiceStub(self.channel)
        self.metadata = (("authorization", f"Bearer {read_token(self.home)}"),)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()
        self.stop.set()
        await self.task

    async def call(self, name: str, request: Any) -> Any:
        return await getattr(self.stub, name)(request, metadata=self.metadata, timeout=20)


@pytest.mark.slow
def test_a_call_that_takes_too_long_is_ended_and_its_work_goes_on(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    config = replace(Config(), server=replace(Config().server, answer_within_s=1.5))

    async def scenario() -> None:
        async with Serving(home, config, instant.InstantExecutor()) as serving:
            request = pb.ScoreRequest(document=ask().document, composing=pb.Composing(prompt="deaf 3"))
            job_id = (await serving.call("Score", request)).job.id
            while not serving.executor.started:
                await asyncio.sleep(0.01)
            with pytest.raises(grpc.aio.AioRpcError) as late:
                await serving.call("CancelJob", pb.CancelJobRequest(job_id=job_id))
            assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            *_, last = [
                answer.job
                async for answer in serving.stub.WatchJob(
                    pb.WatchJobRequest(job_id=job_id), metadata=serving.metadata
                )
            ]
            assert last.state in (pb.JOB_STATE_CANCELLED, pb.JOB_STATE_DONE)

    run(scenario())


def test_a_bug_is_an_internal_error_and_the_next_call_is_fine(
    home: Home, instant: ModuleType, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        executor = instant.InstantExecutor()
        async with Serving(home, Config(), executor) as serving:
            with monkeypatch.context() as broken:
                broken.setattr(Desk, "list", lambda *_, **__: 1 / 0)
                with pytest.raises(grpc.aio.AioRpcError, match="ZeroDivisionError") as bug:
                    await serving.call("ListJobs", pb.ListJobsRequest())
            assert bug.value.code() == grpc.StatusCode.INTERNAL
            assert (await serving.call("ListJobs", pb.ListJobsRequest())).jobs == []

    run(scenario())


def test_health_says_that_it_stops(home: Home, instant: ModuleType, run: Run, ask: Ask) -> None:
    async def scenario() -> list[int]:
        async with Serving(home, Config(), instant.InstantExecutor()) as serving:
            request = pb.ScoreRequest(document=ask().document, composing=pb.Composing(prompt="deaf 1"))
            await serving.call("Score", request)
            health = health_pb2_grpc.HealthStub(serving.channel)
            watching = health.Watch(health_pb2.HealthCheckRequest(), metadata=serving.metadata)
            first = await watching.read()
            serving.stop.set()
            second = await watching.read()
            return [first.status, second.status]

    kinds = health_pb2.HealthCheckResponse
    assert run(scenario()) == [kinds.SERVING, kinds.NOT_SERVING]


def test_an_executor_that_is_not_there_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="abacus"):
        choose_executor(WorkerSettings(executor="abacus"), home)
    monkeypatch.setitem(choose_executor.__globals__, "EXECUTORS", {"ray": ("v2m_daemon.no_such", "Kind")})
    with pytest.raises(MissingPartError, match="ray") as missing:
        choose_executor(WorkerSettings(executor="ray://head:10001"), home)
    assert "pip install" in missing.value.hint


def test_beyond_loopback_only_what_was_sent_is_touched(home: Home, tmp_path: Path) -> None:
    address = server_run.Address("0.0.0.0")  # noqa: S104 - not listened at
    assert str(tmp_path) not in server_run._confinement(home, Config(), address).roots
    assert str(home.uploads) in server_run._confinement(home, Config(), address).roots
    assert server_run._confinement(home, Config(), server_run.Address("")).roots == ()
