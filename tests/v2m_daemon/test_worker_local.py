"""The executor of this machine from outside: real workers and timelines, a model that composes at once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
import worker_faults
from v2m_daemon.config import WorkerSettings
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.worker.executor import Cause, Done, Event, Failed, Progress, Stopped, Work
from v2m_daemon.worker.local import LocalExecutor

from v2m.errors import (
    DocumentError,
    OutOfMemoryError,
    PathRefusedError,
    UnfinishedError,
    V2MError,
    WorkerLostError,
)
from v2m.stages import STAGES
from v2m.take.record import read_record

LONGEST_S = 200


class Bench:
    """Executors in an event loop of their own, which outlives the single test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.document = worker_faults.small_timeline(root / "small.otio")
        self.command = (sys.executable, str(worker_faults.QUICK))
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.shared = self.executor()
        self._count = 0

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(LONGEST_S)

    def executor(self, **settings: Any) -> LocalExecutor:
        executor = LocalExecutor(WorkerSettings(**settings), command=self.command)
        self.run(executor.open())
        return executor

    def work(self, prompt: str = "calm", roots: tuple[str, ...] = (), **values: Any) -> Work:
        self._count += 1
        folder = self.root / "jobs" / str(self._count)
        folder.mkdir(parents=True)
        out = {} if "in_place" in values else {"out_dir": str(folder / "out dir")}
        spec = {"kind": JobKind.SCORE, "document": str(self.document), "prompt": prompt, **out, **values}
        return Work(f"job-{self._count}", JobSpec(**spec), folder, roots=roots)

    def do(self, work: Work, executor: LocalExecutor | None = None) -> list[Event]:
        async def events() -> list[Event]:
            return [event async for event in (executor or self.shared).run(work)]

        found: list[Event] = self.run(events())
        return found

    def interrupt(
        self, work: Work, executor: LocalExecutor, then: Callable[[], Coroutine[Any, Any, Any]]
    ) -> tuple[list[Event], float]:
        """The events of a job that is interrupted once it composes, and how long it took from there."""

        async def events() -> tuple[list[Event], float]:
            seen: list[Event] = []
            began = None
            async for event in executor.run(work):
                seen.append(event)
                if began is None and isinstance(event, Progress) and event.stage == "compose":
                    began = time.monotonic()
                    await then()
            return seen, time.monotonic() - (began or 0)

        found: tuple[list[Event], float] = self.run(events())
        return found


def pid_of(executor: LocalExecutor) -> int | None:
    return executor._seats[0].pid


