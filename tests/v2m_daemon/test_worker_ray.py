"""The executor of a Ray cluster on a real one: two nodes' worth of processes on this machine."""

import asyncio
import socket
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import worker_faults
from v2m_daemon.config import WorkerSettings
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.worker.choose import choose_executor
from v2m_daemon.worker.executor import Cause, Done, Event, Failed, Progress, Stopped, Work

from v2m.errors import UnreachableError

pytest.importorskip("ray", reason="the extra `ray` is not installed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray runs no cluster of several nodes on Windows"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own, of whatever version is here
]

STORE_BYTES = 80_000_000
STARTS = 4
"""Ray gives a machine half a minute to come up, on one that has other work too."""


class Machines:
    """A cluster, and jobs for it."""

    def __init__(self, root: Path) -> None:
        from ray.cluster_utils import Cluster

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.root = root
        self.document = worker_faults.small_timeline(root / "small.otio")
        head = {"ray_client_server_port": self.port, "include_dashboard": False}
        self.cluster: Any = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 4, "object_store_memory": STORE_BYTES, **head}
        )
        self.second: Any = self.add()

    def add(self) -> Any:
        return self.cluster.add_node(num_cpus=4, object_store_memory=STORE_BYTES)

    @property
    def address(self) -> str:
        return f"ray://127.0.0.1:{self.port}"

    def executor(self) -> Any:
        from v2m_daemon.worker.ray import RayExecutor

        settings = WorkerSettings(executor=self.address)
        return RayExecutor(settings, command=(sys.executable, str(worker_faults.QUICK)))

    def work(self, name: str, prompt: str = "calm") -> Work:
        folder, out = self.root / name / "job", self.root / name / "out"
        folder.mkdir(parents=True, exist_ok=True)
        spec = JobSpec(kind=JobKind.SCORE, document=str(self.document), out_dir=str(out), prompt=prompt)
        return Work("job" if prompt == "calm" else name, spec, folder)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    for attempt in range(STARTS):
        try:
            machines = Machines(tmp_path_factory.mktemp("machines"))
            break
        except Exception as error:  # Ray has no class for it
            if attempt + 1 == STARTS or "timed out" not in str(error):
                raise
    yield machines
    machines.cluster.shutdown()


def within(seconds: float, coroutine: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await coroutine

    asyncio.run(bounded())


async def outcome(executor: Any, work: Work) -> Event:
    events: list[Event] = [event async for event in executor.run(work)]
    return events[-1]


async def done_at_last(executor: Any, work: Work) -> Done:
    """As the daemon does it: a machine too busy to answer is taken for lost, which costs an attempt."""
    for _ in range(3):
        result = await outcome(executor, work)
        if not (isinstance(result, Failed) and result.cause is Cause.LOST):
            break
    assert isinstance(result, Done)
    return result


async def until(true: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


def test_the_address_chooses_it(machines: Machines, tmp_path: Path) -> None:
    from v2m_daemon.home import Home
    from v2m_daemon.worker.ray import RayExecutor

    chosen = choose_executor(WorkerSettings(executor="ray:127.0.0.1:1"), Home.at(tmp_path))
    assert isinstance(chosen, RayExecutor)
    with pytest.raises(UnreachableError, match="No Ray cluster"):
        asyncio.run(choose_executor(WorkerSettings(executor="ray://127.0.0.1:1"), Home.at(tmp_path)).open())


def test_jobs_go_to_every_machine_and_come_back_the_same(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        executor = machines.executor()
        await executor.open()
        try:
            assert executor.slots == 2
            works = [machines.work(f"both-{number}", "sleep 3") for number in range(2)]
            running = [asyncio.create_task(outcome(executor, work)) for work in works]
            await until(lambda: len({m.node_id for m in executor._cluster.members if m.job_id}) == 2)
            health = await executor.health()
            assert 0 < health.free_bytes <= 2 * health.total_bytes
            for work, result in zip(works, await asyncio.gather(*running), strict=True):
                assert isinstance(result, Done) or await done_at_last(executor, work)
            shared, alone = machines.work("shared"), machines.work("alone")
            await done_at_last(executor, shared)
            monkeypatch.setattr("v2m_daemon.worker.errand.MARK", ".not-seen-there")
            done = await done_at_last(executor, alone)
            assert Path(done.outputs["wav"]).is_relative_to(machines.root / "alone" / "out")
            contents = worker_faults.contents
            assert contents(alone) == contents(shared) != {}
            assert isinstance(bad := await outcome(executor, machines.work("bad", "bug")), Failed)
            assert bad.cause is Cause.REFUSED
            work = machines.work("stopped", "sleep 60")
            events = []
            async for event in executor.run(work):
                events.append(event)
                if isinstance(event, Progress) and event.stage == "compose" and len(events) > 1:
                    began = time.monotonic()
                    await executor.cancel(work.job_id)
            assert events[-1] == Stopped()
            assert time.monotonic() - began < 30  # of the minute that it would have taken
            assert not contents(work)
        finally:
            began = time.monotonic()
            await executor.close()
            assert time.monotonic() - began < 30

    within(400, scenario())


def test_a_machine_that_is_lost_costs_one_attempt(machines: Machines) -> None:
    async def scenario() -> None:
        executor = machines.executor()
        await executor.open()
        try:
            await until(lambda: executor.slots == 2)
            works = [machines.work(f"lost-{number}", "sleep 12") for number in range(2)]
            running = [asyncio.create_task(outcome(executor, work)) for work in works]
            await until(lambda: all(member.job_id for member in executor._cluster.members))
            on_second = next(
                member.job_id
                for member in executor._cluster.members
                if member.node_id == machines.second.node_id
            )
            await asyncio.sleep(2)
            await asyncio.to_thread(machines.cluster.remove_node, machines.second, allow_graceful=False)
            results = await asyncio.gather(*running)
            for work, result in zip(works, results, strict=True):
                if work.job_id == on_second:
                    assert isinstance(result, Failed)
                    assert result.cause is Cause.LOST
                    assert not worker_faults.contents(work)
                    await done_at_last(executor, work)  # on the machine that is left
                else:
                    assert isinstance(result, Done) or await done_at_last(executor, work)
            await until(lambda: executor.slots == 1)
            machines.second = machines.add()  # Ray sets signals, which only the main thread may
            await until(lambda: executor.slots == 2)  # a machine that comes is put to work
        finally:
            await executor.close()

    within(500, scenario())
