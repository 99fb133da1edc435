"""A place at the desk: it is kept while a job is looked at, and given back where that refuses it."""

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from v2m_daemon.config import QueueSettings
from v2m_daemon.home import Home
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.jobs.view import JobView

from v2m.errors import BusyError, DocumentError, UnreachableError

Ask = Callable[..., JobSpec]
Run = Callable[[Any], Any]


def test_of_a_crowd_no_more_are_looked_at_than_are_let_in(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    async def scenario() -> None:
        async with Desk.opened(home, instant.InstantExecutor(), QueueSettings(limit=8)) as desk:
            running = await desk.submit(ask("sleep 20"))
            while desk.running == 0:
                await asyncio.sleep(0.01)
            looked_at: list[JobSpec] = []

            async def check(spec: JobSpec) -> JobSpec:
                looked_at.append(spec)
                is_third = len(looked_at) == 3
                await asyncio.sleep(0.05)
                if is_third:
                    raise DocumentError("There is no such file.")
                return spec

            asks = (desk.submit(ask("calm"), check=check) for _ in range(50))
            answers = await asyncio.gather(*asks, return_exceptions=True)
            accepted = [answer for answer in answers if isinstance(answer, JobView)]
            assert len(looked_at) == 8
            assert len(accepted) == 7
            assert sum(isinstance(answer, DocumentError) for answer in answers) == 1
            accepted.append(await desk.submit(ask("calm")))  # the one that was refused gave its place back
            with pytest.raises(BusyError, match="8 jobs wait"):
                await desk.submit(ask("calm"))
            await desk.cancel(running.id)
            for view in accepted:
                assert [now.state async for now in desk.watch(view.id)][-1] == "done"

    run(scenario())


def test_what_is_looked_at_while_the_daemon_ends_is_not_taken_in(
    home: Home, instant: ModuleType, run: Run, ask: Ask
) -> None:
    async def scenario() -> None:
        goes_on = asyncio.Event()

        async def check(spec: JobSpec) -> JobSpec:
            await goes_on.wait()
            return spec

        async with Desk.opened(home, instant.InstantExecutor()) as desk:
            late = asyncio.create_task(desk.submit(ask("calm"), check=check))
            await asyncio.sleep(0)
        goes_on.set()
        with pytest.raises(UnreachableError):
            await late

    run(scenario())