def files(folder: str | Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    yield bench
    bench.run(bench.shared.close())
    bench.loop.call_soon_threadsafe(bench.loop.stop)
    bench.thread.join(10)
    bench.loop.close()


def test_the_parents_side_loads_nothing_heavy() -> None:
    code = "import json, sys, v2m_daemon.worker.local; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert not {"torch", "av", "opentimelineio", "numpy", "grpc"} & set(json.loads(done.stdout))


@pytest.mark.slow
def test_a_job_is_done_stage_by_stage(bench: Bench) -> None:
    work = bench.work()
    *progress, done = bench.do(work)
    assert isinstance(done, Done)
    stages = [event.stage for event in progress if isinstance(event, Progress)]
    assert list(dict.fromkeys(stages)) == list(STAGES)
    for stage in STAGES:
        fractions = [e.fraction for e in progress if isinstance(e, Progress) and e.stage == stage]
        assert fractions == sorted(fractions)
    assert JobFolder(work.folder).read_result() == (done.result, done.outputs)
    out = Path(str(work.spec.out_dir))
    assert sorted(os.listdir(out)) == ["small.v2m", "small_scored.otio"]
    assert done.outputs == {
        "take": str(out / "small.v2m"),
        "wav": str(out / "small.v2m" / "music.wav"),
        "timeline": str(out / "small_scored.otio"),
    }
    assert soundfile.info(done.outputs["wav"]).frames == 2 * 48000
    record = read_record(Path(done.outputs["take"]))
    assert (record.seed, record.prompt) == (done.result["seed"], "calm")
    assert "small.v2m/music.wav" in Path(done.outputs["timeline"]).read_text()
    assert bench.do(work) == [done]  # an attempt that comes too late does nothing


@pytest.mark.slow
def test_takes_stand_beside_those_that_were_there(bench: Bench) -> None:
    first = bench.work(takes=2, seed=3)
    done = bench.do(first)[-1]
    assert isinstance(done, Done)
    names = ["small-a.v2m", "small-b.v2m", "small_scored.otio"]
    out = str(first.spec.out_dir)
    assert sorted(os.listdir(out)) == names
    assert [take["rank"] for take in done.result["takes"]] == [1, 2]
    assert [done.outputs["take"], done.outputs["take-2"]] == [take["take"] for take in done.result["takes"]]
    second = bench.work(takes=2, seed=3, out_dir=out)
    assert isinstance(bench.do(second)[-1], Done)
    more = [*names, "small-a-2.v2m", "small-b-2.v2m", "small_scored-2.otio"]
    assert sorted(os.listdir(out)) == sorted(more)
    replaced = Path(out, "small-a.v2m", "take.json").read_text()
    third = bench.work(takes=2, seed=4, out_dir=out, overwrite=True)
    assert isinstance(bench.do(third)[-1], Done)
    assert sorted(os.listdir(out)) == sorted(more)
    assert Path(out, "small-a.v2m", "take.json").read_text() != replaced


@pytest.mark.slow
def test_what_is_wrong_with_a_job_is_told_and_the_worker_lives_on(bench: Bench, tmp_path: Path) -> None:
    assert isinstance(bench.do(bench.work("chatter"))[-1], Done)
    pid = pid_of(bench.shared)
    bug = bench.do(bench.work("bug"))[-1]
    assert isinstance(bug, Failed)
    assert (bug.cause, bug.error.code) == (Cause.REFUSED, "internal")
    assert "seconds per nothing" in bug.error.message
    assert "Traceback" in bug.error.detail
    refused: list[tuple[Work, type[V2MError]]] = [
        (bench.work(roots=(str(tmp_path),)), PathRefusedError),
        (replace(w := bench.work(), spec=JobSpec(kind=JobKind.RESTYLE, document=w.spec.document, prompt="x")),
         DocumentError),
    ]  # fmt: skip
    for work, kind in refused:
        failed = bench.do(work)[-1]
        assert isinstance(failed, Failed)
        assert (type(failed.error), failed.cause) == (kind, Cause.REFUSED)
        assert not (work.folder / "out dir").exists()
    seen = bench.do(bench.work(kind=JobKind.ANALYZE, prompt=None, out_dir=None))[-1]
    assert isinstance(seen, Done)
    assert [cut["time_s"] for cut in seen.result["cuts"]] == pytest.approx([2 / 3, 4 / 3])
    assert pid_of(bench.shared) == pid


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_worker_that_is_lost_costs_one_attempt(bench: Bench) -> None:
    for prompt, cause, words in (
        ("kill", Cause.LOST, "signal 9"),
        ("frame", Cause.LOST, "sent a frame of 4294967295 bytes"),
        ("memory", Cause.OUT_OF_MEMORY, "Memory ran out"),
    ):
        work = bench.work(prompt)
        failed = bench.do(work)[-1]
        assert isinstance(failed, Failed)
        assert failed.cause is cause
        assert words in failed.error.message
        assert isinstance(failed.error, OutOfMemoryError if prompt == "memory" else WorkerLostError)
        assert not (work.folder / "out dir").exists()
        assert pid_of(bench.shared) is None
    work = bench.work("small")
    assert isinstance(bench.do(work)[-1], Failed)
    assert isinstance(bench.do(replace(work, attempt=2, window_scale=0.5))[-1], Done)
    pid = pid_of(bench.shared)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)  # it dies while it has nothing to do: nobody's attempt
    time.sleep(0.2)
    assert isinstance(bench.do(bench.work())[-1], Done)
    assert pid_of(bench.shared) != pid


