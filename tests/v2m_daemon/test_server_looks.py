"""Looks at the files of jobs: in few threads, each with its own outcome, and none behind one that hangs."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.server.looks import MOST_HANGING, PATIENCE_S, Looks

from v2m.errors import InputError

Ask = Callable[..., JobSpec]
Run = Callable[[Any], Any]


def test_everybody_gets_what_was_found_for_them(run: Run, ask: Ask) -> None:
    threads = set()

    def look(spec: JobSpec) -> JobSpec:
        threads.add(threading.current_thread())
        if spec.seed is not None and spec.seed % 3 == 0:
            raise InputError(f"There is no file {spec.seed}.")
        return replace(spec, client="seen")

    async def crowd() -> list[Any]:
        looks = Looks(look)
        return await asyncio.gather(
            *(looks.at(ask("calm", seed=seed)) for seed in range(300)), return_exceptions=True
        )

    for seed, outcome in enumerate(run(crowd())):
        if seed % 3 == 0:
            assert isinstance(outcome, InputError)
            assert str(seed) in outcome.message
        else:
            assert outcome == ask("calm", seed=seed, client="seen")
    assert len(threads) < 30
    assert threading.main_thread() not in threads


def test_one_that_hangs_holds_up_no_other(run: Run, ask: Ask) -> None:
    back, looked_at = threading.Event(), []

    def look(spec: JobSpec) -> JobSpec:
        looked_at.append(spec.prompt)
        if spec.prompt == "share":
            back.wait()
        return spec

    async def scenario() -> None:
        looks = Looks(look)
        before, hangs, *behind = (
            asyncio.create_task(looks.at(ask(prompt))) for prompt in ("a", "share", "b", "c", "d")
        )
        began = time.monotonic()
        await asyncio.gather(before, *behind)
        await looks.at(ask("e"))
        assert time.monotonic() - began < 20 * PATIENCE_S
        assert not hangs.done()
        back.set()
        assert (await hangs).prompt == "share"
        assert sorted(looked_at) == ["a", "b", "c", "d", "e", "share"]  # nothing twice

    run(scenario())


def test_a_share_that_hangs_takes_no_more_threads_than_it_may(run: Run, ask: Ask) -> None:
    back, looked_at = threading.Event(), []

    def look(spec: JobSpec) -> JobSpec:
        looked_at.append(spec.seed)
        back.wait()
        return spec

    async def scenario() -> None:
        looks = Looks(look)
        asked = [asyncio.create_task(looks.at(ask(seed=seed))) for seed in range(3 * MOST_HANGING)]
        await asyncio.sleep((MOST_HANGING + 4) * PATIENCE_S)
        assert len(looked_at) == MOST_HANGING
        asked.pop().cancel()  # who does not wait any more is not looked at
        back.set()
        for seed, found in enumerate(await asyncio.gather(*asked)):
            assert found.seed == seed
        assert sorted(looked_at) == list(range(3 * MOST_HANGING - 1))

    run(scenario())


def test_a_loop_that_ends_does_not_wait_for_a_share(ask: Ask) -> None:
    back = threading.Event()

    def look(spec: JobSpec) -> JobSpec:
        back.wait(60)
        return spec

    async def scenario() -> None:
        asked = asyncio.create_task(Looks(look).at(ask("calm")))
        await asyncio.sleep(2 * PATIENCE_S)
        assert not asked.done()

    began = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - began < 20
    back.set()


def test_a_system_without_threads_is_told(run: Run, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scenario() -> None:
        looks = Looks(lambda spec: spec)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", none)
            with pytest.raises(RuntimeError, match="can't start"):
                await looks.at(ask("calm"))
        assert await looks.at(ask("calm"))

    run(scenario())
