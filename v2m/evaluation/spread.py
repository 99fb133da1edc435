"""Many units of work over processes and GPUs of this machine, or over a Ray cluster; results as they come.

Conventions: work is a function of a module, units and results travel by pickle between our own processes.
A unit that fails with one of our errors gives the error in place of a result: one broken file does not end a
run of hundreds, and is told at its end.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.queues import SimpleQueue
from typing import Any, TypeVar

from v2m.errors import MissingPartError, UnreachableError, UsageError, V2MError

Given = TypeVar("Given")
Result = TypeVar("Result")


def spread(
    work: Callable[[Given], Result],
    units: Sequence[Given],
    *,
    processes: int = 1,
    gpus: Sequence[str] = (),
    ray: str = "",
    gpus_each: float = 0.0,
) -> Iterator[tuple[Given, Result | V2MError]]:
    """Do all units.

    Args:
        work: does one.
        units: all.
        processes: 1 does them here, one after the other, in their order.
        gpus: of this machine, by number; each process sees one of them, in turn.
        ray: address of a cluster (`ray://HOST:PORT`, `auto`, `local` for one of its own), or empty.
        gpus_each: of the cluster, what share of a GPU a unit takes.

    Yields:
        Each unit with its result or error, in any order.

    Raises:
        UsageError: fewer than one process is asked for.
        MissingPartError: Ray is asked for and not installed.
        UnreachableError: there is no cluster at that address, or it was lost.
    """
    if processes < 1:
        raise UsageError(f"{processes} processes were asked for, expected 1 or more.")
    if ray:
        yield from _over_ray(work, units, ray, gpus_each)
    elif (processes == 1 and not gpus) or len(units) == 0:
        for unit in units:
            yield unit, _tried(work, unit)
    else:
        yield from _over_processes(work, units, max(processes, len(gpus)), gpus)


def _tried(work: Callable[[Given], Result], unit: Given) -> Result | V2MError:
    try:
        return work(unit)
    except V2MError as error:
        return error


def _over_processes(
    work: Callable[[Given], Result], units: Sequence[Given], processes: int, gpus: Sequence[str]
) -> Iterator[tuple[Given, Result | V2MError]]:
    # spawned, not forked: decoders and torch keep threads that do not survive a fork
    context = multiprocessing.get_context("spawn")
    turns = context.SimpleQueue()
    for number in range(processes):
        turns.put(gpus[number % len(gpus)] if gpus else None)
    count = min(processes, len(units))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_see_one, initargs=(turns,)) as pool:
        waiting = {pool.submit(_tried, work, unit): unit for unit in units}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _see_one(turns: SimpleQueue[str | None]) -> None:
    """In a new process, before anything loads torch: let it see the GPU whose turn it is."""
    gpu = turns.get()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu


def _over_ray(
    work: Callable[[Given], Result], units: Sequence[Given], address: str, gpus_each: float
) -> Iterator[tuple[Given, Result | V2MError]]:
    try:
        import ray
    except ImportError as error:
        raise MissingPartError(
            "Ray, which spreads work over a cluster, is not installed.", hint='Run `pip install "v2m[ray]"`.'
        ) from error
    started = not ray.is_initialized()
    try:
        if started:
            ray.init(address=address, log_to_driver=False)
        remote: Any = ray.remote(num_gpus=gpus_each)(_tried)
        waiting = {remote.remote(work, unit): unit for unit in units}
        while waiting:
            done, _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(done[0]), ray.get(done[0])
    except (ray.exceptions.RayError, ConnectionError, TimeoutError) as error:
        raise UnreachableError(
            f"The Ray cluster at {address} was lost, or is not there.",
            hint="What was measured is kept: run the same command again.",
            detail=repr(error),
        ) from error
    finally:
        if started:
            ray.shutdown()