@pytest.mark.slow
def test_a_cancel_is_heard_at_once_and_by_force(bench: Bench) -> None:
    def cancelled(prompt: str, after_s: float = 0.0) -> Work:
        work = bench.work(prompt)

        async def cancel() -> None:
            await asyncio.sleep(after_s)
            await bench.shared.cancel(work.job_id)

        events, seconds = bench.interrupt(work, bench.shared, cancel)
        assert events[-1] == Stopped()
        assert seconds < 30  # and not the minute that it would have taken
        assert not (work.folder / "out dir").exists()
        return work

    cancelled("sleep 60")
    assert pid_of(bench.shared) is not None  # it lives on, warm
    for _ in range(20):  # one that hears the cancel just before it goes deaf lives on, too
        work = cancelled("deaf 60", after_s=0.2)
        if pid_of(bench.shared) is None:
            break
    assert pid_of(bench.shared) is None

    async def before() -> Event:
        events = bench.shared.run(work)
        first = asyncio.ensure_future(anext(aiter(events)))
        await asyncio.sleep(0)
        await bench.shared.cancel(work.job_id)
        event = await first
        await events.aclose()  # type: ignore[attr-defined]
        return event

    assert bench.run(before()) == Stopped()  # heard before the worker was even there


@pytest.mark.slow
def test_a_worker_that_hangs_or_takes_too_long_is_killed(bench: Bench) -> None:
    hasty = bench.executor(stalled_s=1.0, longest_job_s=1e9)
    failed = bench.do(bench.work("hang"), hasty)[-1]
    assert isinstance(failed, Failed)
    assert failed.cause is Cause.LOST
    assert failed.error.message == "The worker said nothing for 1 s."
    assert pid_of(hasty) is None
    assert isinstance(bench.do(bench.work("calm"), hasty)[-1], Done)
    hasty._settings = hasty._seats[0]._settings = replace(hasty._settings, stalled_s=60, longest_job_s=1.5)
    failed = bench.do(bench.work("sleep 60"), hasty)[-1]
    assert isinstance(failed, Failed)
    assert (type(failed.error), failed.cause) == (UnfinishedError, Cause.REFUSED)
    bench.run(hasty.close())


@pytest.mark.slow
def test_memory_is_given_back_when_nothing_comes(bench: Bench) -> None:
    executor = bench.executor(idle_unload_s=0.3)
    assert isinstance(bench.do(bench.work(), executor)[-1], Done)
    assert executor._seats[0].rss_bytes > 50e6
    pid = pid_of(executor)
    assert pid is not None
    health = bench.run(executor.health())
    assert health.free_bytes <= health.total_bytes
    deadline = time.monotonic() + 60
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert pid_of(executor) is None
    assert executor._seats[0].rss_bytes == 0
    bench.run(executor.close())


@pytest.mark.slow
def test_closing_ends_every_process(bench: Bench) -> None:
    for close in ("executor", "iterator"):
        executor = bench.executor()
        work = bench.work("sleep 60")
        pids = []

        async def scenario(close: str, executor: LocalExecutor, work: Work, pids: list[int | None]) -> float:
            events = executor.run(work)
            async for event in events:
                if isinstance(event, Progress) and event.stage == "compose":
                    break
            pids.append(pid_of(executor))
            began = time.monotonic()
            if close == "executor":
                await executor.close()
                assert [event async for event in events] == [Stopped()]
            else:
                await events.aclose()  # type: ignore[attr-defined]
            return time.monotonic() - began

        assert bench.run(scenario(close, executor, work, pids)) < 30
        assert not is_alive(pids[0])
        bench.run(executor.close())


def is_alive(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_the_desk_gets_a_job_through_what_kills_workers(bench: Bench, tmp_path: Path) -> None:
    from v2m_daemon.home import Home

    home = Home.at(tmp_path / "home")
    home.make()

    async def scenario() -> None:
        executor = LocalExecutor(WorkerSettings(), command=bench.command)
        async with Desk.opened(home, executor) as desk:
            spec = bench.work("small").spec
            for prompt, state, attempts in (("small", "done", 2), ("kill", "failed", 3), ("calm", "done", 1)):
                view = await desk.submit(replace(spec, prompt=prompt))
                async for view in desk.watch(view.id):  # noqa: B007, B020
                    pass
                assert (view.state, view.attempts) == (state, attempts), view
                if state == "failed":
                    assert view.error is not None
                    assert "signal 9" in view.error.message
                    assert view.error.hint

    bench.run(scenario())
