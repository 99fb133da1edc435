"""Pieces of work that do not depend on each other, side by side on the processor's cores."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

from v2m.errors import CancelledError
from v2m.stages import Cancel, FractionDone

T = TypeVar("T")

Work = Callable[[int, FractionDone, Cancel], T]
"""Given its number, whom to tell how far it is, and what to ask often whether to go on."""

_MOST_THREADS: Final = 4
_SWITCH_S: Final = 0.0001


def thread_count() -> int:
    """How many pieces are worth running at a time: as many as there are cores for this process, four at most.

    More would wait for Python's lock, and each takes its memory.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(cores, _MOST_THREADS)


def side_by_side(
    work: Work[T], count: int, *, threads: int, on_progress: FractionDone, cancel: Cancel
) -> list[T]:
    """What `work` gives for 0 to count - 1, in this order.

    Args:
        work: runs on a thread of its own if there are several, so it changes nothing that others look at.
        count: how often.
        threads: so many at a time; with one it is the caller's.
        on_progress: told the fraction of the whole, by one thread at a time.
        cancel: asked by one thread at a time.

    Raises:
        Exception: what one raised; the others have ended.
    """
    done = [0.0] * count
    stopped = threading.Event()
    one_at_a_time = threading.Lock()

    def go_on() -> None:
        with one_at_a_time:
            if stopped.is_set():
                raise CancelledError("What runs beside it failed or was stopped.")
            cancel()

    def report(index: int, fraction: float) -> None:
        go_on()
        with one_at_a_time:
            done[index] = max(done[index], fraction)  # some pieces have parts that begin anew
            on_progress(sum(done) / count)

    if min(threads, count) < 2:
        return [work(index, partial(report, index), go_on) for index in range(count)]
    with _switching_often(), ThreadPoolExecutor(min(threads, count), "v2m-beside") as pool:
        running = [pool.submit(work, index, partial(report, index), go_on) for index in range(count)]
        try:
            for ended in wait(running, return_when=FIRST_EXCEPTION).done:
                ended.result()  # raises what a failed one raised
            return [one.result() for one in running]
        except BaseException:
            stopped.set()
            for one in running:
                one.cancel()
            raise


@contextmanager
def _switching_often() -> Iterator[None]:
    """Let threads take turns often.

    They make calls of numpy or torch that take less than the interpreter's usual 5 ms before it lets another
    go on; waiting that long for each, two threads were no faster than one after the other.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
