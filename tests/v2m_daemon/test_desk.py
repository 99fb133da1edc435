"""The desk from outside: what it takes it does, once, in a fair order, whatever goes wrong on the way."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from v2m_daemon.config import QueueSettings
from v2m_daemon.home import Home
from v2m_daemon.jobs import dispatch
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.jobs.view import JobState, JobView

from v2m.errors import (
    BusyError,
    ConflictError,
    DocumentError,
    FieldError,
    OutOfMemoryError,
    UnknownJobError,
    UnreachableError,
    WorkerLostError,
)

Ask = Callable[..., JobSpec]
Run = Callable[[Any], Any]


async def ended(desk: Desk, job_id: str) -> JobView:
    """The job once it is final."""
    view = None
    async for view in desk.watch(job_id):  # noqa: B007
        pass
    assert view is not None
    return view


def test_a_job_is_done_and_says_where_it_is(home: Home, instant: ModuleType, run: Run, ask: Ask) -> None:
    async def scenario() -> None:
        async with Desk.opened(home, instant.InstantExecutor()) as desk:
            view = await desk.submit(ask("calm", client="cli", priority=3))
            assert (view.state, view.attempts, view.client, view.priority) == ("queued", 0, "cli", 3)
            done = await ended(desk, view.id)
            assert (done.state, done.fraction, done.attempts) == ("done", 1.0, 1)
            assert done.finished_ms >= done.started_ms >= done.created_ms > 1_600_000_000_000
            assert os.path.dirname(done.outputs["wav"]) == done.out_dir
            assert os.path.getsize(done.outputs["wav"]) > 4
            assert done.result["wav"] == done.outputs["wav"]
            assert await desk.get(view.id) == done
        assert not JobFolder(home.job(view.id)).stages.exists()

    run(scenario())


def test_a_watcher_sees_a_rising_fraction_and_every_stage_to_the_end(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    async def scenario() -> list[JobView]:
        async with Desk.opened(home, instant.InstantExecutor()) as desk:
            view = await desk.submit(ask("lose 1"))
            return [seen async for seen in desk.watch(view.id)]

    seen = run(scenario())
    fractions = [view.fraction for view in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {"read", "compose", "place"} <= {view.stage for view in seen}
    assert [view.state for view in seen if view.state.is_final] == ["done"]
    assert any("attempt 2 of 3" in view.message for view in seen)


@pytest.mark.parametrize(
    ("prompt", "state", "attempts", "error"),
    [
        ("refuse", "failed", 1, DocumentError),
        ("lose 2", "done", 3, None),
        ("lose", "failed", 3, WorkerLostError),
        ("oom 1", "done", 2, None),
        ("oom", "failed", 2, OutOfMemoryError),
        ("raise", "failed", 3, WorkerLostError),
        ("silent", "failed", 3, WorkerLostError),
    ],
)
def test_what_goes_wrong_costs_a_bounded_number_of_attempts(
    home: Home, instant: ModuleType, run: Run, ask: Ask, prompt: str, state: str, attempts: int,
    error: type[Exception] | None, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("INFO", "v2m_daemon.jobs.dispatch")

    async def scenario() -> None:
        executor = instant.InstantExecutor()
        async with Desk.opened(home, executor) as desk:
            job = await desk.submit(ask(prompt))
            view = await ended(desk, job.id)
            assert (view.state, view.attempts) == (state, attempts)
            assert (view.error is None) is (error is None)
            if error is not None and view.error is not None:
                assert type(view.error.as_error()) is error
                assert prompt == "refuse" or view.error.hint
            after = await desk.submit(ask("calm"))
            assert (await ended(desk, after.id)).state == "done"  # the next job is none the worse
        scales = [work.window_scale for work in executor.started if work.job_id == job.id]
        assert scales == ([1.0, 0.5] if prompt.startswith("oom") else [1.0] * attempts)
        told = [
            record.levelname for record in caplog.records if record.getMessage().startswith(f"job {job.id}")
        ]
        assert told == ["WARNING"] * (attempts - (error is None)) + ["INFO"] * (error is None)

    run(scenario())


def test_a_request_that_is_sent_again_is_the_same_job(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    async def scenario() -> None:
        executor = instant.InstantExecutor()
        async with Desk.opened(home, executor) as desk:
            twins = await asyncio.gather(*(desk.submit(ask("calm", request_id="r1")) for _ in range(20)))
            assert len({view.id for view in twins}) == 1
            await ended(desk, twins[0].id)
            again = await desk.submit(ask("calm", request_id="r1"))
            assert (again.id, again.state) == (twins[0].id, "done")
            with pytest.raises(ConflictError, match=twins[0].id):
                await desk.submit(ask("wild", request_id="r1"))
            assert len(executor.started) == 1
            found = await desk.find("r1")
            assert found is not None
            assert found.id == again.id
            assert await desk.find("r2") is None
            assert await desk.find("") is None

    run(scenario())


def test_a_full_queue_says_when_to_come_back(home: Home, instant: ModuleType, run: Run, ask: Ask) -> None:
    async def scenario() -> None:
        async with Desk.opened(home, instant.InstantExecutor(), QueueSettings(limit=8)) as desk:
            running = await desk.submit(ask("sleep 20"))
            while desk.running == 0:
                await asyncio.sleep(0.01)
            answers = await asyncio.gather(
                *(desk.submit(ask("calm", request_id=f"r{n}")) for n in range(50)), return_exceptions=True
            )
            accepted = [answer for answer in answers if isinstance(answer, JobView)]
            refused = [answer for answer in answers if isinstance(answer, BusyError)]
            assert (len(accepted), len(refused)) == (8, 42)
            assert all(1 <= error.retry_after_s <= 60 for error in refused)
            known = await desk.submit(ask("calm", request_id="r0"))  # sent again, it takes no place
            assert known.id == accepted[0].id
            await desk.cancel(running.id)
            for view in accepted:
                assert (await ended(desk, view.id)).state == "done"

    run(scenario())


@pytest.mark.parametrize("prompt", ["sleep 20", "calm"])
def test_a_cancelled_job_stops_wherever_it_is(
    home: Home, instant: ModuleType, run: Run, ask: Ask, prompt: str
) -> None:
    async def scenario() -> None:
        executor = instant.InstantExecutor()
        async with Desk.opened(home, executor) as desk:
            first = await desk.submit(ask("sleep 20"))
            while desk.running == 0:
                await asyncio.sleep(0.01)
            second = await desk.submit(ask(prompt))
            assert (await desk.cancel(second.id)).state == "cancelled"
            stopped = await desk.cancel(first.id)
            assert stopped.state == "cancelled"
            assert stopped.finished_ms is not None
            assert (await desk.cancel(first.id)).state == "cancelled"
            assert [work.job_id for work in executor.started] == [first.id]
            third = await desk.submit(ask("calm"))
            done = await ended(desk, third.id)
            assert (await desk.cancel(third.id)) == done  # what is final stays

    run(scenario())


def test_clients_are_served_in_turn_and_the_urgent_first(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    async def scenario() -> list[str]:
        executor = instant.InstantExecutor()
        async with Desk.opened(home, executor) as desk:
            gate = await desk.submit(ask("sleep 20", client="gate"))
            while desk.running == 0:
                await asyncio.sleep(0.01)
            many = [await desk.submit(ask("calm", client="many")) for _ in range(3)]
            few = [await desk.submit(ask("calm", client="few")) for _ in range(2)]
            urgent = await desk.submit(ask("calm", client="many", priority=1))
            await desk.cancel(gate.id)
            for view in (*many, *few, urgent):
                await ended(desk, view.id)
            names = {urgent.id: "urgent"} | {view.id: "many" for view in many} | {v.id: "few" for v in few}
            return [names[work.job_id] for work in executor.started[1:]]

    assert run(scenario()) == ["urgent", "few", "many", "few", "many", "many"]


def test_as_many_run_at_once_as_there_are_slots(home: Home, instant: ModuleType, run: Run, ask: Ask) -> None:
    async def scenario() -> None:
        executor = instant.InstantExecutor(slots=3)
        async with Desk.opened(home, executor) as desk:
            views = [await desk.submit(ask("sleep 0.1")) for _ in range(9)]
            for view in views:
                assert (await ended(desk, view.id)).state == "done"
        assert executor.most_at_once == 3

    run(scenario())


def test_a_job_waits_until_its_memory_is_there(
    home: Home, instant: ModuleType, run: Run, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LOOK_AGAIN_S", 0.05)

    async def scenario() -> None:
        executor = instant.InstantExecutor(free_bytes=1_000_000_000, needed=2_000_000_000)
        async with Desk.opened(home, executor) as desk:
            job = await desk.submit(ask("calm"))
            async for view in desk.watch(job.id):
                if "memory" in view.message:
                    assert view.message == "Waits for memory: needs 2.0 GB, 1.0 GB are free."
                    executor.free_bytes = 4_000_000_000
            assert view.state == "done"
            executor.total_bytes = 1_500_000_000
            never = await ended(desk, (await desk.submit(ask("calm"))).id)
            assert never.error is not None
            assert "2.0 GB" in never.error.message
            assert "1.5 GB" in never.error.message

    run(scenario())


def test_a_job_can_wait_for_its_media(home: Home, instant: ModuleType, run: Run, ask: Ask) -> None:
    async def scenario() -> None:
        executor = instant.InstantExecutor()
        async with Desk.opened(home, executor) as desk:
            early, late, gone = [
                await desk.submit(ask("calm", client=name), waiting="city.mov is not there")
                for name in ("early", "late", "gone")
            ]
            assert (early.state, early.message) == ("waiting_media", "city.mov is not there")
            await desk.wait_for(early.id, "city.mov grows")
            assert (await desk.get(early.id)).message == "city.mov grows"
            assert executor.started == []
            assert (await desk.release(early.id)).state in ("queued", "running")
            assert (await ended(desk, early.id)).state == "done"
            refused = await desk.refuse(late.id, DocumentError("city.mov never came."))
            assert (refused.state, refused.error.message) == ("failed", "city.mov never came.")
            assert (await desk.cancel(gone.id)).state == "cancelled"
            assert (await desk.release(gone.id)).state == "cancelled"

    run(scenario())


def test_jobs_are_listed_newest_first_and_by_pages(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    async def scenario() -> None:
        async with Desk.opened(home, instant.InstantExecutor()) as desk:
            ids = []
            for number in range(7):
                view = await desk.submit(ask("refuse" if number == 3 else "calm", client=f"c{number % 2}"))
                ids.append(view.id)
                await ended(desk, view.id)
            seen, token = [], ""
            for _ in range(4):
                page = await desk.list(page_size=2, page_token=token)
                seen += [view.id for view in page.jobs]
                assert all(view.result is None for view in page.jobs)
                token = page.next_page_token
            assert token == ""
            assert seen == ids[::-1]
            failed = await desk.list(states=[JobState.FAILED])
            assert [view.id for view in failed.jobs] == [ids[3]]
            assert [view.id for view in (await desk.list(client="c1")).jobs] == [ids[5], ids[3], ids[1]]
            for wrong in ({"page_size": 0}, {"page_size": 1001}, {"page_token": "x"}, {"page_token": "²"}):
                with pytest.raises(FieldError):
                    await desk.list(**wrong)

    run(scenario())


def test_what_is_not_there_is_unknown(home: Home, instant: ModuleType, run: Run) -> None:
    async def scenario() -> None:
        async with Desk.opened(home, instant.InstantExecutor()) as desk:
            for call in (desk.get, desk.cancel, desk.release):
                with pytest.raises(UnknownJobError, match="nothing"):
                    await call("nothing")
            with pytest.raises(UnknownJobError):
                await anext(desk.watch("nothing"))

    run(scenario())


def test_watchers_are_bounded_and_leave_nothing_behind(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    async def scenario() -> None:
        async with Desk.opened(home, instant.InstantExecutor(), watchers=2) as desk:
            job = await desk.submit(ask("sleep 20"))
            eyes = [desk.watch(job.id) for _ in range(3)]
            await anext(eyes[0])
            await anext(eyes[1])
            with pytest.raises(BusyError, match="watchers"):
                await anext(eyes[2])
            await eyes[0].aclose()
            latest = desk.watch(job.id)
            await anext(latest)
            await desk.cancel(job.id)
            async with asyncio.timeout(5):
                assert [view.state async for view in latest][-1] == "cancelled"
            await eyes[1].aclose()
            assert desk._board.watchers == 0

    run(scenario())


def test_closing_puts_what_runs_back_and_the_next_desk_does_it(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    async def first() -> list[str]:
        async with Desk.opened(home, instant.InstantExecutor()) as desk:
            views = [await desk.submit(ask("sleep 20")) for _ in range(2)]
            watcher = asyncio.create_task(ended(desk, views[0].id))
            while desk.running == 0:
                await asyncio.sleep(0.01)
            await desk.close()
            with pytest.raises(UnreachableError):
                await watcher
            with pytest.raises(UnreachableError):
                await desk.submit(ask("calm"))
            assert (await desk.get(views[0].id)).state == "queued"
        return [view.id for view in views]

    async def second(ids: list[str]) -> None:
        async with Desk.opened(home, instant.InstantExecutor(slowness=0)) as desk:
            for job_id in ids:
                assert (await ended(desk, job_id)).state == "done"

    run(second(run(first())))


def test_closing_while_a_job_is_being_taken_up_puts_it_back_at_once(
    home: Home, instant: ModuleType, run: Run, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, started = Path.mkdir, threading.Event()

    def slowly(path: Path, *arguments: Any, **named: Any) -> None:
        if path.parent == home.jobs:
            started.set()
            time.sleep(0.5)  # a disk that is busy; the executor hears of the job only after it
        make(path, *arguments, **named)

    monkeypatch.setattr(Path, "mkdir", slowly)

    async def scenario() -> list[str]:
        executor = instant.InstantExecutor()
        async with Desk.opened(home, executor) as desk:
            view = await desk.submit(ask("sleep 20"))
            await asyncio.to_thread(started.wait)
            await desk.close()
            assert (await desk.get(view.id)).state == "queued"
            return [work.job_id for work in executor.started]

    assert run(scenario()) == []


def test_an_old_job_is_forgotten_with_its_files(home: Home, instant: ModuleType, run: Run, ask: Ask) -> None:
    async def scenario(keep_days: float) -> list[str]:
        async with Desk.opened(home, instant.InstantExecutor(), QueueSettings(keep_days=keep_days)) as desk:
            known = [view.id for view in (await desk.list()).jobs]
            if not known:
                await ended(desk, (await desk.submit(ask("calm"))).id)
            return known

    run(scenario(30))
    (home.jobs / "stray").mkdir()
    (known,) = run(scenario(30))
    assert sorted(path.name for path in home.jobs.iterdir()) == [known]
    assert run(scenario(0)) == []
    assert known not in os.listdir(home.jobs)


def test_results_are_what_json_can_say(home: Home, instant: ModuleType, run: Run, ask: Ask) -> None:
    async def scenario() -> JobView:
        async with Desk.opened(home, instant.InstantExecutor()) as desk:
            return await ended(desk, (await desk.submit(ask("calm"))).id)

    view = run(scenario())
    assert JobView.from_json(json.loads(json.dumps(view.to_json()))) == view
